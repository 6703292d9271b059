"""One Live connection, from its setup to its end."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import audioop
from aiohttp import WSMsgType, web

from local.gemini.brain import Brain
from local.gemini.context import Context, Item, Role
from local.gemini.ears import Ears, Hearing
from local.gemini.faults import Fault, Faults
from local.gemini.handles import Handles
from local.gemini.jobs import Answered, Spoken, Typed
from local.gemini.outlet import Gone, Outlet
from local.gemini.protocol import (
    Blob,
    ClientContent,
    ClientMessage,
    RealtimeInput,
    Refused,
    Setup,
    ToolResponse,
    check_key,
    check_setup,
    parse_client_message,
)
from local.gemini.records import Record
from local.gemini.settings import Settings
from local.gemini.vad import (
    SAMPLE_RATE_HZ,
    Segmenter,
    SpeechAudio,
    SpeechEnded,
    SpeechEvent,
    SpeechStarted,
    VadSettings,
)
from local.gemini.voice import Voice

LOW_END_SENSITIVITY_SILENCE_MS = 900


@dataclass(frozen=True, slots=True)
class World:
    """What all connections share."""

    settings: Settings
    ears: Ears
    voice: Voice
    faults: Faults
    handles: Handles


class LiveSession:
    """Serves one WebSocket; `run` returns when it is closed, by whichever side."""

    def __init__(
        self,
        connection_id: str,
        world: World,
        socket: web.WebSocketResponse,
        abort: Callable[[], None],
        key: str | None,
    ) -> None:
        self.connection_id = connection_id
        self.session_id = secrets.token_hex(12)
        self.setup: Setup | None = None
        self.open = True
        self.brain: Brain | None = None
        self._world = world
        self._socket = socket
        self._key = key
        self._start_s = time.monotonic()
        self.record = Record(world.settings.record_dir / connection_id)
        self.outlet = Outlet(socket, abort, self.record)
        self._segmenter: Segmenter | None = None
        self._hearing: Hearing | None = None
        self._resampling: Any = None
        self._ended: asyncio.Future[Refused] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve until the end; never raises."""
        try:
            await self._serve()
        except Refused as refused:
            await self.outlet.close(refused.code, refused.reason)
        except Gone:
            pass
        finally:
            self.open = False
            if self._hearing:
                self._hearing.drop()
            self._world.handles.ended(self.session_id)
            self.record.event("connection_ended", close_code=self._socket.close_code)
            self.record.close()

    async def strike(self, fault: Fault) -> None:
        """Carry out a fault that was ordered for now."""
        self.record.event("fault", fault=fault.kind)
        if fault.kind == "close":
            self._end(Refused(fault.code, fault.reason))
        elif fault.kind == "go_away":
            await self._go_away(fault.time_left_s)
            asyncio.get_running_loop().call_later(fault.time_left_s, self._end, self._too_old())
        elif fault.kind == "unknown_message":
            await self.outlet.send({"somethingNew": {"fromTheFuture": True}})

    def describe(self) -> dict[str, object]:
        """The connection as the control API shows it."""
        brain, setup = self.brain, self.setup
        return {
            "id": self.connection_id,
            "session": self.session_id,
            "open": self.open,
            "setup": setup.model_dump(mode="json", exclude_unset=True) if setup else None,
            "heard_bytes": self.record.heard_bytes,
            "turns": [
                {"turn": number, "pcm_bytes": size}
                for number, size in sorted(self.record.said_bytes.items())
            ],
            "replies": brain.replies if brain else 0,
            "pending_calls": sorted(brain.pending) if brain else [],
            "generating": bool(brain and brain.generating),
            "usage": [usage.as_wire() for usage in brain.usages] if brain else [],
        }

    async def _serve(self) -> None:
        setup = self.setup = await self._receive_setup()
        # Only now: a close before the setup would meet the client while it sends.
        check_key(self._key)
        self.record.event("setup", setup=setup.model_dump(mode="json", exclude_unset=True))
        faults, settings = self._world.faults, self._world.settings
        if fault := faults.take("close", "setup", self.connection_id):
            raise Refused(fault.code, fault.reason)
        check_setup(setup)
        context = self._context(setup)
        delay_ms = settings.setup_ms
        if fault := faults.take("slow_setup", "setup", self.connection_id):
            delay_ms += fault.delay_ms
        await asyncio.sleep(delay_ms / 1000)
        self._world.handles.opened(self.session_id)
        detection = setup.realtime_input_config.automatic_activity_detection
        if not detection.disabled:
            self._segmenter = Segmenter(_vad_settings(setup))
        brain = self.brain = Brain(
            self.connection_id,
            self.session_id,
            setup,
            context,
            self.outlet,
            self.record,
            self._world.voice,
            faults,
            self._world.handles,
            settings,
        )
        if not setup.history_config.initial_history_in_client_content:
            brain.seeded.set()
        await self.outlet.send({"setupComplete": {"sessionId": self.session_id}})
        await self._until_the_end(brain)

    async def _until_the_end(self, brain: Brain) -> None:
        tasks: list[asyncio.Task[None]] = [
            asyncio.create_task(self._read(brain)),
            asyncio.create_task(brain.run()),
            asyncio.create_task(self._grow_old()),
        ]
        try:
            waited: set[asyncio.Future[Any]] = {*tasks, self._ended}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                raise self._ended.result()
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive_setup(self) -> Setup:
        message = await self._socket.receive()
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            raise Gone
        parsed = parse_client_message(message.data)
        if parsed.setup is None:
            raise Refused(1007, "The first message must be a setup.")
        return parsed.setup

    def _context(self, setup: Setup) -> Context:
        handle = setup.session_resumption.handle if setup.session_resumption else None
        declarations = "".join(one.model_dump_json(exclude_unset=True) for one in setup.functions)
        if not handle:
            return Context(setup.instruction, declarations)
        resumed = self._world.handles.resume(handle)
        self.session_id = resumed.session_id
        context = resumed.context
        context.instruction = setup.instruction or context.instruction
        context.declarations = declarations
        self.record.event("resumed", session=self.session_id, items=len(context.items))
        return context

    async def _read(self, brain: Brain) -> None:
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            parsed = parse_client_message(message.data)
            await self._take(parsed, brain)

    async def _take(self, message: ClientMessage, brain: Brain) -> None:
        if message.setup:
            raise Refused(1007, "setup must be the first message and the only one of its kind.")
        if message.realtime_input:
            await self._take_realtime(message.realtime_input, brain)
        if message.client_content:
            await self._take_content(message.client_content, brain)
        if message.tool_response:
            await self._take_answers(message.tool_response, brain)

    async def _take_realtime(self, given: RealtimeInput, brain: Brain) -> None:
        for blob in (given.audio, *given.media_chunks):
            if blob and blob.mime_type.startswith("audio/"):
                await self._take_audio(blob, brain)
        if given.activity_start is not None or given.activity_end is not None:
            if self._segmenter:
                raise Refused(
                    1007,
                    "Explicit activity control is not supported when automatic activity "
                    "detection is enabled.",
                )
            if given.activity_start is not None:
                await self._on_speech([SpeechStarted(0)], brain)
            else:
                await self._on_speech([SpeechEnded(0, 0)], brain)
        if given.audio_stream_end and self._segmenter:
            await self._on_speech(self._segmenter.end_stream(), brain)
        if given.text:
            await brain.interrupt()
            brain.put(Typed(given.text))

    async def _take_audio(self, blob: Blob, brain: Brain) -> None:
        if any(pending.blocking for pending in brain.pending.values()):
            raise Refused(1008, "Operation is not implemented, or supported, or enabled.")
        if len(blob.data) % 2:
            raise Refused(1007, "Audio must be 16-bit PCM.")
        self.record.heard(blob.data)
        pcm = blob.data
        if blob.rate_hz != SAMPLE_RATE_HZ:
            pcm, self._resampling = audioop.ratecv(
                pcm, 2, 1, blob.rate_hz, SAMPLE_RATE_HZ, self._resampling
            )
        brain.unheard_bytes += len(pcm)
        if self._segmenter:
            await self._on_speech(self._segmenter.feed(pcm), brain)
        elif self._hearing:
            self._hearing.feed(pcm)

    async def _on_speech(self, events: list[SpeechEvent], brain: Brain) -> None:
        for event in events:
            match event:
                case SpeechStarted():
                    await self._speech_started(event, brain)
                case SpeechAudio() if self._hearing:
                    self._hearing.feed(event.pcm)
                case SpeechEnded() if self._hearing:
                    await self._speech_ended(event, self._hearing, brain)
                case _:
                    pass

    async def _speech_started(self, event: SpeechStarted, brain: Brain) -> None:
        self.record.event("speech_started", offset_ms=event.offset_ms)
        if self._hearing:
            self._hearing.drop()
        self._hearing = self._world.ears.open()
        brain.user_quiet.clear()
        await self._signal("ACTIVITY_START", event.offset_ms)
        handling = self.setup.realtime_input_config.activity_handling if self.setup else ""
        if handling != "NO_INTERRUPTION":
            await brain.interrupt()

    async def _speech_ended(self, event: SpeechEnded, hearing: Hearing, brain: Brain) -> None:
        self.record.event("speech_ended", offset_ms=event.offset_ms)
        hearing.end()
        self._hearing = None
        brain.put(Spoken(hearing, event.voiced_ms, brain.take_unheard_s()))
        brain.user_quiet.set()
        await self._signal("ACTIVITY_END", event.offset_ms)

    async def _signal(self, kind: str, offset_ms: int) -> None:
        if self.setup and self.setup.explicit_vad_signal:
            offset = f"{offset_ms / 1000:g}s"
            await self.outlet.send({"voiceActivity": {"type": kind, "audioOffset": offset}})

    async def _take_content(self, content: ClientContent, brain: Brain) -> None:
        if not brain.seeded.is_set():
            self._seed(content, brain)
            return
        turns = list(content.turns)
        last = (
            turns.pop() if content.turn_complete and turns and turns[-1].role != "model" else None
        )
        if content.turn_complete:
            await brain.interrupt()
        for turn in turns:
            brain.context.add(Item("model" if turn.role == "model" else "user", turn.text))
        if content.turn_complete:
            brain.put(Typed(last.text if last else ""))

    def _seed(self, content: ClientContent, brain: Brain) -> None:
        if self._world.faults.take("lost_seed", "seed", self.connection_id):
            self.record.event("fault", fault="lost_seed")
        else:
            for turn in content.turns:
                role: Role = "model" if turn.role == "model" else "user"
                brain.context.add(Item(role, turn.text, seeded=True))
                self.record.event("seeded", role=role, text=turn.text)
        if content.turn_complete:
            brain.seeded.set()

    async def _take_answers(self, given: ToolResponse, brain: Brain) -> None:
        for response in given.function_responses:
            pending = brain.answer(response)
            self.record.event(
                "tool_response",
                id=response.id,
                name=response.name,
                response=response.response,
                scheduling=response.scheduling,
                known=pending is not None,
            )
            if pending is None:
                continue
            if response.scheduling == "INTERRUPT" and not pending.blocking:
                await brain.interrupt()
            brain.put(Answered(pending, response))

    async def _grow_old(self) -> None:
        settings = self._world.settings
        lead_s = min(settings.go_away_s, settings.connection_age_s)
        await asyncio.sleep((settings.connection_age_s - lead_s) / settings.time_scale)
        await self._go_away(lead_s)
        await asyncio.sleep(lead_s / settings.time_scale)
        raise self._too_old()

    async def _go_away(self, time_left_s: float) -> None:
        self.record.event("go_away", time_left_s=time_left_s)
        await self.outlet.send({"goAway": {"timeLeft": f"{time_left_s:g}s"}})

    def _too_old(self) -> Refused:
        return Refused(1001, "Connection lifetime exceeded.")

    def _end(self, how: Refused) -> None:
        if not self._ended.done():
            self._ended.set_result(how)


def _vad_settings(setup: Setup) -> VadSettings:
    """Gemini's detection settings as ours; the service's own defaults are not documented."""
    detection = setup.realtime_input_config.automatic_activity_detection
    default = VadSettings()
    silence_ms = detection.silence_duration_ms
    if silence_ms is None:
        low = detection.end_of_speech_sensitivity == "END_SENSITIVITY_LOW"
        silence_ms = LOW_END_SENSITIVITY_SILENCE_MS if low else default.silence_ms
    low_start = detection.start_of_speech_sensitivity == "START_SENSITIVITY_LOW"
    return VadSettings(
        start_ms=detection.prefix_padding_ms or default.start_ms,
        silence_ms=silence_ms,
        aggressiveness=3 if low_start else default.aggressiveness,
    )
