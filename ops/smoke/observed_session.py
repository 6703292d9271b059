"""One conversation with a live model, event by event, with the times at which they came."""

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
from repartee.domain.live.profiles import LiveModelProfile
from repartee.domain.session.input.speech_channel import MAX_SILENCE_MS, SILENCE_CHUNK_MS
from repartee.domain.tools.core_calls import ToolCallStatus
from repartee.ports.live_model import LiveModel, LiveSession
from repartee_client.recordings import Recording

CHUNK_MS = 200
_TOOL_ANSWER = "Your appointment is booked for Friday at 3 p.m."

type Wanted = Callable[[LiveEvent], bool]


@dataclass(frozen=True, slots=True)
class WaitLimits:
    """How long a check waits.

    Attributes:
        reply_s: A reply that has not come by then does not come.
        settle_s: How long a check watches whether something happens that should not.
    """

    reply_s: float = 15.0
    settle_s: float = 3.0


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event, and the loop's time at which it came."""

    at_s: float
    event: LiveEvent


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a typed question.

    Attributes:
        said: The words of the answer.
        trouble: How the session was refused or closed; "" where it stayed open.
    """

    said: str = ""
    trouble: str = ""

    @property
    def seen(self) -> str:
        """What happened, in words."""
        return self.trouble or self.said or "no answer"


class ObservedSession:
    """An open session and everything that came from it.

    Attributes:
        session: Where to send.
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
        return [one.event for one in self.arrived]

    @property
    def trouble(self) -> str:
        """How the other side closed the session; "" while it is open."""
        closed = next((one for one in self.events if isinstance(one, LiveClosed)), None)
        return f"closed with {closed.code} {closed.reason}".strip() if closed else ""

    async def until(self, wanted: Wanted, within_s: float, since: int = 0) -> ReceivedEvent | None:
        """Wait for an event.

        Args:
            wanted: Whether an event is the one.
            within_s: How long to wait.
            since: How many of the events so far do not count.

        Returns:
            The first such event; None where none came, or the session closed.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    self._news.clear()
                    for one in self.arrived[since:]:
                        if wanted(one.event):
                            return one
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
        """Answer every call so far; return what follows until the answer has been spoken."""
        since = len(self.arrived)
        await self.session.respond_to_tools(
            [
                ToolResponse(
                    one.call_id, one.name, ToolCallStatus.DONE, _TOOL_ANSWER, retryable=False
                )
                for one in self.events
                if isinstance(one, LiveToolCall)
            ]
        )
        if spoken := await self.until(is_audio, reply_s, since):
            # A turn may end before the answer is spoken.
            await self.until(is_over, reply_s, self.arrived.index(spoken, since))
        return self.events[since:]

    async def speak(self, recording: Recording) -> float:
        """Send a recording in real time; return the loop's time at its end."""
        for chunk in recording.chunks(CHUNK_MS):
            await self.session.send_audio(chunk)
            await asyncio.sleep(CHUNK_MS / 1_000)
        return asyncio.get_running_loop().time()

    async def end_speech(self, profile: LiveModelProfile) -> None:
        """Send what the worker sends after speech, until the model reacts."""
        since = len(self.arrived)
        await self.send_silence(profile.silence_burst_ms)
        if profile.ends_speech_by_stream_end:
            await self.session.end_audio_stream()
        if not profile.continues_silence:
            return

        def is_reaction(event: LiveEvent) -> bool:
            # A transcript that comes in pieces says nothing about the end of the speech.
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
        """Send silence at once."""
        if duration_ms:
            await self.session.send_audio(bytes(length_bytes(duration_ms, INPUT_RATE_HZ)))


@contextlib.asynccontextmanager
async def open_observed_session(
    live: LiveModel, config: LiveConfig
) -> AsyncIterator[ObservedSession]:
    """Open a session, and close it at the end of the block.

    Raises:
        LiveSetupFailed: It was refused, or did not open in time.
    """
    try:
        async with asyncio.timeout(OPEN_LIVE_S):
            session = await live.open(config)
    except TimeoutError as error:
        raise LiveSetupFailed("it did not open in time", code=0, retryable=True) from error
    talk = ObservedSession(session)
    listening = asyncio.create_task(talk.listen())
    try:
        yield talk
    finally:
        await session.close()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


def is_reaction_to_input(event: LiveEvent) -> bool:
    """Tell whether the model has noticed what was said."""
    return isinstance(event, LiveAudio | LiveTranscript | LiveToolCall)


def is_audio(event: LiveEvent) -> bool:
    """Tell whether the model speaks."""
    return isinstance(event, LiveAudio)


def is_complete(event: LiveEvent) -> bool:
    """Tell whether a turn of the model is complete, whatever its status."""
    return isinstance(event, LiveTurnComplete)


def is_over(event: LiveEvent) -> bool:
    """Tell whether the model's turn is over."""
    return isinstance(event, LiveTurnComplete) and event.status is not TurnStatus.IN_PROGRESS


def text(events: Iterable[LiveEvent], role: Role) -> str:
    """Return what one side said."""
    pieces = (e.text for e in events if isinstance(e, LiveTranscript) and e.role is role)
    return "".join(pieces).strip()


def refused_with(error: LiveSetupFailed) -> str:
    """Return how an opening was refused, in words."""
    return f"set-up refused with {error.code} {error.reason}".strip()
