"""Tests whether a new Live session accepts and knows the history."""

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


async def findings(context: CheckContext) -> list[Finding]:
    """Send two turns as messages to one session and as text to another; ask for a name in them.

    Raises:
        LiveSetupFailed: The session without messages was refused.
    """
    question, reply_s = "Do you remember my name?", context.limits.reply_s
    try:
        async with context.open_session(replace(context.config(), history=HISTORY)) as live:
            # A refusal arrives one round trip later.
            await live.until(lambda event: isinstance(event, LiveClosed), context.limits.settle_s)
            as_messages = await live.ask(question, reply_s)
    except LiveSetupFailed as error:
        as_messages = Answer(trouble=refused_with(error))
    async with context.open_session(context.product_config(HISTORY)) as live:
        return judge(as_messages, await live.ask(question, reply_s))


def _is_known(answer: Answer) -> bool:
    return NAME.lower() in answer.said.lower()


def judge(as_messages: Answer, as_text: Answer) -> list[Finding]:
    """Judge the answers for the product's memory."""
    is_refused = bool(as_messages.trouble)
    return [
        judged(
            "history sent as messages is known",
            None if is_refused else _is_known(as_messages),
            as_messages.seen,
            _messages_mean(as_messages),
        ),
        judged(
            "history in the instruction is known",
            True if _is_known(as_text) else False if is_refused else None,
            as_text.seen,
            "" if _is_known(as_text) else "a session that refuses messages forgets earlier turns",
        ),
    ]


def _messages_mean(answer: Answer) -> str:
    if answer.trouble:
        return (
            "the worker opens such a session again and sends the history as text; nothing to set, "
            "but the first Live session of each process opens later"
        )
    if _is_known(answer):
        return "nothing to set"
    return (
        "each new Live session forgets earlier turns: ContextPolicy=keep and a higher "
        "LingerSeconds make new sessions rarer"
    )
