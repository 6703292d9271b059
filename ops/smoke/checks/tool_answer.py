"""Tests what Gemini Live sends while a tool call is pending, and if it speaks the answer."""

from dataclasses import dataclass

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckContext
from ops.smoke.observed_session import is_audio, is_complete, text
from repartee.domain.live.model import LiveEvent, LiveToolCall, LiveTurnComplete, Role, TurnStatus
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.tools.core_calls import ASK_CORE_AGENT

_INSTRUCTION = (
    "You are the voice of a front desk. For every request of the user call ask_core_agent, and "
    "then say its answer in one short sentence."
)
_REQUEST = "Book me an appointment with the doctor on Friday at three in the afternoon, please."


@dataclass(frozen=True, slots=True)
class Observed:
    """The events around one tool call.

    Attributes:
        trouble: Why the tool was not called; "" if it was called.
        pending: The status of each turn that was completed while the call was pending.
        after: The status of each turn that was completed after the answer.
        is_spoken: Whether audio followed the answer.
        said: The transcript after the answer.
    """

    trouble: str = ""
    pending: tuple[TurnStatus | None, ...] = ()
    after: tuple[TurnStatus | None, ...] = ()
    is_spoken: bool = False
    said: str = ""


async def findings(context: CheckContext) -> list[Finding]:
    """Type a request that needs a tool, wait, answer the call, and listen.

    Raises:
        LiveSetupFailed: The session was refused.
    """
    async with context.open_session(context.config(_INSTRUCTION)) as live:
        await live.session.send_text(_REQUEST)
        if not await live.until(_is_call, context.limits.reply_s):
            said = f"not called; it said {text(live.events, Role.MODEL)!r}"
            return judge(Observed(live.trouble or said), context.profile)
        # The turn may end late, after a few words, while the call is still pending.
        await live.until(is_complete, context.limits.settle_s)
        pending = _statuses(live.events)
        after = await live.answer_tools(context.limits.reply_s)
    observed = Observed(
        pending=pending,
        after=_statuses(after),
        is_spoken=any(map(is_audio, after)),
        said=text(after, Role.MODEL),
    )
    return judge(observed, context.profile)


def _is_call(event: LiveEvent) -> bool:
    return isinstance(event, LiveToolCall) and event.name == ASK_CORE_AGENT


def _statuses(events: list[LiveEvent]) -> tuple[TurnStatus | None, ...]:
    return tuple(event.status for event in events if isinstance(event, LiveTurnComplete))


def judge(observed: Observed, profile: LiveModelProfile) -> list[Finding]:
    """Judge the events for the product."""
    called = judged(
        "the model calls ask_core_agent",
        not observed.trouble,
        observed.trouble or "called",
        "requests to the front desk are not answered: deploy with another GeminiLiveModel"
        if observed.trouble
        else "",
    )
    if observed.trouble:
        return [called]
    return [
        called,
        noted(
            "turns that end while the tool is pending",
            _words(observed.pending),
            _status_means(observed, profile),
        ),
        noted(
            "the tool's answer is spoken",
            observed.said or ("without a transcript" if observed.is_spoken else "not spoken"),
            "nothing to set"
            if observed.is_spoken
            else "the worker repeats such an answer once; if it remains unspoken, the client gets "
            "no_answer with its text",
        ),
        noted("turns that end after the answer", _words(observed.after)),
    ]


def _words(statuses: tuple[TurnStatus | None, ...]) -> str:
    return ", ".join(one.value if one else "turnComplete without status" for one in statuses) or (
        "none"
    )


def _status_means(observed: Observed, profile: LiveModelProfile) -> str:
    seen = (*observed.pending, *observed.after)
    if not seen:
        return "no turn ended, so the profile's sends_status could not be compared"
    sends_status = any(status is not None for status in seen)
    if sends_status == profile.sends_status:
        return "as the model's profile says; nothing to set"
    return f"the model's profile is wrong: sends_status is {sends_status} for this model"
