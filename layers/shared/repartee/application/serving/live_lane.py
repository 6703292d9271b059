"""The live lane: opens the Live session, sends input to it in order, and reads its events."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from repartee.application.serving.observe_session import SessionObserver
from repartee.application.serving.session_ports import SessionPorts
from repartee.domain.audio import INPUT_RATE_HZ, length_bytes
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import LiveClosed, LiveConfig, LiveFailure, LiveOpened
from repartee.domain.session.effects import (
    EndActivity,
    EndAudioStream,
    ModelEffect,
    OpenLive,
    RespondToTool,
    SendAudio,
    SendSilence,
    SendText,
    StartActivity,
)
from repartee.domain.session.events import Event, FromLive
from repartee.ports.live_model import LiveSession

# A Live session that does not answer must not delay the next one or the release of the lease.
CLOSE_LIVE_S = 2.0
# Shorter than the machine's timeout, so that a set-up that hangs does not delay the next one.
OPEN_LIVE_S = 12.0


class LiveLane:
    """Owns the Live session, of which there is at most one at a time, and the task that reads it.

    Args:
        session_id: The session, for the log.
        ports: The live model and the log.
        observer: Counts Live sessions that were refused or broke off.
        feed: Passes an event to the machine.
        spawn: Starts the reading task, which ends with the run. Its errors end the run.
    """

    def __init__(
        self,
        session_id: str,
        ports: SessionPorts,
        observer: SessionObserver,
        feed: Callable[[Event], None],
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
    ):
        self._session_id = session_id
        self._ports = ports
        self._observer = observer
        self._feed = feed
        self._spawn = spawn
        self._waiting: asyncio.Queue[ModelEffect] = asyncio.Queue()
        self._live: LiveSession | None = None
        self._reader: asyncio.Task[None] | None = None

    def put(self, *effects: ModelEffect) -> None:
        """Queue effects."""
        for effect in effects:
            self._waiting.put_nowait(effect)

    async def run(self) -> None:
        """Do the queued work until cancelled; without an open Live session, input is dropped."""
        while True:
            effect = await self._waiting.get()
            live = self._live
            if isinstance(effect, OpenLive):
                await self._open(effect)
            elif live is not None:
                match effect:
                    case SendAudio(pcm=pcm):
                        await live.send_audio(pcm)
                    case SendSilence(duration_ms=silence_ms):
                        await live.send_audio(bytes(length_bytes(silence_ms, INPUT_RATE_HZ)))
                    case StartActivity():
                        await live.start_activity()
                    case EndActivity():
                        await live.end_activity()
                    case EndAudioStream():
                        await live.end_audio_stream()
                    case SendText(text=text):
                        await live.send_text(text)
                    case RespondToTool(response=response):
                        await live.respond_to_tools([response])

    async def close(self) -> None:
        """Stop reading the Live session, and close it."""
        if self._reader is not None:
            self._reader.cancel()
            # Awaiting the task itself would raise its ``CancelledError`` here.
            await asyncio.wait({self._reader})
            self._reader = None
        if self._live is not None:
            live, self._live = self._live, None
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIVE_S):
                    await live.close()

    async def _open(self, effect: OpenLive) -> None:
        if effect.saves_usd is not None:
            self._ports.log.info(
                "context told anew",
                extra={"session_id": self._session_id, "saves_usd": float(effect.saves_usd)},
            )
        await self.close()
        self._observer.begin_setup()
        try:
            self._live = await self._set_up(effect.config)
        except LiveSetupFailed as error:
            self._observer.count_refusal(error.code, is_final=not error.retryable)
            self._ports.log.warning(
                "live session refused",
                extra={
                    "session_id": self._session_id,
                    "code": error.code,
                    "reason": error.reason,
                },
            )
            failure = LiveFailure.BUSY if error.retryable else LiveFailure.REFUSED
            closed = LiveClosed(failure, error.code, error.reason)
            self._feed(FromLive(effect.generation, closed))
            return
        self._reader = self._spawn(self._read(effect.generation, self._live))
        self._feed(FromLive(effect.generation, LiveOpened()))

    async def _set_up(self, config: LiveConfig) -> LiveSession:
        try:
            async with asyncio.timeout(OPEN_LIVE_S):
                return await self._ports.live.open(config)
        except TimeoutError:
            raise LiveSetupFailed("no answer", code=0, retryable=True) from None

    async def _read(self, generation: int, live: LiveSession) -> None:
        async for event in live.events():
            if isinstance(event, LiveClosed):
                self._observer.count_drop(event.code)
                fields = {"session_id": self._session_id, "code": event.code}
                self._ports.log.warning("live session closed", extra=fields)
            self._feed(FromLive(generation, event))
