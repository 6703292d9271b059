"""Runs one session machine: passes events to it, and its work to the lanes."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from repartee.application.serving.ask_core_agent import ask_core_agent
from repartee.application.serving.client_lane import ClientLane
from repartee.application.serving.lease_keeper import LeaseKeeper
from repartee.application.serving.live_lane import LiveLane
from repartee.application.serving.observe_session import SessionObserver
from repartee.application.serving.poll_backoff import PollBackoff
from repartee.application.serving.record_session import SessionRecording
from repartee.application.serving.session_ports import SessionPorts
from repartee.application.serving.table_lane import STORE_RETRY_MS, TableLane
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.effects import (
    NO_WORK,
    AskCoreAgent,
    FinishReason,
    OtherEffect,
)
from repartee.domain.session.events import (
    CallsStopped,
    Event,
    LeaseWasLost,
    MailboxRead,
    Started,
    Tick,
    TimeRunningOut,
)
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.state import SessionState
from repartee.domain.session.timing import FORCED_HAND_OVER_MS, HAND_OVER_MS

TIME_CHECK_MS = 250
# Each read costs half a read unit, so this is 15 units for a minute of a worker.
SWITCH_EVERY_MS = 2_000
# The last writes and posts may take this long after the machine has finished.
DRAIN_S = 2.0


class SessionRun:
    """The asyncio shell around one machine, for one lease.

    Three lanes do the work, each in order: for the tables, the live model, and the client.
    """

    def __init__(
        self,
        machine: SessionMachine,
        state: SessionState,
        lease: LeaseKeeper,
        ports: SessionPorts,
        grace_ms: int,
        observer: SessionObserver,
        recording: SessionRecording | None = None,
    ):
        self._machine = machine
        self._observer = observer
        self._recording = recording
        self._state = state
        self._lease = lease
        self._ports = ports
        self._tables = TableLane(machine, state, lease, ports, grace_ms, self._feed)
        self._live = LiveLane(state.session_id, ports, observer, self._feed, self._spawn)
        self._client = ClientLane(lease, ports.channel, self._feed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()
        self._timer: asyncio.TimerHandle | None = None
        self._finished: asyncio.Future[FinishReason] = asyncio.get_running_loop().create_future()

    @property
    def cursor(self) -> int:
        """Return the last input message that no later worker needs; its effects are written."""
        return self._tables.cursor

    @property
    def taken(self) -> InputTaken:
        """Return the input that is taken so far, to be written with ``cursor``."""
        return self._tables.taken

    async def run(self, remaining_ms: Callable[[], int], started: Started) -> FinishReason:
        """Serve until the machine finishes.

        Args:
            remaining_ms: Returns how long this worker may still run.
            started: The machine's first event.

        Returns:
            Why the worker leaves.
        """
        lanes = (
            self._read_mailbox(),
            self._tables.run(),
            self._live.run(),
            self._client.run(),
            self._watch_fence(),
            self._watch_switch(),
            self._watch_time(remaining_ms),
        )
        try:
            async with self._group:
                for lane in lanes:
                    self._spawn(lane)
                self._feed(started)
                reason = await self._finished
                if reason is not FinishReason.FENCED:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(DRAIN_S):
                            await asyncio.gather(
                                self._tables.wait_until_drained(), self._client.wait_until_drained()
                            )
                for task in self._tasks:
                    task.cancel()
        except BaseExceptionGroup as failures:
            # Lambda logs an exception group without the exceptions in it.
            raise _first(failures) from failures
        finally:
            if self._timer is not None:
                self._timer.cancel()
            await self._live.close()
        return reason

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _feed(self, event: Event) -> None:
        now_ms = self._ports.clock.monotonic_ms()
        work = NO_WORK
        try:
            work = self._machine.handle(event, now_ms)
        finally:
            # If the machine fails on the event, a replay needs this event.
            if self._recording is not None:
                self._recording.add(event, now_ms, work.in_lane_order)
        self._observer.note(event, work, now_ms)
        self._tables.put(*work.tables)
        self._live.put(*work.model)
        self._client.put(*work.client)
        for effect in work.other:
            self._start(effect)
        self._tables.save_input_position()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ms = self._machine.next_deadline_ms()
        if deadline_ms is not None:
            delay_s = max(0, deadline_ms - now_ms) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        try:
            self._feed(Tick())
        except Exception as error:  # noqa: BLE001 - ``run`` raises it
            # The event loop would only log the error, and the machine would get no more ticks.
            if not self._finished.done():
                self._finished.set_exception(error)

    def _start(self, effect: OtherEffect) -> None:
        if isinstance(effect, AskCoreAgent):
            self._spawn(self._ask(effect))
        elif not self._finished.done():
            self._finished.set_result(effect.reason)

    async def _read_mailbox(self) -> None:
        backoff, machine, clock = PollBackoff(), self._machine, self._ports.clock
        while True:
            began_ms = clock.monotonic_ms()
            found = False
            try:
                found = await self._poll_mailbox()
            except StoreUnavailable:
                self._ports.log.warning(
                    "mailbox not readable for now", extra={"session_id": self._state.session_id}
                )
                await asyncio.sleep(STORE_RETRY_MS / 1000)
            delay_ms = backoff.next_delay_ms(
                clock.monotonic_ms() - began_ms,
                found=found,
                is_listening=machine.is_listening,
                is_answering=machine.is_answering,
            )
            await asyncio.sleep(delay_ms / 1000)

    async def _poll_mailbox(self) -> bool:
        after = self._machine.read_after
        mailbox, session_id = self._ports.mailbox, self._state.session_id
        if entries := await asyncio.to_thread(mailbox.read_after, session_id, after):
            # Entries may be read repeatedly. The machine ignores those that it has handled.
            self._feed(MailboxRead(tuple(entries)))
        return self._machine.read_after != after

    async def _watch_fence(self) -> None:
        while self._lease.is_held():
            left_ms = self._lease.fenced_at_ms - self._ports.clock.monotonic_ms()
            await asyncio.sleep(max(1, left_ms) / 1000)
        self._ports.log.warning("lease ran out", extra={"session_id": self._state.session_id})
        self._feed(LeaseWasLost())

    async def _watch_switch(self) -> None:
        while True:
            await asyncio.sleep(SWITCH_EVERY_MS / 1000)
            if await asyncio.to_thread(self._ports.switch.is_stopped):
                self._feed(CallsStopped())

    async def _watch_time(self, remaining_ms: Callable[[], int]) -> None:
        for threshold_ms in (HAND_OVER_MS, FORCED_HAND_OVER_MS):
            # Lambda's deadline follows the wall clock and timers do not, so the time is polled.
            while (left_ms := remaining_ms() - threshold_ms) > 0:  # noqa: ASYNC110 - no event reports it
                await asyncio.sleep(min(left_ms, TIME_CHECK_MS) / 1000)
            self._feed(TimeRunningOut(threshold_ms))

    async def _ask(self, effect: AskCoreAgent) -> None:
        traceparent = self._observer.traceparent_of(effect.key)
        self._feed(await ask_core_agent(effect, self._state, self._ports, traceparent))


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, BaseExceptionGroup) else failure
