"""Strikes when a run's plan says so, and counts what really happened."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.hosting.table_faults import TableRequest
from local.lambdas.hosting_types import UnknownEnvironmentError
from local.stack import Stack
from repartee.application.connections.wake_worker import WAKE_RETRY_MS
from repartee_client.voice_call import VoiceCall, now_ms
from tests.chaos.campaign_context import WORKER
from tests.chaos.faults.gemini_control import GeminiControl
from tests.chaos.plan.run_plan import FaultKind, FaultMoment, PlannedFault, RunPlan
from tests.chaos.user.client_record import ClientRecord

GO_AWAY_S = 2.0

_TURN = re.compile(rb'"turn#(\d+)"')
# A hand-over counts them; who is woken by a message begins with 0.
_FIRST_HOP = re.compile(rb'"hop":\s*0')
_TOKEN = re.compile(rb'"ClientRequestToken":\s*"([^"]+)"')
_DAY = re.compile(rb'"day#[0-9-]+"')
_NEXT_REPLY = {
    FaultKind.GEMINI_CALL_TWICE: "duplicate_call",
    FaultKind.GEMINI_STALL: "stall",
    FaultKind.GEMINI_EMPTY: "empty_turn",
    FaultKind.GEMINI_LOST_SEED: "lost_seed",
    FaultKind.GEMINI_SILENT_ANSWER: "silent_after_tool_answer",
    FaultKind.GEMINI_NO_IDS: "no_call_ids",
    FaultKind.GEMINI_CALL_CANCELLED: "cancelled_call",
    FaultKind.GEMINI_TEXT_ONLY: "text_without_audio",
    FaultKind.GEMINI_NEAR_SILENT: "near_silent_audio",
    FaultKind.GEMINI_HISTORY_REFUSED: "history_refused",
    FaultKind.GEMINI_TRANSCRIPT_LATE: "late_transcript",
    FaultKind.GEMINI_TRANSCRIPT_TWICE: "transcript_twice",
}
# A reply in real time, for whoever wants to speak over it or to be replaced in its midst.
_LONG_REPLIES = (FaultKind.BARGED_IN, FaultKind.FORCED_HAND_OVER)
_CLOSE_CODES = {
    FaultKind.GEMINI_1001: 1001,
    FaultKind.GEMINI_1006: 1006,
    FaultKind.GEMINI_1011: 1011,
}
_EARLY_S = 1.0
# Long enough for frames of a reply to be posted and lost.
_UNNOTICED_S = 0.2
# On a busy machine a short life may be too short for any turn: then the next worker lives on.
_LEAVE_IN_A_TURN = 2


def _only_deletes(request: TableRequest) -> bool:
    return request.operation == "BatchWriteItem" and b'"PutRequest"' not in request.body


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A stretch of silence that a fault began.

    Attributes:
        kind: The fault.
        from_ms: When it struck.
        epoch: The worker's epoch then.
        connection: The client's connection then.
        is_owed: An answer was owed.
        is_replying: The reply had begun and not ended.
    """

    kind: FaultKind
    from_ms: float
    epoch: int
    connection: int
    is_owed: bool
    is_replying: bool


@dataclass(slots=True)
class Injector:
    """The faults of one run.

    Attributes:
        happened: Faults that came to pass, those of the gateway and the tables left out.
        gaps: What each death and each broken line began.
        remembered: The highest turn that was committed.
        releases: How often the lease was given back.
        lines_broken: How many connections were broken.
        stale_writes: What a worker wrote after another had taken its lease from it.
        is_over: The session has ended; what its user does elsewhere is none of its business.
    """

    stack: Stack
    control: GeminiControl
    plan: RunPlan
    session_id: str
    user: str
    call: VoiceCall
    record: ClientRecord
    happened: Counter[FaultKind] = field(default_factory=Counter)
    gaps: list[OpenGap] = field(default_factory=list)
    remembered: int = 0
    releases: int = 0
    lines_broken: int = 0
    stale_writes: list[str] = field(default_factory=list)
    is_over: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: int = -1
    _armed: list[PlannedFault] = field(default_factory=list)
    _ordered: list[tuple[str, FaultKind]] = field(default_factory=list)
    _holder: str = ""
    _left_in_turn: int = 0
    _leaving: str = ""
    _core: str = ""
    _is_live_open: bool = False
    _retired: set[str] = field(default_factory=set)
    _tokens: set[bytes] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def on_turn_start(self, turn: int) -> None:
        """The user begins to speak."""
        self._turn = turn
        self._left_in_turn = 0
        coming = [strike for strike in self.plan.strikes if strike.turn == turn]
        self._armed += coming
        await self.on_moment(FaultMoment.START)
        if self._is_live_open:
            await self.on_moment(FaultMoment.OPENED)
        for strike in coming:
            if strike.moment is FaultMoment.RANDOM:
                self._spawn(self._strike_later(strike))

    async def on_moment(self, moment: FaultMoment) -> None:
        """A moment has come: strike what waited for it."""
        due = [strike for strike in self._armed if strike.moment is moment]
        for strike in due:
            self._armed.remove(strike)
        for strike in due:
            await self._strike(strike)

    def on_audio_received(self) -> None:
        """Reply audio has reached the client."""
        self._reached_at_client(FaultMoment.REPLY)

    def turn_ended(self) -> None:
        """The client has the whole of a turn and has not said so yet."""
        self._reached_at_client(FaultMoment.DELIVERED)

    def _reached_at_client(self, moment: FaultMoment) -> None:
        if any(strike.moment is moment for strike in self._armed):
            self._spawn(self.on_moment(moment))

    async def on_gemini_event(self, event: Mapping[str, Any]) -> None:
        """The simulator noted an event."""
        match event["kind"]:
            case "setup":
                self._is_live_open = True
                await self.on_moment(FaultMoment.OPENED)
            case "speech_started":
                await self.on_moment(FaultMoment.SPEECH)
            case "seeded":
                await self.on_moment(FaultMoment.SEED)
            case _:
                pass

    async def on_table_write(self, request: TableRequest) -> None:
        """A table carried out a write; whoever asked for it does not know yet."""
        if request.takes_lease:
            # Who takes a lease serves by right again, be it the next session's: the same process,
            # another invocation.
            self._retired.discard(request.caller)
        is_ours = self.session_id.encode() in request.body
        if not is_ours and (self.is_over or self.user.encode() not in request.body):
            return
        # Input is deleted once its turn is remembered, which is right whoever does it; if it were
        # not, words would be lost.
        is_harmless = request.takes_lease or self._is_repetition(request)
        is_harmless = is_harmless or _only_deletes(request)
        if request.caller in self._retired and not is_harmless:
            self.stale_writes.append(f"{request.caller}: {request.operation}")
        if request.operation == "UpdateItem":
            await self._state_moved(request)
        elif request.operation == "TransactWriteItems":
            if (turn := _TURN.search(request.body)) is not None:
                self.remembered = max(self.remembered, int(turn[1]))
                self.changed.set()
                await self.on_moment(FaultMoment.COMMIT)
            elif _DAY.search(request.body) is not None:
                self._core = request.caller
                await self.on_moment(FaultMoment.TOOL_EFFECT)

    def _is_repetition(self, request: TableRequest) -> bool:
        """Whether the tables did this before: they do it once for each token, and say yes again."""
        token = _TOKEN.search(request.body)
        if token is None:
            return False
        is_known = token[1] in self._tokens
        self._tokens.add(token[1])
        return is_known

    async def _state_moved(self, request: TableRequest) -> None:
        if request.takes_lease:
            if self._holder and self._holder != request.caller:
                self._retired.add(self._holder)
            self._holder = request.caller
            self.changed.set()
        elif b"REMOVE lease_owner" in request.body:
            if self.plan.worker_life_s is not None:
                await self.on_moment(FaultMoment.HAND_OVER)
            await self.on_moment(FaultMoment.RELEASE)
            self._leaving, self._holder = self._holder, ""
            self._left_in_turn += 1
            if self.plan.worker_life_s is not None and self._left_in_turn >= _LEAVE_IN_A_TURN:
                self.stack.lambdas.override_timeout(WORKER, None)
            self.releases += 1
            self.changed.set()

    async def on_worker_wake(self, payload: bytes) -> None:
        """A worker was asked for; whoever asked does not know yet that it is."""
        if self.session_id.encode() in payload and not _FIRST_HOP.search(payload):
            await self.on_moment(FaultMoment.WOKEN)

    def on_busy_reply(self, retry_after_ms: int) -> None:
        """The client is told to wait: when its wake found no worker, there are some from now on."""
        is_unserved = retry_after_ms >= WAKE_RETRY_MS
        if self.plan.is_without_worker and is_unserved and not self.happened[FaultKind.NO_WORKER]:
            self._count(FaultKind.NO_WORKER, 1)
            self.stack.lambdas.set_concurrency(WORKER, None)

    async def kill_worker(self) -> None:
        """Kill the worker that serves the session; nobody waits here for its answer."""
        if self._holder:
            await self._kill(FaultKind.WORKER_KILLED, self._holder)

    async def finish(self) -> None:
        """Wake whom the run froze, and take back what has not struck."""
        self._armed.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        waiting = await self.control.waiting()
        for kind_there, kind in self._ordered:
            self.happened[kind] += kind_there not in waiting
        await self.control.clear()

    # Strikes

    async def _strike_later(self, strike: PlannedFault) -> None:
        await asyncio.sleep(strike.delay_ms / 1_000)
        if strike in self._armed:
            self._armed.remove(strike)
            await self._strike(strike)

    async def _strike(self, strike: PlannedFault) -> None:
        match strike.kind:
            case FaultKind.WORKER_KILLED | FaultKind.WORKER_FROZEN:
                is_woken = strike.moment is FaultMoment.WOKEN
                await self._strike_worker(strike.kind, self._leaving if is_woken else self._holder)
            case FaultKind.LINE_DROPPED:
                self._drop_line()
            case FaultKind.CORE_KILLED:
                await self._kill(strike.kind, self._core)
            case FaultKind.GEMINI_1001 | FaultKind.GEMINI_1006 | FaultKind.GEMINI_1011:
                struck = await self.control.order(
                    kind="close", at="now", code=_CLOSE_CODES[strike.kind]
                )
                self._count(strike.kind, struck)
            case FaultKind.GEMINI_GO_AWAY:
                struck = await self.control.order(kind="go_away", time_left_s=GO_AWAY_S)
                self._count(strike.kind, struck)
            case FaultKind.GEMINI_GO_AWAY_EARLY:
                self._spawn(self._send_early_go_away(strike))
            case FaultKind.GEMINI_UNKNOWN:
                self._count(strike.kind, await self.control.order(kind="unknown_message"))
            case FaultKind.GEMINI_BUSY:
                await self.control.order(
                    kind="close", at="setup", code=1011, reason="Resource has been exhausted."
                )
                self._ordered.append(("close", strike.kind))
            case kind if kind in _LONG_REPLIES:
                await self.control.order(kind="slow_reply")
            case kind if kind in _NEXT_REPLY:
                fault = _NEXT_REPLY[kind]
                await self.control.order(kind=fault)
                self._ordered.append((fault, kind))
            case other:
                raise ValueError(f"{other} has no moment")

    def _count(self, kind: FaultKind, how_often: int) -> None:
        if how_often:
            self.happened[kind] += 1
            self.record.note(now_ms(), kind)

    async def _send_early_go_away(self, strike: PlannedFault) -> None:
        await asyncio.sleep(_EARLY_S)
        struck = await self.control.order(kind="go_away", time_left_s=GO_AWAY_S)
        self._count(strike.kind, struck)
        if not struck:
            # That session has not become so old: the next one may.
            self._armed.append(strike)

    async def _kill(self, kind: FaultKind, environment: str) -> None:
        with contextlib.suppress(UnknownEnvironmentError):
            await self.stack.lambdas.kill(environment)
            self._count(kind, 1)

    async def _strike_worker(self, kind: FaultKind, holder: str) -> None:
        if not holder:
            return
        self._open_gap(kind)
        if kind is FaultKind.WORKER_KILLED:
            await self._kill(kind, holder)
            return
        try:
            self.stack.lambdas.stop(holder)
        except UnknownEnvironmentError:
            return
        self.record.note(now_ms(), "worker frozen")
        self._spawn(self._wake_when_replaced(holder))

    async def _wake_when_replaced(self, frozen: str) -> None:
        try:
            while self._holder == frozen:
                self.changed.clear()
                await self.changed.wait()
            self._count(FaultKind.WORKER_FROZEN, 1)
        finally:
            self.stack.lambdas.resume(frozen)

    def _drop_line(self) -> None:
        connections = self.stack.gateway.connections.all()
        if not connections:
            return
        self._open_gap(FaultKind.LINE_DROPPED)
        for connection in connections:
            connection.break_connection(_UNNOTICED_S)
        self.lines_broken += len(connections)
        self._count(FaultKind.LINE_DROPPED, 1)

    def _open_gap(self, kind: FaultKind) -> None:
        turns = self.call.replies.turns.values()
        self.gaps.append(
            OpenGap(
                kind,
                now_ms(),
                self.record.epoch,
                self.record.connections,
                is_owed=self.call.session.is_waiting_for_answer,
                is_replying=any(turn.pcm and turn.end is None for turn in turns),
            )
        )

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
