"""One Live connection, from its setup to its end."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from local.gemini.faults import Fault
from local.gemini.live.connection import Connection, SimulatorParts
from local.gemini.live.context import Context, Item, Role
from local.gemini.live.frame_sender import ClientGone, FrameSender
from local.gemini.live.model_rules import ModelRules, model_rules_of
from local.gemini.live.protocol import (
    ClientContent,
    ClientMessage,
    RealtimeInput,
    ServerClose,
    Setup,
    ToolResponse,
    check_key,
    parse_client_message,
)
from local.gemini.live.records import ConnectionRecorder
from local.gemini.live.turn_inputs import ToolCallAnswer, TypedInput
from local.gemini.mind.brain import Brain
from local.gemini.speech.listening import Listener


class SimulatedLiveSession:
    """Serves one WebSocket; ``run`` returns when either side has closed it."""

    def __init__(
        self,
        connection_id: str,
        simulator: SimulatorParts,
        socket: web.WebSocketResponse,
        abort: Callable[[], None],
        key: str | None,
    ) -> None:
        self.connection_id = connection_id
        self.session_id = secrets.token_hex(12)
        self.setup: Setup | None = None
        self.open = True
        self.brain: Brain | None = None
        self._simulator = simulator
        self._socket = socket
        self._key = key
        self.record = ConnectionRecorder(simulator.settings.record_dir / connection_id)
        self.sender = FrameSender(socket, abort, self.record)
        self._rules = ModelRules()
        self._listener: Listener | None = None
        self._ended: asyncio.Future[ServerClose] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve until the connection ends; never raise."""
        try:
            await self._serve()
        except ServerClose as refused:
            await self.sender.close(refused.code, refused.reason)
        except ClientGone:
            pass
        finally:
            self.open = False
            self.record.event("connection_ended", close_code=self._socket.close_code)
            self.record.close()

    async def strike(self, fault: Fault) -> None:
        """Execute a fault that is ordered for now."""
        self.record.event("fault", fault=fault.kind)
        if fault.kind == "close":
            self._end(fault.refusal)
        elif fault.kind == "go_away":
            await self._go_away(fault.time_left_s)
            asyncio.get_running_loop().call_later(
                fault.time_left_s, self._end, self._age_limit_close()
            )
        elif fault.kind == "unknown_message":
            await self.sender.send({"somethingNew": {"fromTheFuture": True}})

    def describe(self) -> dict[str, object]:
        """Return the connection's state for the control API."""
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
        # Checked after the setup: an earlier close would arrive while the client sends it.
        check_key(self._key)
        self.record.event("setup", setup=setup.model_dump(mode="json", exclude_unset=True))
        faults, settings = self._simulator.faults, self._simulator.settings
        if fault := faults.take("close", self.connection_id, "setup"):
            raise fault.refusal
        if fault := faults.take(
            "language_refused",
            self.connection_id,
            strikes=lambda one: one.strikes_language(setup),
        ):
            self.record.event("fault", fault="language_refused")
            raise fault.refusal
        self._rules = model_rules_of(setup.model)
        self._rules.check_setup(setup)
        declarations = "".join(one.model_dump_json(exclude_unset=True) for one in setup.functions)
        delay_ms = settings.setup_ms
        if fault := faults.take("slow_setup", self.connection_id):
            delay_ms += fault.delay_ms
        await asyncio.sleep(delay_ms / 1000)
        connection = Connection(
            self.connection_id, setup, self._rules, self.sender, self.record, self._simulator
        )
        brain = self.brain = Brain(connection, Context(setup.instruction, declarations))
        is_paced = settings.silence == "paced" or bool(connection.fault("paced_silence"))
        self._listener = Listener(connection, brain, is_paced=is_paced)
        if not setup.history_config.initial_history_in_client_content:
            brain.seeded.set()
        await self.sender.send({"setupComplete": {"sessionId": self.session_id}})
        await self._until_the_end(self._listener)

    async def _until_the_end(self, listener: Listener) -> None:
        tasks: list[asyncio.Task[None]] = [
            asyncio.create_task(self._read(listener)),
            asyncio.create_task(listener.brain.run()),
            asyncio.create_task(listener.run()),
            asyncio.create_task(self._close_at_age_limit()),
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
            raise ClientGone
        parsed = parse_client_message(message.data)
        if parsed.setup is None:
            raise ServerClose(1007, "The first message must be a setup.")
        return parsed.setup

    async def _read(self, listener: Listener) -> None:
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            await self._take(parse_client_message(message.data), listener)

    async def _take(self, message: ClientMessage, listener: Listener) -> None:
        if message.setup:
            raise ServerClose(1007, "setup must be the first message and the only one of its kind.")
        if message.realtime_input:
            await self._take_realtime(message.realtime_input, listener)
        if message.client_content:
            await self._take_content(message.client_content, listener.brain)
        if message.tool_response:
            await self._take_answers(message.tool_response, listener.brain)

    async def _take_realtime(self, given: RealtimeInput, listener: Listener) -> None:
        for blob in (given.audio, *given.media_chunks):
            if blob and blob.mime_type.startswith("audio/"):
                await listener.take_audio(blob)
        if given.activity_start is not None:
            await listener.take_mark(is_start=True)
        if given.activity_end is not None:
            await listener.take_mark(is_start=False)
        if given.audio_stream_end:
            await listener.end_stream()
        if given.text:
            await listener.brain.interrupt()
            listener.brain.put(TypedInput(given.text))

    async def _take_content(self, content: ClientContent, brain: Brain) -> None:
        if not brain.seeded.is_set():
            self._seed(content, brain)
            return
        if not self._rules.content_after_seed:
            raise ServerClose(1007, "Request contains an invalid argument.")
        turns = list(content.turns)
        last = (
            turns.pop() if content.turn_complete and turns and turns[-1].role != "model" else None
        )
        if content.turn_complete:
            await brain.interrupt()
        for turn in turns:
            brain.context.add(Item("model" if turn.role == "model" else "user", turn.text))
        if content.turn_complete:
            brain.put(TypedInput(last.text if last else ""))

    def _seed(self, content: ClientContent, brain: Brain) -> None:
        if content.turn_complete and (
            fault := self._simulator.faults.take("history_refused", self.connection_id)
        ):
            self.record.event("fault", fault="history_refused")
            raise fault.refusal
        if self._simulator.faults.take("lost_seed", self.connection_id):
            self.record.event("fault", fault="lost_seed")
        else:
            for turn in content.turns:
                role: Role = "model" if turn.role == "model" else "user"
                brain.context.add(Item(role, turn.text))
                self.record.event("seeded", role=role, text=turn.text)
        if content.turn_complete:
            brain.seeded.set()

    async def _take_answers(self, given: ToolResponse, brain: Brain) -> None:
        for response in given.function_responses:
            pending = brain.answer(response)
            self.record.event(
                "tool_response",
                id=response.id if pending is None else pending.id,
                name=response.name,
                response=response.response,
                scheduling=response.scheduling,
                known=pending is not None,
            )
            self._rules.check_response(response)
            if pending is None:
                continue
            if response.scheduling == "INTERRUPT" and not pending.blocking:
                await brain.interrupt()
            brain.put(ToolCallAnswer(pending, response))

    async def _close_at_age_limit(self) -> None:
        settings = self._simulator.settings
        lead_s = min(settings.go_away_s, settings.connection_age_s)
        await asyncio.sleep((settings.connection_age_s - lead_s) / settings.time_scale)
        await self._go_away(lead_s)
        await asyncio.sleep(lead_s / settings.time_scale)
        raise self._age_limit_close()

    async def _go_away(self, time_left_s: float) -> None:
        self.record.event("go_away", time_left_s=time_left_s)
        await self.sender.send({"goAway": {"timeLeft": f"{time_left_s:g}s"}})

    def _age_limit_close(self) -> ServerClose:
        return ServerClose(1001, "Connection lifetime exceeded.")

    def _end(self, how: ServerClose) -> None:
        if not self._ended.done():
            self._ended.set_result(how)
