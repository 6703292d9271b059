"""Asks the real Gemini Live what Repartee's session core relies on, through its own adapter."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from local.smoke.finding import Finding
from local.speech import Recording
from repartee.domain.calls import CallStatus
from repartee.domain.conversation import Conversation, Memory, Profile
from repartee.domain.live import (
    HistoryEntry,
    LiveAudio,
    LiveClosed,
    LiveConfig,
    LiveEvent,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    LiveUsage,
    Role,
    ToolResponse,
    TurnStatus,
)
from repartee.domain.seed import TOOLS, Occasion, system_instruction
from repartee.domain.session.filler import FILLER
from repartee.ports.live_model import LiveModel, LiveSession

CHUNK_MS = 200
REPLY_S = 40.0
SILENCE_S = 3.5
NAME = "Robert"
_HISTORY = (
    HistoryEntry(Role.USER, f"Hello, my name is {NAME}."),
    HistoryEntry(Role.MODEL, f"Hello {NAME}, how can I help you?"),
)
_ANSWER = "Your appointment is booked for Friday at 3 p.m."


@dataclass(slots=True)
class _Reply:
    """What came until a turn was over.

    Attributes:
        events: All of it.
        while_pending: What came of a request that was typed while the first call was pending.
    """

    events: list[LiveEvent] = field(default_factory=list)
    while_pending: list[LiveEvent] = field(default_factory=list)


def config(model: str, voice: str, language: str) -> LiveConfig:
    """Return the set-up of a session that has heard a name before."""
    conversation = Conversation("smoke", "smoke", "", created_at_ms=0, updated_at_ms=0)
    memory = Memory(conversation, Profile("smoke"), ())
    occasion = Occasion(datetime.now(UTC), "UTC", language)
    instruction = system_instruction(memory, occasion)
    return LiveConfig(model, voice, language, instruction, TOOLS, _HISTORY)


async def findings(live: LiveModel, wanted: LiveConfig, recording: Recording) -> list[Finding]:
    """Hold two turns: a typed question about the history, and a spoken wish that needs a tool.

    Raises:
        LiveSetupFailed: The session was refused; its code and reason are the finding.
    """
    opened_s = time.monotonic()
    session = await live.open(wanted)
    setup_ms = (time.monotonic() - opened_s) * 1_000
    try:
        async with _listening(session) as heard:
            await session.send_text("Do you remember my name?")
            recalled = await _reply(session, heard)
            for chunk in recording.chunks(CHUNK_MS):
                await session.send_audio(chunk)
                await asyncio.sleep(CHUNK_MS / 1_000)
            await session.end_audio_stream()
            spoken = await _reply(session, heard)
    finally:
        await session.close()
    return [
        Finding(f"{wanted.model} is set up, in ms", None, f"{setup_ms:.0f}"),
        Finding(
            "history that was sent at the beginning is known",
            NAME.lower() in _text(recalled.events, Role.MODEL).lower(),
            _text(recalled.events, Role.MODEL),
        ),
        *_judged(spoken.events),
        Finding(
            "a request that is typed while the tool is pending is answered",
            any(isinstance(event, LiveAudio) for event in spoken.while_pending),
            _text(spoken.while_pending, Role.MODEL),
        ),
    ]


def _judged(events: list[LiveEvent]) -> list[Finding]:
    statuses = [event.status for event in events if isinstance(event, LiveTurnComplete)]
    calls = [event for event in events if isinstance(event, LiveToolCall)]
    usage = [event for event in events if isinstance(event, LiveUsage)]
    return [
        Finding(
            "speech is heard without a mark of its beginning",
            bool(_text(events, Role.USER)),
            _text(events, Role.USER),
        ),
        Finding("the tool is called", bool(calls), ", ".join(call.name for call in calls)),
        Finding(
            "the tool's answer is spoken when the model is idle",
            "3" in _text(events, Role.MODEL) or "three" in _text(events, Role.MODEL).lower(),
            _text(events, Role.MODEL),
        ),
        Finding(
            "a turn's last word is not IN_PROGRESS",
            bool(statuses) and statuses[-1] is not TurnStatus.IN_PROGRESS,
            ", ".join(status.value if status else "no status" for status in statuses),
        ),
        Finding("the turn is billed", bool(usage), f"{len(usage)} usage messages"),
        Finding("kinds of events", None, _kinds(events)),
    ]


@contextlib.asynccontextmanager
async def _listening(session: LiveSession) -> AsyncIterator["asyncio.Queue[LiveEvent]"]:
    queue: asyncio.Queue[LiveEvent] = asyncio.Queue()

    async def listen() -> None:
        async for event in session.events():
            queue.put_nowait(event)

    task = asyncio.create_task(listen())
    try:
        yield queue
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _reply(session: LiveSession, heard: "asyncio.Queue[LiveEvent]") -> _Reply:
    """Collect events until the turn is over, closed or too long; answer every tool call."""
    reply = _Reply()
    is_owed = False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(REPLY_S):
            while True:
                event = await heard.get()
                reply.events.append(event)
                if isinstance(event, LiveToolCall):
                    await _answer(session, heard, event, reply)
                    is_owed = True
                elif isinstance(event, LiveAudio) and is_owed:
                    is_owed = False
                elif isinstance(event, LiveClosed) or (_is_over(event) and not is_owed):
                    break
    return reply


async def _answer(
    session: LiveSession, heard: "asyncio.Queue[LiveEvent]", call: LiveToolCall, reply: _Reply
) -> None:
    """Answer ``call``; the first one only after the model was asked for a few words meanwhile."""
    came: list[LiveEvent] = []
    if not reply.while_pending:
        came = await _until_silent(heard)
        await session.send_text(FILLER)
        reply.while_pending = await _until_silent(heard)
        came += reply.while_pending
        reply.events += came
    calls = [call, *(one for one in came if isinstance(one, LiveToolCall))]
    await session.respond_to_tools(
        [
            ToolResponse(one.call_id, one.name, CallStatus.DONE, _ANSWER, retryable=False)
            for one in calls
        ]
    )


async def _until_silent(heard: "asyncio.Queue[LiveEvent]") -> list[LiveEvent]:
    events: list[LiveEvent] = []
    with contextlib.suppress(TimeoutError):
        while True:
            events.append(await asyncio.wait_for(heard.get(), SILENCE_S))
    return events


def _is_over(event: LiveEvent) -> bool:
    return isinstance(event, LiveTurnComplete) and event.status is not TurnStatus.IN_PROGRESS


def _text(events: list[LiveEvent], role: Role) -> str:
    pieces = (e.text for e in events if isinstance(e, LiveTranscript) and e.role is role)
    return "".join(pieces).strip()


def _kinds(events: list[LiveEvent]) -> str:
    counted = Counter(type(event).__name__ for event in events)
    return ", ".join(f"{name} {count}" for name, count in counted.items())
