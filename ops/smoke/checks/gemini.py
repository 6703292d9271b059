"""Tests a spoken turn with a tool call, with the product's configuration."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckContext
from ops.smoke.observed_session import is_audio, is_complete, text
from repartee.domain.live.model import (
    LiveEvent,
    LiveToolCall,
    LiveTurnComplete,
    LiveUsage,
    Role,
    TurnStatus,
)
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.session.tools.filler import FILLER
from repartee_client.recordings import Recording


@dataclass(frozen=True, slots=True)
class Observed:
    """The events of one spoken turn with a tool call.

    Attributes:
        setup_ms: The time from opening the session to ``setupComplete``.
        events: All events.
        while_pending: The events after a typed request, while the tool call was pending.
        after_answer: The events after the tool's answer.
        trouble: How the session was closed early; "" if it was not.
    """

    setup_ms: int
    events: Sequence[LiveEvent]
    while_pending: Sequence[LiveEvent]
    after_answer: Sequence[LiveEvent]
    trouble: str


async def findings(context: CheckContext, recording: Recording) -> list[Finding]:
    """Speak a request that needs a tool, ask for a few words meanwhile, answer, and listen.

    Raises:
        LiveSetupFailed: The session was refused.
    """
    reply_s, settle_s = context.limits.reply_s, context.limits.settle_s
    loop = asyncio.get_running_loop()
    opened_s = loop.time()
    async with context.open_session(context.product_config()) as live:
        setup_ms = round((loop.time() - opened_s) * 1_000)
        await live.speak(recording)
        await live.end_speech(context.profile)
        await live.until(lambda event: isinstance(event, LiveToolCall), reply_s)
        # The model may say a few words before or after the tool call.
        await live.until(is_complete, settle_s)
        asked = len(live.arrived)
        await live.session.send_text(FILLER)
        await live.until(is_audio, reply_s, asked)
        await live.until(is_complete, settle_s, asked)
        while_pending = live.events[asked:]
        after_answer = await live.answer_tools(reply_s)
        observed = Observed(setup_ms, live.events, while_pending, after_answer, live.trouble)
    return judge(observed, context.profile)


def judge(observed: Observed, profile: LiveModelProfile) -> list[Finding]:
    """Compare the events with the assumptions of the session core."""
    events = observed.events
    statuses = [event.status for event in events if isinstance(event, LiveTurnComplete)]
    calls = [event.name for event in events if isinstance(event, LiveToolCall)]
    bills = [event for event in events if isinstance(event, LiveUsage)]
    answer = text(observed.after_answer, Role.MODEL)
    meanwhile = any(is_audio(event) for event in observed.while_pending)
    return [
        noted("the product's configuration is accepted, in ms", f"{observed.setup_ms}"),
        judged("the session stays open", not observed.trouble, observed.trouble or "yes"),
        judged(
            "speech is heard without activityStart",
            bool(text(events, Role.USER)),
            text(events, Role.USER),
            "" if text(events, Role.USER) else "see the check `speech`",
        ),
        judged("the tool is called", bool(calls), ", ".join(calls) or "no"),
        judged(
            "a request typed while the tool is pending is answered",
            # A model with synchronous tools is silent until the answer.
            meanwhile if profile.takes_non_blocking_tools else None,
            text(observed.while_pending, Role.MODEL) or ("with sound" if meanwhile else "no"),
            "" if meanwhile else "users wait in silence while core_agent works",
        ),
        judged(
            "the tool's answer is spoken",
            "3" in answer or "three" in answer.lower(),
            answer or "no",
        ),
        judged(
            "the last status of a turn is not IN_PROGRESS",
            bool(statuses) and statuses[-1] is not TurnStatus.IN_PROGRESS,
            ", ".join(status.value if status else "no status" for status in statuses),
        ),
        judged(
            "turns are billed",
            bool(bills),
            f"{len(bills)} usage messages",
            "" if bills else "cost limits cannot work",
        ),
        noted("kinds of events", _kinds(events)),
    ]


def _kinds(events: Sequence[LiveEvent]) -> str:
    counted = Counter(type(event).__name__ for event in events)
    return ", ".join(f"{name} {count}" for name, count in counted.items())
