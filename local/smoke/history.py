"""Asks the real Gemini Live whether it takes the history with which each session is seeded."""

from dataclasses import dataclass, replace

from local.smoke.finding import Finding
from local.smoke.setting import Setting
from local.smoke.talk import Talk, is_over, refused_with, text
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live import HistoryEntry, LiveClosed, Role

NAME = "Robert"
HISTORY = (
    HistoryEntry(Role.USER, f"Hello, my name is {NAME}."),
    HistoryEntry(Role.MODEL, f"Hello {NAME}, how can I help you?"),
)


@dataclass(frozen=True, slots=True)
class Observed:
    """What became of a session that was given two turns.

    Attributes:
        trouble: How it was refused or closed; "" where it stayed open.
        said: What it answered to the question for the name.
    """

    trouble: str = ""
    said: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the name in the turns was known."""
        return NAME.lower() in self.said.lower()

    @property
    def seen(self) -> str:
        """What happened, in words."""
        return self.trouble or self.said or "no answer"


async def findings(setting: Setting) -> list[Finding]:
    """Give one session two turns as messages, another one as text, and ask for the name in them.

    Raises:
        LiveSetupFailed: The session without messages was refused.
    """
    reply_s = setting.patience.reply_s
    try:
        async with setting.talk(replace(setting.config(), history=HISTORY)) as talk:
            # A refusal comes one round trip later.
            await talk.until(lambda event: isinstance(event, LiveClosed), setting.patience.settle_s)
            as_messages = await _asked(talk, reply_s)
    except LiveSetupFailed as error:
        as_messages = Observed(refused_with(error))
    async with setting.talk(setting.product_config(HISTORY)) as talk:
        return judge(as_messages, await _asked(talk, reply_s))


async def _asked(talk: Talk, reply_s: float) -> Observed:
    if not talk.trouble:
        await talk.session.send_text("Do you remember my name?")
        await talk.until(is_over, reply_s)
    return Observed(talk.trouble, text(talk.events, Role.MODEL))


def judge(as_messages: Observed, as_text: Observed) -> list[Finding]:
    """Say what that means for memory."""
    is_refused = bool(as_messages.trouble)
    return [
        Finding(
            "history that is sent as messages is known",
            None if is_refused else as_messages.is_known,
            as_messages.seen,
            _messages_mean(as_messages),
        ),
        Finding(
            "history in the instruction is known",
            True if as_text.is_known else False if is_refused else None,
            as_text.seen,
            "" if as_text.is_known else "a session that refuses messages would forget the past",
        ),
    ]


def _messages_mean(observed: Observed) -> str:
    if observed.trouble:
        return (
            "the worker opens such a session again and sends the history as text; nothing to set, "
            "and the first call of each process opens later"
        )
    if observed.is_known:
        return "nothing to set"
    return (
        "each new Live session forgets the past: with ContextPolicy=keep and a higher "
        "LingerSeconds there are fewer"
    )
