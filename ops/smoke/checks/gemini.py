"""Asks the real Gemini Live what a call rests on, with the product's own set-up."""

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
from repartee.domain.live.profiles import LiveModelProfile
from repartee.domain.session.tools.filler import FILLER
from repartee_client.recordings import Recording


@dataclass(frozen=True, slots=True)
class Observed:
    """What one spoken turn with a tool brought.

    Attributes:
        setup_ms: From opening the session to its set-up.
        events: Everything that came.
        while_pending: What came after a typed request, while the tool was pending.
        after_answer: What came after the tool's answer.
        trouble: How the session was closed before the end; "" where it was not.
    """

    setup_ms: int
    events: Sequence[LiveEvent]
    while_pending: Sequence[LiveEvent]
    after_answer: Sequence[LiveEvent]
    trouble: str


async def findings(setting: CheckContext, recording: Recording) -> list[Finding]:
    """Speak a wish that needs a tool, ask for a few words meanwhile, answer, and listen.

    Raises:
        LiveSetupFailed: The session was refused.
    """
    reply_s, settle_s = setting.patience.reply_s, setting.patience.settle_s
    loop = asyncio.get_running_loop()
    opened_s = loop.time()
    async with setting.talk(setting.product_config()) as talk:
        setup_ms = round((loop.time() - opened_s) * 1_000)
        await talk.speak(recording)
        await talk.end_speech(setting.profile)
        await talk.until(lambda event: isinstance(event, LiveToolCall), reply_s)
        # Words that bridge the wait come before or after the call.
        await talk.until(is_complete, settle_s)
        asked = len(talk.arrived)
        await talk.session.send_text(FILLER)
        await talk.until(is_audio, reply_s, asked)
        await talk.until(is_complete, settle_s, asked)
        while_pending = talk.events[asked:]
        after_answer = await talk.answer_tools(reply_s)
        observed = Observed(setup_ms, talk.events, while_pending, after_answer, talk.trouble)
    return judge(observed, setting.profile)


def judge(observed: Observed, profile: LiveModelProfile) -> list[Finding]:
    """Compare what came with what the session core relies on."""
    events = observed.events
    statuses = [event.status for event in events if isinstance(event, LiveTurnComplete)]
    calls = [event.name for event in events if isinstance(event, LiveToolCall)]
    bills = [event for event in events if isinstance(event, LiveUsage)]
    answer = text(observed.after_answer, Role.MODEL)
    meanwhile = any(is_audio(event) for event in observed.while_pending)
    return [
        noted("the product's set-up is taken, in ms", f"{observed.setup_ms}"),
        judged("the session stays open", not observed.trouble, observed.trouble or "yes"),
        judged(
            "speech is heard without a mark of its beginning",
            bool(text(events, Role.USER)),
            text(events, Role.USER),
            "" if text(events, Role.USER) else "see the check `speech`",
        ),
        judged("the tool is called", bool(calls), ", ".join(calls) or "no"),
        judged(
            "a request that is typed while the tool is pending is answered",
            # A model whose tools are synchronous waits in silence.
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
            "a turn's last word is not IN_PROGRESS",
            bool(statuses) and statuses[-1] is not TurnStatus.IN_PROGRESS,
            ", ".join(status.value if status else "no status" for status in statuses),
        ),
        judged(
            "turns are billed",
            bool(bills),
            f"{len(bills)} usage messages",
            "" if bills else "limits of money cannot work",
        ),
        noted("kinds of events", _kinds(events)),
    ]


def _kinds(events: Sequence[LiveEvent]) -> str:
    counted = Counter(type(event).__name__ for event in events)
    return ", ".join(f"{name} {count}" for name, count in counted.items())
