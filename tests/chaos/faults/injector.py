"""Injects the timed faults of a run's plan, and counts the faults that occurred."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.calls.voice_call import VoiceCall
from local.lambdas.hosting_types import UnknownEnvironmentError
from local.stack import Stack
from repartee.application.connections.wake_worker import WAKE_RETRY_MS
from repartee_client.transport import now_ms
from tests.chaos.campaign_context import WORKER
from tests.chaos.faults.gemini_control import GeminiControl
from tests.chaos.faults.table_watch import TableWatch
from tests.chaos.judgement.gaps import OpenGap
from tests.chaos.plan.run_plan import FaultKind, FaultMoment, RunPlan, TimedFault
from tests.chaos.user.client_record import ClientRecord

GO_AWAY_S = 2.0

# A wake by a message has hop 0, and each hand-over adds 1.
_FIRST_HOP = re.compile(rb'"hop":\s*0')
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
# These need a reply in real time, so that it lasts long enough.
_LONG_REPLIES = (FaultKind.BARGED_IN, FaultKind.FORCED_HAND_OVER)
_CLOSE_CODES = {
    FaultKind.GEMINI_1001: 1001,
    FaultKind.GEMINI_1006: 1006,
    FaultKind.GEMINI_1011: 1011,
}
_EARLY_S = 1.0
# Long enough for the server to post frames of a reply that are lost.
_UNNOTICED_S = 0.2
# On a busy machine a short life may not suffice for any turn. After this number of workers within
# one turn, the next worker gets the usual time.
_RELEASES_IN_A_TURN = 2


@dataclass(slots=True)
class Injector:
    """The timed faults of one run.

    Attributes:
        happened: The faults that occurred, except those of the gateway and the tables.
        gaps: The silences that faults began.
        lines_broken: How many connections were broken.
        watch: The session's progress in the tables.
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
    lines_broken: int = 0
    watch: TableWatch = field(init=False)
    _armed: list[TimedFault] = field(default_factory=list)
    _requested: list[tuple[str, FaultKind]] = field(default_factory=list)
    _releases_in_turn: int = 0
    _is_live_open: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        hands_over = self.plan.worker_life_s is not None
        self.watch = TableWatch(self.session_id, self.user, self._on_table_moment, hands_over)

    async def on_turn_start(self, turn: int) -> None:
        """Arm the faults of a turn; the user begins to speak."""
        self._releases_in_turn = 0
        coming = [fault for fault in self.plan.timed_faults if fault.turn == turn]
        self._armed += coming
        await self.on_moment(FaultMoment.START)
        if self._is_live_open:
            await self.on_moment(FaultMoment.OPENED)
        for fault in coming:
            if fault.moment is FaultMoment.RANDOM:
                self._spawn(self._inject_later(fault))

    async def on_moment(self, moment: FaultMoment) -> None:
        """Inject the armed faults of a moment."""
        due = [fault for fault in self._armed if fault.moment is moment]
        for fault in due:
            self._armed.remove(fault)
        for fault in due:
            await self._inject(fault)

    async def _on_table_moment(self, moment: FaultMoment) -> None:
        await self.on_moment(moment)
        if moment is FaultMoment.RELEASE:
            self._releases_in_turn += 1
            is_short_lived = self.plan.worker_life_s is not None
            if is_short_lived and self._releases_in_turn >= _RELEASES_IN_A_TURN:
                self.stack.lambdas.override_timeout(WORKER, None)

    def on_audio_received(self) -> None:
        """Inject the faults at the client's first reply audio."""
        self._on_client_moment(FaultMoment.REPLY)

    def on_turn_end_received(self) -> None:
        """Inject the faults after the client received a turn's end and before it reports that."""
        self._on_client_moment(FaultMoment.DELIVERED)

    def _on_client_moment(self, moment: FaultMoment) -> None:
        if any(fault.moment is moment for fault in self._armed):
            self._spawn(self.on_moment(moment))

    async def on_gemini_event(self, event: Mapping[str, Any]) -> None:
        """Inject the faults of an event that the simulator recorded."""
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

    async def on_worker_wake(self, payload: bytes) -> None:
        """Inject the faults at a hand-over's wake, before the waking worker gets the answer."""
        if self.session_id.encode() in payload and not _FIRST_HOP.search(payload):
            await self.on_moment(FaultMoment.WOKEN)

    def on_busy_reply(self, retry_after_ms: int) -> None:
        """Allow workers again after the server reported to the client that there are none."""
        is_unserved = retry_after_ms >= WAKE_RETRY_MS
        if self.plan.is_without_worker and is_unserved and not self.happened[FaultKind.NO_WORKER]:
            self._count(FaultKind.NO_WORKER, 1)
            self.stack.lambdas.set_concurrency(WORKER, None)

    async def kill_worker(self) -> None:
        """Kill the worker that holds the lease."""
        if self.watch.holder:
            await self._kill(FaultKind.WORKER_KILLED, self.watch.holder)

    async def finish(self) -> None:
        """Wake frozen workers, and withdraw the faults that did not occur."""
        self._armed.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        waiting = await self.control.waiting()
        for name, kind in self._requested:
            self.happened[kind] += name not in waiting
        await self.control.clear()

    # Faults

    async def _inject_later(self, fault: TimedFault) -> None:
        await asyncio.sleep(fault.delay_ms / 1_000)
        if fault in self._armed:
            self._armed.remove(fault)
            await self._inject(fault)

    async def _inject(self, fault: TimedFault) -> None:
        match fault.kind:
            case FaultKind.WORKER_KILLED | FaultKind.WORKER_FROZEN:
                is_woken = fault.moment is FaultMoment.WOKEN
                await self._disable_worker(
                    fault.kind, self.watch.leaving if is_woken else self.watch.holder
                )
            case FaultKind.LINE_DROPPED:
                self._drop_line()
            case FaultKind.STOPPED:
                self.call.session.stop(now_ms())
                self.call.flush()
                self._count(fault.kind, 1)
            case FaultKind.CORE_KILLED:
                await self._kill(fault.kind, self.watch.core)
            case FaultKind.GEMINI_1001 | FaultKind.GEMINI_1006 | FaultKind.GEMINI_1011:
                struck = await self.control.order(
                    kind="close", at="now", code=_CLOSE_CODES[fault.kind]
                )
                self._count(fault.kind, struck)
            case FaultKind.GEMINI_GO_AWAY:
                struck = await self.control.order(kind="go_away", time_left_s=GO_AWAY_S)
                self._count(fault.kind, struck)
            case FaultKind.GEMINI_GO_AWAY_EARLY:
                self._spawn(self._send_early_go_away(fault))
            case FaultKind.GEMINI_UNKNOWN:
                self._count(fault.kind, await self.control.order(kind="unknown_message"))
            case FaultKind.GEMINI_BUSY:
                await self.control.order(
                    kind="close", at="setup", code=1011, reason="Resource has been exhausted."
                )
                self._requested.append(("close", fault.kind))
            case kind if kind in _LONG_REPLIES:
                await self.control.order(kind="slow_reply")
            case kind if kind in _NEXT_REPLY:
                name = _NEXT_REPLY[kind]
                await self.control.order(kind=name)
                self._requested.append((name, kind))
            case other:
                raise ValueError(f"{other} is not a timed fault")

    def _count(self, kind: FaultKind, how_often: int) -> None:
        if how_often:
            self.happened[kind] += 1
            self.record.note(now_ms(), kind)

    async def _send_early_go_away(self, fault: TimedFault) -> None:
        await asyncio.sleep(_EARLY_S)
        struck = await self.control.order(kind="go_away", time_left_s=GO_AWAY_S)
        self._count(fault.kind, struck)
        if not struck:
            # The session ended within the second; try the next one.
            self._armed.append(fault)

    async def _kill(self, kind: FaultKind, environment: str) -> None:
        with contextlib.suppress(UnknownEnvironmentError):
            await self.stack.lambdas.kill(environment)
            self._count(kind, 1)

    async def _disable_worker(self, kind: FaultKind, worker: str) -> None:
        if not worker:
            return
        self._open_gap(kind)
        if kind is FaultKind.WORKER_KILLED:
            await self._kill(kind, worker)
            return
        try:
            self.stack.lambdas.stop(worker)
        except UnknownEnvironmentError:
            return
        self.record.note(now_ms(), "worker frozen")
        self._spawn(self._wake_when_replaced(worker))

    async def _wake_when_replaced(self, frozen: str) -> None:
        try:
            while self.watch.holder == frozen:
                self.watch.changed.clear()
                await self.watch.changed.wait()
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

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
