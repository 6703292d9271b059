"""Asks the real Gemini Live whether it takes the history with which each session is seeded."""

from dataclasses import replace

from ops.finding import Finding, judged
from ops.smoke.check_context import CheckContext
from ops.smoke.observed_session import Answer, refused_with
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import HistoryEntry, LiveClosed, Role

NAME = "Robert"
HISTORY = (
    HistoryEntry(Role.USER, f"Hello, my name is {NAME}."),
    HistoryEntry(Role.MODEL, f"Hello {NAME}, how can I help you?"),
)


async def findings(setting: CheckContext) -> list[Finding]:
    """Give one session two turns as messages, another one as text, and ask for the name in them.

    Raises:
        LiveSetupFailed: The session without messages was refused.
    """
    question, reply_s = "Do you remember my name?", setting.patience.reply_s
    try:
        async with setting.talk(replace(setting.config(), history=HISTORY)) as talk:
            # A refusal comes one round trip later.
            await talk.until(lambda event: isinstance(event, LiveClosed), setting.patience.settle_s)
            as_messages = await talk.ask(question, reply_s)
    except LiveSetupFailed as error:
        as_messages = Answer(trouble=refused_with(error))
    async with setting.talk(setting.product_config(HISTORY)) as talk:
        return judge(as_messages, await talk.ask(question, reply_s))


def _is_known(answer: Answer) -> bool:
    return NAME.lower() in answer.said.lower()


def judge(as_messages: Answer, as_text: Answer) -> list[Finding]:
    """Say what that means for memory."""
    is_refused = bool(as_messages.trouble)
    return [
        judged(
            "history that is sent as messages is known",
            None if is_refused else _is_known(as_messages),
            as_messages.seen,
            _messages_mean(as_messages),
        ),
        judged(
            "history in the instruction is known",
            True if _is_known(as_text) else False if is_refused else None,
            as_text.seen,
            "" if _is_known(as_text) else "a session that refuses messages would forget the past",
        ),
    ]


def _messages_mean(answer: Answer) -> str:
    if answer.trouble:
        return (
            "the worker opens such a session again and sends the history as text; nothing to set, "
            "and the first call of each process opens later"
        )
    if _is_known(answer):
        return "nothing to set"
    return (
        "each new Live session forgets the past: with ContextPolicy=keep and a higher "
        "LingerSeconds there are fewer"
    )
