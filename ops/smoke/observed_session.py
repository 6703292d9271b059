"""A Live session that records its events with their times of arrival."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

from repartee.application.serving.live_lane import OPEN_LIVE_S
from repartee.domain.audio import INPUT_RATE_HZ, length_bytes
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import (
    LiveAudio,
    LiveClosed,
    LiveConfig,
    LiveEvent,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    Role,
    ToolResponse,
    TurnStatus,
)
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.session.input.speech_channel import MAX_SILENCE_MS, SILENCE_CHUNK_MS
from repartee.domain.tools.core_calls import ToolCallStatus
from repartee.ports.live_model import LiveModel, LiveSession
from repartee_client.recordings import Recording

CHUNK_MS = 200
_TOOL_ANSWER = "Your appointment is booked for Friday at 3 p.m."

type Wanted = Callable[[LiveEvent], bool]


@dataclass(frozen=True, slots=True)
class WaitLimits:
    """The time limits of a check.

    Attributes:
        reply_s: The wait for a reply.
        settle_s: The wait for an event that should not occur.
    """

    reply_s: float = 15.0
    settle_s: float = 3.0


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event, and the event loop's time of its arrival."""

    at_s: float
    event: LiveEvent


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a typed question.

    Attributes:
        said: The transcript of the answer.
        trouble: How the session was refused or closed; "" if it stayed open.
    """

    said: str = ""
    trouble: str = ""

    @property
    def seen(self) -> str:
        """The result as text."""
        return self.trouble or self.said or "no answer"


class ObservedSession:
    """An open Live session and its events.

    Attributes:
        session: The session, for sending.
        arrived: All events so far.
    """

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self.arrived: list[ReceivedEvent] = []
        self._news = asyncio.Event()

    async def listen(self) -> None:
        """Collect events until the session closes."""
        loop = asyncio.get_running_loop()
        async for event in self.session.events():
            self.arrived.append(ReceivedEvent(loop.time(), event))
            self._news.set()

    @property
    def events(self) -> list[LiveEvent]:
        """All events so far."""
        return [received.event for received in self.arrived]

    @property
    def trouble(self) -> str:
        """How the server closed the session; "" while it is open."""
        closed = next((event for event in self.events if isinstance(event, LiveClosed)), None)
        return f"closed with {closed.code} {closed.reason}".strip() if closed else ""

    async def until(self, wanted: Wanted, within_s: float, since: int = 0) -> ReceivedEvent | None:
        """Wait for an event.

        Args:
            wanted: Returns whether an event ends the wait.
            within_s: The time limit.
            since: The number of earlier events to ignore.

        Returns:
            The first such event; None after the time limit or when the session closed.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    self._news.clear()
                    for received in self.arrived[since:]:
                        if wanted(received.event):
                            return received
                    if self.trouble:
                        return None
                    await self._news.wait()
        return None

    async def ask(self, question: str, reply_s: float) -> Answer:
        """Type a question and wait for the answer."""
        if not self.trouble:
            await self.session.send_text(question)
            await self.until(is_over, reply_s)
        return Answer(text(self.events, Role.MODEL), self.trouble)

    async def answer_tools(self, reply_s: float) -> list[LiveEvent]:
        """Answer all tool calls; return the events until the end of the spoken answer."""
        since = len(self.arrived)
        await self.session.respond_to_tools(
            [
                ToolResponse(
                    call.call_id, call.name, ToolCallStatus.DONE, _TOOL_ANSWER, retryable=False
                )
                for call in self.events
                if isinstance(call, LiveToolCall)
            ]
        )
        if spoken := await self.until(is_audio, reply_s, since):
            # A turn may end before the answer is spoken.
            await self.until(is_over, reply_s, self.arrived.index(spoken, since))
        return self.events[since:]

    async def speak(self, recording: Recording) -> float:
        """Send a recording in real time; return the event loop's time at its end."""
        for chunk in recording.chunks(CHUNK_MS):
            await self.session.send_audio(chunk)
            await asyncio.sleep(CHUNK_MS / 1_000)
        return asyncio.get_running_loop().time()

    async def end_speech(self, profile: LiveModelProfile) -> None:
        """Send what the worker sends after speech until the model reacts."""
        since = len(self.arrived)
        await self.send_silence(profile.silence_burst_ms)
        if profile.ends_speech_by_stream_end:
            await self.session.end_audio_stream()
        if not profile.continues_silence:
            return

        def is_reaction(event: LiveEvent) -> bool:
            # Partial transcripts do not show that the model detected the end of the speech.
            is_transcript = isinstance(event, LiveTranscript)
            return is_reaction_to_input(event) and (
                profile.transcribes_after_speech or not is_transcript
            )

        for _ in range(MAX_SILENCE_MS // SILENCE_CHUNK_MS):
            reacted = await self.until(is_reaction, SILENCE_CHUNK_MS / 1_000, since)
            if reacted or self.trouble:
                return
            await self.send_silence(SILENCE_CHUNK_MS)

    async def send_silence(self, duration_ms: int) -> None:
        """Send silence without waiting."""
        if duration_ms:
            await self.session.send_audio(bytes(length_bytes(duration_ms, INPUT_RATE_HZ)))


@contextlib.asynccontextmanager
async def open_observed_session(
    live: LiveModel, config: LiveConfig
) -> AsyncIterator[ObservedSession]:
    """Open a session, and close it at the end of the block.

    Raises:
        LiveSetupFailed: The session was refused, or did not open in time.
    """
    try:
        async with asyncio.timeout(OPEN_LIVE_S):
            session = await live.open(config)
    except TimeoutError as error:
        raise LiveSetupFailed("it did not open in time", code=0, retryable=True) from error
    observed = ObservedSession(session)
    listening = asyncio.create_task(observed.listen())
    try:
        yield observed
    finally:
        await session.close()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


def is_reaction_to_input(event: LiveEvent) -> bool:
    """Return whether the event shows that the model heard the input."""
    return isinstance(event, LiveAudio | LiveTranscript | LiveToolCall)


def is_audio(event: LiveEvent) -> bool:
    """Return whether the event is reply audio."""
    return isinstance(event, LiveAudio)


def is_complete(event: LiveEvent) -> bool:
    """Return whether the event completes a turn, with any status."""
    return isinstance(event, LiveTurnComplete)


def is_over(event: LiveEvent) -> bool:
    """Return whether the event ends the model's turn."""
    return isinstance(event, LiveTurnComplete) and event.status is not TurnStatus.IN_PROGRESS


def text(events: Iterable[LiveEvent], role: Role) -> str:
    """Return the transcript of one side."""
    pieces = (e.text for e in events if isinstance(e, LiveTranscript) and e.role is role)
    return "".join(pieces).strip()


def refused_with(error: LiveSetupFailed) -> str:
    """Return the refusal of a session as text."""
    return f"set-up refused with {error.code} {error.reason}".strip()
