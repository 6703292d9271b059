"""Asks the real Gemini Live whether it takes the history with which each session is seeded."""

from dataclasses import dataclass, replace

from local.smoke.finding import Finding
from local.smoke.setting import Setting
from local.smoke.talk import closed_with, is_over, refused_with, text
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live import HistoryEntry, LiveClosed, Role

NAME = "Robert"
HISTORY = (
    HistoryEntry(Role.USER, f"Hello, my name is {NAME}."),
    HistoryEntry(Role.MODEL, f"Hello {NAME}, how can I help you?"),
)


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of a seeded session.

    Attributes:
        trouble: How it was refused or closed; "" where it stayed open.
        said: What it answered to the question for the name.
    """

    trouble: str = ""
    said: str = ""


async def findings(setting: Setting) -> list[Finding]:
    """Seed a session with two turns, wait, and ask for the name in them."""
    config = replace(setting.config(), history=HISTORY)
    try:
        async with setting.talk(config) as talk:
            await talk.until(lambda event: isinstance(event, LiveClosed), setting.patience.settle_s)
            if not talk.closing:
                await talk.session.send_text("Do you remember my name?")
                await talk.until(is_over, setting.patience.reply_s)
            closing = talk.closing
            said = text(talk.events, Role.MODEL)
            observed = Observed(closed_with(closing) if closing else "", said)
    except LiveSetupFailed as error:
        observed = Observed(refused_with(error))
    return judge(observed)


def judge(observed: Observed) -> list[Finding]:
    """Say what that means for memory."""
    name = "a session that is seeded with history knows it"
    if observed.trouble:
        return [
            Finding(
                name,
                None,
                observed.trouble,
                "the worker opens such a session once more, with the history in its instruction; "
                "nothing to set, and each call opens later",
            )
        ]
    if NAME.lower() in observed.said.lower():
        return [Finding(name, True, observed.said, "nothing to set")]
    return [
        Finding(
            name,
            False,
            observed.said or "no answer",
            "earlier turns are forgotten at each new session: set ContextPolicy=keep, and "
            "LingerSeconds high, to have fewer",
        )
    ]
