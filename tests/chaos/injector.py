"""Strikes when a run's plan says so, and counts what really happened."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.hosting.table_faults import TableRequest
from local.lambdas.model import UnknownEnvironmentError
from local.stack import Stack
from repartee.application.connections.wake_worker import WAKE_RETRY_MS
from repartee_client.call import Call, now_ms
from tests.chaos.client_record import ClientRecord
from tests.chaos.gemini_control import GeminiControl
from tests.chaos.plan import Kind, Moment, RunPlan, Strike
from tests.chaos.theatre import WORKER

GO_AWAY_S = 2.0

_TURN = re.compile(rb'"turn#(\d+)"')
# A hand-over counts them; who is woken by a message begins with 0.
_FIRST_HOP = re.compile(rb'"hop":\s*0')
_TOKEN = re.compile(rb'"ClientRequestToken":\s*"([^"]+)"')
_DAY = re.compile(rb'"day#[0-9-]+"')
_NEXT_REPLY = {
    Kind.GEMINI_CALL_TWICE: "duplicate_call",
    Kind.GEMINI_STALL: "stall",
    Kind.GEMINI_EMPTY: "empty_turn",
    Kind.GEMINI_LOST_SEED: "lost_seed",
    Kind.GEMINI_SILENT_ANSWER: "silent_after_tool_answer",
    Kind.GEMINI_NO_IDS: "no_call_ids",
    Kind.GEMINI_CALL_CANCELLED: "cancelled_call",
    Kind.GEMINI_TEXT_ONLY: "text_without_audio",
    Kind.GEMINI_NEAR_SILENT: "near_silent_audio",
    Kind.GEMINI_HISTORY_REFUSED: "history_refused",
    Kind.GEMINI_TRANSCRIPT_LATE: "late_transcript",
    Kind.GEMINI_TRANSCRIPT_TWICE: "transcript_twice",
}
# A reply in real time, for whoever wants to speak over it or to be replaced in its midst.
_LONG_REPLIES = (Kind.BARGED_IN, Kind.FORCED_HAND_OVER)
_CLOSE_CODES = {Kind.GEMINI_1001: 1001, Kind.GEMINI_1006: 1006, Kind.GEMINI_1011: 1011}
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

    kind: Kind
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
    call: Call
    record: ClientRecord
    happened: Counter[Kind] = field(default_factory=Counter)
    gaps: list[OpenGap] = field(default_factory=list)
    remembered: int = 0
    releases: int = 0
    lines_broken: int = 0
    stale_writes: list[str] = field(default_factory=list)
    is_over: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _turn: int = -1
    _armed: list[Strike] = field(default_factory=list)
    _ordered: list[tuple[str, Kind]] = field(default_factory=list)
    _holder: str = ""
    _left_in_turn: int = 0
    _leaving: str = ""
    _core: str = ""
    _is_live_open: bool = False
    _retired: set[str] = field(default_factory=set)
    _tokens: set[bytes] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin_turn(self, turn: int) -> None:
        """The user begins to speak."""
        self._turn = turn
        self._left_in_turn = 0
        coming = [strike for strike in self.plan.strikes if strike.turn == turn]
        self._armed += coming
        await self.reached(Moment.START)
        if self._is_live_open:
            await self.reached(Moment.OPENED)
        for strike in coming:
            if strike.moment is Moment.RANDOM:
                self._spawn(self._strike_later(strike))

    async def reached(self, moment: Moment) -> None:
        """A moment has come: strike what waited for it."""
        due = [strike for strike in self._armed if strike.moment is moment]
        for strike in due:
            self._armed.remove(strike)
        for strike in due:
            await self._strike(strike)

    def audio_came(self) -> None:
        """Reply audio has reached the client."""
        self._reached_at_client(Moment.REPLY)

    def turn_ended(self) -> None:
        """The client has the whole of a turn and has not said so yet."""
        self._reached_at_client(Moment.DELIVERED)

    def _reached_at_client(self, moment: Moment) -> None:
        if any(strike.moment is moment for strike in self._armed):
            self._spawn(self.reached(moment))

    async def gemini_wrote(self, event: Mapping[str, Any]) -> None:
        """The simulator noted an event."""
        match event["kind"]:
            case "setup":
                self._is_live_open = True
                await self.reached(Moment.OPENED)
            case "speech_started":
                await self.reached(Moment.SPEECH)
            case "seeded":
                await self.reached(Moment.SEED)
            case _:
                pass

    async def table_wrote(self, request: TableRequest) -> None:
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
                await self.reached(Moment.COMMIT)
            elif _DAY.search(request.body) is not None:
                self._core = request.caller
                await self.reached(Moment.TOOL_EFFECT)

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
                await self.reached(Moment.HAND_OVER)
            await self.reached(Moment.RELEASE)
            self._leaving, self._holder = self._holder, ""
            self._left_in_turn += 1
            if self.plan.worker_life_s is not None and self._left_in_turn >= _LEAVE_IN_A_TURN:
                self.stack.lambdas.tell_timeout(WORKER, None)
            self.releases += 1
            self.changed.set()

    async def worker_woken(self, payload: bytes) -> None:
        """A worker was asked for; whoever asked does not know yet that it is."""
        if self.session_id.encode() in payload and not _FIRST_HOP.search(payload):
            await self.reached(Moment.WOKEN)

    def was_busy(self, retry_after_ms: int) -> None:
        """The client is told to wait: when its wake found no worker, there are some from now on."""
        is_unserved = retry_after_ms >= WAKE_RETRY_MS
        if self.plan.without_worker and is_unserved and not self.happened[Kind.NO_WORKER]:
            self._count(Kind.NO_WORKER, 1)
            self.stack.lambdas.limit(WORKER, None)

    async def orphan(self) -> None:
        """Kill the worker that serves the session; nobody waits here for its answer."""
        if self._holder:
            await self._kill(Kind.WORKER_KILLED, self._holder)

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

    async def _strike_later(self, strike: Strike) -> None:
        await asyncio.sleep(strike.delay_ms / 1_000)
        if strike in self._armed:
            self._armed.remove(strike)
            await self._strike(strike)

    async def _strike(self, strike: Strike) -> None:
        match strike.kind:
            case Kind.WORKER_KILLED | Kind.WORKER_FROZEN:
                is_woken = strike.moment is Moment.WOKEN
                await self._strike_worker(strike.kind, self._leaving if is_woken else self._holder)
            case Kind.LINE_DROPPED:
                self._drop_line()
            case Kind.CORE_KILLED:
                await self._kill(strike.kind, self._core)
            case Kind.GEMINI_1001 | Kind.GEMINI_1006 | Kind.GEMINI_1011:
                struck = await self.control.order(
                    kind="close", at="now", code=_CLOSE_CODES[strike.kind]
                )
                self._count(strike.kind, struck)
            case Kind.GEMINI_GO_AWAY:
                struck = await self.control.order(kind="go_away", time_left_s=GO_AWAY_S)
                self._count(strike.kind, struck)
            case Kind.GEMINI_GO_AWAY_EARLY:
                self._spawn(self._send_away_early(strike))
            case Kind.GEMINI_UNKNOWN:
                self._count(strike.kind, await self.control.order(kind="unknown_message"))
            case Kind.GEMINI_BUSY:
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

    def _count(self, kind: Kind, how_often: int) -> None:
        if how_often:
            self.happened[kind] += 1
            self.record.note(now_ms(), kind)

    async def _send_away_early(self, strike: Strike) -> None:
        await asyncio.sleep(_EARLY_S)
        struck = await self.control.order(kind="go_away", time_left_s=GO_AWAY_S)
        self._count(strike.kind, struck)
        if not struck:
            # That session has not become so old: the next one may.
            self._armed.append(strike)

    async def _kill(self, kind: Kind, environment: str) -> None:
        with contextlib.suppress(UnknownEnvironmentError):
            await self.stack.lambdas.kill(environment)
            self._count(kind, 1)

    async def _strike_worker(self, kind: Kind, holder: str) -> None:
        if not holder:
            return
        self._open_gap(kind)
        if kind is Kind.WORKER_KILLED:
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
            self._count(Kind.WORKER_FROZEN, 1)
        finally:
            self.stack.lambdas.resume(frozen)

    def _drop_line(self) -> None:
        connections = self.stack.gateway.connections.all()
        if not connections:
            return
        self._open_gap(Kind.LINE_DROPPED)
        for connection in connections:
            connection.break_down(_UNNOTICED_S)
        self.lines_broken += len(connections)
        self._count(Kind.LINE_DROPPED, 1)

    def _open_gap(self, kind: Kind) -> None:
        turns = self.call.replies.turns.values()
        self.gaps.append(
            OpenGap(
                kind,
                now_ms(),
                self.record.epoch,
                self.record.connections,
                is_owed=self.call.session.is_owed_an_answer,
                is_replying=any(turn.pcm and turn.end is None for turn in turns),
            )
        )

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
