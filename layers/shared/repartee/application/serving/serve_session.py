"""Serves a session: takes the lease, runs the machine, releases the lease, checks for new input."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from repartee.application.answers.recall import recall
from repartee.application.serving.earlier_sessions import end_earlier_sessions, open_tool_calls_of
from repartee.application.serving.lease_keeper import LeaseKeeper, take_lease
from repartee.application.serving.observe_session import (
    SessionObserver,
    TurnTimer,
    count_lease,
)
from repartee.application.serving.record_session import SessionRecording
from repartee.application.serving.run_session import SessionRun
from repartee.application.serving.session_ports import SessionPorts
from repartee.application.serving.session_usage import (
    count_remaining_usage,
    count_usage_of_erased,
    used_today,
)
from repartee.application.serving.table_lane import STORE_RETRY_MS
from repartee.application.tracing.trace_turns import TurnTraces
from repartee.domain.conversation.conversation import Conversation, Memory
from repartee.domain.errors import ClientTooSlow, ConnectionGone, LeaseLost, StoreUnavailable
from repartee.domain.protocol.answers import Busy
from repartee.domain.protocol.messages import MailboxEntry, Numbered
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.events import MailboxRead, Started
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.replay.recording import Opening
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease, SessionState
from repartee.domain.tracing.spans import TraceContext
from repartee.domain.tracing.turn_spans import wake_context
from repartee.observability import log_fields
from repartee.ports.sessions import MAX_MESSAGES_READ
from repartee.ports.workers import WakeRequest

# A connection lives for 2 h and a worker for about 13 min, which makes 10 hand-overs. More than 20
# must be a loop.
MAX_HOPS = 20
# Clients that still wait cause a wake every 3 s. An older wake was queued behind a full pool or was
# delivered twice, and it might open a Live session that no client needs.
MAX_WAKE_AGE_MS = 10_000
# If a table failed beyond its retries, the client may try again after this time.
MEMORY_RETRY_MS = 1_000
# The lease is not renewed yet, so these retries must end well before its 5 s.
MAILBOX_RETRIES = 10
# 200 s of usual chunks, 16 MB of the longest ones. Later messages are read after these are taken.
MAX_UNREAD = 1_000


@dataclass(frozen=True, slots=True)
class _LeaseOutcome:
    """The result of one lease.

    Attributes:
        is_unread: Returns whether the worker has not read the message with this number.
    """

    reason: FinishReason
    is_unread: Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class SessionServer:
    """Serves sessions as their worker.

    Attributes:
        ports: The ports that serving a session needs.
        settings: The settings of the deployment.
    """

    ports: SessionPorts
    settings: SessionSettings

    async def serve(
        self, wake: WakeRequest, *, remaining_ms: Callable[[], int]
    ) -> FinishReason | None:
        """Serve a session until it needs no worker.

        Args:
            wake: The session, and how often it was handed over.
            remaining_ms: Returns how long this worker may still run.

        Returns:
            Why the worker left; None if another worker serves the session, or if the wake is old
            and the session needs no worker.
        """
        reason: FinishReason | None = None
        request: WakeRequest | None = wake
        is_late = self.ports.clock.now_ms() > wake.woken_at_ms + MAX_WAKE_AGE_MS
        if is_late and not await self._has_work(wake.session_id):
            return reason
        while True:
            taken = await take_lease(wake.session_id, self.ports)
            if taken is None and await self._wait_for_expiring_lease(wake.session_id):
                taken = await take_lease(wake.session_id, self.ports)
            if taken is None:
                return reason
            outcome = await self._serve_lease(*taken, remaining_ms, request)
            # The next lease of this worker follows without a request.
            request = None
            reason = outcome.reason
            if reason is not FinishReason.IDLE:
                break
            if not await self._has_input(wake.session_id, outcome.is_unread):
                break
        if reason is FinishReason.HAND_OVER:
            await self._hand_over(wake)
        return reason

    async def _wait_for_expiring_lease(self, session_id: str) -> bool:
        """Wait for the end of a lease whose renewals were missed; return False for other leases.

        Such a wake is sent early, so that this worker has started when the lease expires.
        """
        state = await asyncio.to_thread(self.ports.sessions.load, session_id)
        now_ms = self.ports.clock.now_ms()
        if state is None or state.ended or not state.is_lease_expiring(now_ms):
            return False
        await asyncio.sleep((state.lease_until_ms - now_ms) / 1000)
        return True

    async def _serve_lease(
        self,
        lease: Lease,
        keeper: LeaseKeeper,
        remaining_ms: Callable[[], int],
        wake: WakeRequest | None = None,
    ) -> _LeaseOutcome:
        state = lease.state
        with log_fields(session_id=state.session_id, epoch=state.epoch):
            return await self._run_lease(lease, keeper, remaining_ms, wake)

    async def _run_lease(
        self,
        lease: Lease,
        keeper: LeaseKeeper,
        remaining_ms: Callable[[], int],
        wake: WakeRequest | None,
    ) -> _LeaseOutcome:
        ports, state = self.ports, lease.state
        count_lease(lease, ports.metrics, None if wake is None else wake.woken_at_ms)
        taken = {"session_id": state.session_id, "epoch": state.epoch}
        ports.log.info("lease taken", extra={**taken, "persona": self.settings.persona.name})
        try:
            # Both are read before anything can end the session, so that memory gets all accepted
            # input in every case.
            memory, unread, is_stopped, spent = await asyncio.gather(
                self._recall(state),
                self._unread_input(state),
                asyncio.to_thread(ports.switch.is_stopped),
                asyncio.to_thread(ports.budget.today),
            )
            is_live = not lease.is_superseded(memory.conversation)
            if is_live and memory.conversation.superseded_session_ids:
                lease = await self._end_earlier(memory.conversation, lease, keeper, remaining_ms)
                memory = await self._recall(state)
            used = await used_today(memory.profile, ports, self.settings)
        except StoreUnavailable:
            await self._abandon_lease(lease)
            raise
        machine, run, observer = self._make_run(lease, memory, keeper, wake)
        reason = await run.run(remaining_ms, Started(used, unread, spent, is_stopped))
        ports.log.info("lease left", extra={"session_id": state.session_id, "reason": reason.value})
        if ports.quirks.learn_from(machine):
            model = self.settings.live_model
            ports.log.warning("live model refuses history", extra={**taken, "model": model})
        observer.leave()
        if reason is FinishReason.FENCED:
            await count_usage_of_erased(machine, state, ports)
        else:
            await count_remaining_usage(machine, state, ports)
            await self._release_lease(state, run, has_ended=reason is FinishReason.ENDED)
        return _LeaseOutcome(reason, machine.is_unread)

    async def _end_earlier(
        self,
        conversation: Conversation,
        lease: Lease,
        keeper: LeaseKeeper,
        remaining_ms: Callable[[], int],
    ) -> Lease:
        """End the superseded sessions; return the lease with the calls that they left open."""

        async def close(session_id: str) -> None:
            if (taken := await take_lease(session_id, self.ports)) is not None:
                await self._serve_lease(*taken, remaining_ms)

        await end_earlier_sessions(conversation, lease, keeper, self.ports, close)
        calls = await asyncio.to_thread(open_tool_calls_of, conversation, self.ports)
        return lease.with_pending_calls(calls)

    def _make_run(
        self, lease: Lease, memory: Memory, keeper: LeaseKeeper, wake: WakeRequest | None
    ) -> tuple[SessionMachine, SessionRun, SessionObserver]:
        ports = self.ports
        settings = ports.quirks.applied_to(self.settings, memory.profile)
        offset_ms = ports.clock.now_ms() - ports.clock.monotonic_ms()
        detector = ports.detector()
        recording: SessionRecording | None = None
        if ports.recorder is not None:
            opening = Opening(lease, memory, settings, offset_ms)
            recording = SessionRecording(ports.recorder, opening, detector)
            detector = recording.detector
        machine = SessionMachine(lease, memory, settings, detector, unix_offset_ms=offset_ms)
        timer = TurnTimer(lease, None if wake is None else wake.woken_at_ms, offset_ms)
        traces = TurnTraces(
            ports.tracer,
            ports.log,
            lease.state,
            settings.live_model,
            first_turn=memory.conversation.turn_count + 1,
            waker=None if wake is None else TraceContext.read(wake.traceparent),
        )
        observer = SessionObserver(machine, lease, memory, ports, timer, traces)
        run = SessionRun(
            machine, lease.state, keeper, ports, settings.grace_ms, observer, recording
        )
        return machine, run, observer

    async def _release_lease(
        self, state: SessionState, run: SessionRun, *, has_ended: bool
    ) -> None:
        ports = self.ports
        with suppress(LeaseLost, StoreUnavailable):
            await asyncio.to_thread(
                ports.sessions.release_lease,
                state.session_id,
                epoch=state.epoch,
                cursor=run.cursor,
                ended=has_ended,
                taken=run.taken,
            )
            if has_ended:
                await asyncio.to_thread(
                    ports.connections.end_session, state.user_id, state.session_id
                )

    async def _recall(self, state: SessionState) -> Memory:
        ports, budget = self.ports, self.settings.memory
        return await asyncio.to_thread(
            recall, ports.reader, ports.notes, state.user_id, state.conversation_id, budget
        )

    async def _unread_input(self, state: SessionState) -> MailboxRead:
        """Return the input in the mailbox that no turn has consumed."""
        after = state.cursor
        unread = list[MailboxEntry]()
        while True:
            page = await self._read_after(state.session_id, after)
            numbered = [entry for entry in page if isinstance(entry, Numbered)]
            if len(numbered) < MAX_MESSAGES_READ or len(unread) + len(numbered) >= MAX_UNREAD:
                return MailboxRead((*unread, *page))
            unread += numbered
            after = numbered[-1].seq

    async def _read_after(self, session_id: str, seq: int) -> Sequence[MailboxEntry]:
        mailbox = self.ports.mailbox
        for _ in range(MAILBOX_RETRIES):
            with suppress(StoreUnavailable):
                return await asyncio.to_thread(mailbox.read_after, session_id, seq)
            await asyncio.sleep(STORE_RETRY_MS / 1000)
        return await asyncio.to_thread(mailbox.read_after, session_id, seq)

    async def _abandon_lease(self, lease: Lease) -> None:
        """Give up the lease so that the next message wakes a worker, and report ``Busy``."""
        ports, state = self.ports, lease.state
        ports.log.warning("memory not readable", extra={"session_id": state.session_id})
        with suppress(LeaseLost, StoreUnavailable):
            # After a takeover the lease must expire instead of being released. Then the next worker
            # also detects a takeover and reports to the client that the turn restarts.
            give_back = _expire if lease.is_takeover else _release
            await asyncio.to_thread(give_back, ports, state)
        if state.connection_id is not None:
            with suppress(ConnectionGone, ClientTooSlow, StoreUnavailable):
                busy = Busy(MEMORY_RETRY_MS)
                await asyncio.to_thread(ports.channel.post, state.connection_id, busy)

    async def _has_work(self, session_id: str) -> bool:
        state = await asyncio.to_thread(self.ports.sessions.load, session_id)
        owes_answer = state is not None and not state.ended and bool(state.pending_calls)
        return owes_answer or await self._has_input(session_id)

    async def _has_input(
        self, session_id: str, is_unread: Callable[[int], bool] = lambda _: True
    ) -> bool:
        """Return whether the mailbox has unread input.

        This is checked after the release, because a message that came before it woke no worker.
        Input that the worker has read and left there waits for a client that has gone.
        """
        state = await asyncio.to_thread(self.ports.sessions.load, session_id)
        if state is None or state.ended:
            return False
        entries = await asyncio.to_thread(self.ports.mailbox.read_after, session_id, state.cursor)
        return any(isinstance(entry, Numbered) and is_unread(entry.seq) for entry in entries)

    async def _hand_over(self, wake: WakeRequest) -> None:
        if wake.hop >= MAX_HOPS:
            self.ports.log.warning(
                "too many hand-overs", extra={"session_id": wake.session_id, "hop": wake.hop}
            )
            return
        now_ms = self.ports.clock.now_ms()
        context = wake_context(wake.session_id, now_ms) if self.ports.tracer.is_on else None
        traceparent = "" if context is None else context.traceparent
        successor = replace(wake, woken_at_ms=now_ms, hop=wake.hop + 1, traceparent=traceparent)
        await asyncio.to_thread(self.ports.workers.wake, successor)


def _expire(ports: SessionPorts, state: SessionState) -> None:
    ports.sessions.renew_lease(
        state.session_id, epoch=state.epoch, until_ms=ports.clock.now_ms(), cursor=state.cursor
    )


def _release(ports: SessionPorts, state: SessionState) -> None:
    ports.sessions.release_lease(
        state.session_id, epoch=state.epoch, cursor=state.cursor, ended=False
    )
