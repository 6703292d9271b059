"""A worker's whole visit to a session: take the lease, serve, give it back, look once more."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from repartee.application.answers.recall import recall
from repartee.application.serving.account_session import (
    count_remaining_usage,
    count_usage_of_erased,
    used_today,
)
from repartee.application.serving.earlier_sessions import end_earlier_sessions, open_tool_calls_of
from repartee.application.serving.lease_keeper import FENCE_MARGIN_MS, LEASE_MS, LeaseKeeper
from repartee.application.serving.record_session import SessionRecording
from repartee.application.serving.run_session import SessionRun
from repartee.application.serving.session_ports import SessionPorts
from repartee.application.serving.table_lane import STORE_RETRY_MS
from repartee.domain.conversation.conversation import Memory
from repartee.domain.errors import ClientTooSlow, ConnectionGone, LeaseLost, StoreUnavailable
from repartee.domain.protocol.messages import MailboxEntry, Numbered
from repartee.domain.protocol.wire import Busy, encode_reply
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.events import MailboxRead, Started
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.replay.recording import Opening
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease, SessionState
from repartee.ports.sessions import MAX_MESSAGES_READ
from repartee.ports.workers import WakeRequest

# A connection lives 2 h and a worker about 13 min: 10 hand-overs. More is a loop gone wrong.
MAX_HOPS = 20
# Clients that still wait wake again every 3 s. An older wake was queued behind a full pool, or was
# delivered twice, and may open a live session for nobody.
MAX_WAKE_AGE_MS = 10_000
# A table that failed beyond its retries; the next owed ping comes after a second.
MEMORY_RETRY_MS = 1_000
# Nobody renews the lease as yet: well below its 5 s.
MAILBOX_RETRIES = 10
# 200 s of usual chunks, 16 MB of the longest; what is behind them is read once these are taken.
MAX_UNREAD = 1_000


@dataclass(frozen=True, slots=True)
class _LeaseOutcome:
    """What a worker leaves behind.

    Attributes:
        is_unread: Whether the worker has not read the message with this number.
    """

    reason: FinishReason
    is_unread: Callable[[int], bool]


async def serve_session(
    wake: WakeRequest,
    ports: SessionPorts,
    settings: SessionSettings,
    *,
    remaining_ms: Callable[[], int],
) -> FinishReason | None:
    """Serve a session until there is nothing more to do for it.

    Args:
        wake: Which session, and how often it was handed over before.
        ports: The outside.
        settings: What the deployment decides.
        remaining_ms: How long this worker may still run.

    Returns:
        Why the worker left; None when another worker serves the session already, or when the wake
        came late and nothing is left to do.
    """
    reason: FinishReason | None = None
    is_late = ports.clock.now_ms() > wake.woken_at_ms + MAX_WAKE_AGE_MS
    if is_late and not await _has_work(ports, wake):
        return reason
    while True:
        taken = await _take_lease(wake, ports)
        if taken is None and await _wait_for_expiring_lease(wake, ports):
            taken = await _take_lease(wake, ports)
        if taken is None:
            return reason
        lease, keeper = taken
        visit = await _serve_lease(wake, lease, keeper, ports, settings, remaining_ms)
        reason = visit.reason
        if reason is not FinishReason.IDLE or not await _has_input(ports, wake, visit.is_unread):
            break
    if reason is FinishReason.HAND_OVER:
        await _hand_over(wake, ports)
    return reason


async def _take_lease(wake: WakeRequest, ports: SessionPorts) -> tuple[Lease, LeaseKeeper] | None:
    asked_at_ms = ports.clock.monotonic_ms()
    now_ms = ports.clock.now_ms()
    lease = await asyncio.to_thread(
        ports.sessions.acquire_lease,
        wake.session_id,
        owner=ports.ids.new_id(now_ms),
        now_ms=now_ms,
        until_ms=now_ms + LEASE_MS,
    )
    if lease is None:
        return None
    fenced_at_ms = asked_at_ms + LEASE_MS - FENCE_MARGIN_MS
    return lease, LeaseKeeper(
        ports.sessions, ports.clock, wake.session_id, lease.state.epoch, fenced_at_ms
    )


async def _wait_for_expiring_lease(wake: WakeRequest, ports: SessionPorts) -> bool:
    """Wait for the end of a lease that its holder has not renewed in time; False when it has.

    Such a wake comes early, so that this worker's own start is over when the lease is.
    """
    state = await asyncio.to_thread(ports.sessions.load, wake.session_id)
    now_ms = ports.clock.now_ms()
    if state is None or state.ended or not state.is_lease_expiring(now_ms):
        return False
    await asyncio.sleep((state.lease_until_ms - now_ms) / 1000)
    return True


async def _serve_lease(
    wake: WakeRequest,
    lease: Lease,
    keeper: LeaseKeeper,
    ports: SessionPorts,
    settings: SessionSettings,
    remaining_ms: Callable[[], int],
) -> _LeaseOutcome:
    state = lease.state
    ports.metrics.lease_taken(takeover=lease.is_takeover)
    if state.epoch == 1:
        ports.metrics.session_opened()
    ports.log.info("lease taken", extra={"session_id": state.session_id, "epoch": state.epoch})

    async def close(session_id: str) -> None:
        earlier = replace(wake, session_id=session_id)
        if (taken := await _take_lease(earlier, ports)) is not None:
            await _serve_lease(earlier, *taken, ports, settings, remaining_ms)

    try:
        # Known before anything can end the session: what was accepted is remembered all the same.
        memory, unread = await asyncio.gather(
            _recall(state, ports, settings), _unread_input(state, ports)
        )
        is_live = not lease.is_superseded(memory.conversation)
        if is_live and memory.conversation.superseded_session_ids:
            earlier = memory.conversation
            await end_earlier_sessions(earlier, lease, keeper, ports, close)
            calls = await asyncio.to_thread(open_tool_calls_of, earlier, ports)
            lease = lease.with_pending_calls(calls)
            memory = await _recall(state, ports, settings)
        used = await used_today(memory.profile, ports, settings)
    except StoreUnavailable:
        await _abandon_lease(lease, ports)
        raise
    settings = ports.quirks.applied_to(settings, memory.profile)
    offset_ms = ports.clock.now_ms() - ports.clock.monotonic_ms()
    detector = ports.detector()
    recording: SessionRecording | None = None
    if ports.recorder is not None:
        opening = Opening(lease, memory, settings, offset_ms)
        recording = SessionRecording(ports.recorder, opening, detector)
        detector = recording.detector
    machine = SessionMachine(lease, memory, settings, detector, unix_offset_ms=offset_ms)
    run = SessionRun(machine, state, keeper, ports, settings.grace_ms, recording)
    reason = await run.run(remaining_ms, Started(used, unread))
    ports.log.info("lease left", extra={"session_id": state.session_id, "reason": reason.value})
    if ports.quirks.learn_from(machine):
        ports.log.warning("live model refuses history", extra={"model": settings.live_model})
    visit = _LeaseOutcome(reason, machine.is_unread)
    if reason is FinishReason.FENCED:
        await count_usage_of_erased(machine, state, ports)
        return visit
    await count_remaining_usage(machine, state, ports)
    ended = reason is FinishReason.ENDED
    with suppress(LeaseLost, StoreUnavailable):
        await asyncio.to_thread(
            ports.sessions.release_lease,
            state.session_id,
            epoch=state.epoch,
            cursor=run.cursor,
            ended=ended,
            taken=run.taken,
        )
        if ended:
            await asyncio.to_thread(ports.connections.end_session, state.user_id, state.session_id)
    return visit


async def _recall(state: SessionState, ports: SessionPorts, settings: SessionSettings) -> Memory:
    return await asyncio.to_thread(
        recall, ports.reader, ports.notes, state.user_id, state.conversation_id, settings.memory
    )


async def _unread_input(state: SessionState, ports: SessionPorts) -> MailboxRead:
    """Return what stands in the mailbox and no turn has consumed."""
    after = state.cursor
    unread = list[MailboxEntry]()
    while True:
        page = await _read_after(state.session_id, after, ports)
        numbered = [entry for entry in page if isinstance(entry, Numbered)]
        if len(numbered) < MAX_MESSAGES_READ or len(unread) + len(numbered) >= MAX_UNREAD:
            return MailboxRead((*unread, *page))
        unread += numbered
        after = numbered[-1].seq


async def _read_after(session_id: str, seq: int, ports: SessionPorts) -> Sequence[MailboxEntry]:
    for _ in range(MAILBOX_RETRIES):
        with suppress(StoreUnavailable):
            return await asyncio.to_thread(ports.mailbox.read_after, session_id, seq)
        await asyncio.sleep(STORE_RETRY_MS / 1000)
    return await asyncio.to_thread(ports.mailbox.read_after, session_id, seq)


async def _abandon_lease(lease: Lease, ports: SessionPorts) -> None:
    """Let the next message wake another worker at once, and tell the client to go on asking."""
    state = lease.state
    ports.log.warning("memory not readable", extra={"session_id": state.session_id})
    with suppress(LeaseLost, StoreUnavailable):
        # The lease runs out instead of being released where one had run out before: the next
        # worker has to tell the client, too, that its turn begins anew.
        give_back = _expire if lease.is_takeover else _release
        await asyncio.to_thread(give_back, ports, state)
    if state.connection_id is not None:
        with suppress(ConnectionGone, ClientTooSlow, StoreUnavailable):
            busy = encode_reply(Busy(MEMORY_RETRY_MS))
            await asyncio.to_thread(ports.channel.post, state.connection_id, busy)


def _expire(ports: SessionPorts, state: SessionState) -> None:
    ports.sessions.renew_lease(
        state.session_id, epoch=state.epoch, until_ms=ports.clock.now_ms(), cursor=state.cursor
    )


def _release(ports: SessionPorts, state: SessionState) -> None:
    ports.sessions.release_lease(
        state.session_id, epoch=state.epoch, cursor=state.cursor, ended=False
    )


async def _has_work(ports: SessionPorts, wake: WakeRequest) -> bool:
    state = await asyncio.to_thread(ports.sessions.load, wake.session_id)
    owes_answer = state is not None and not state.ended and bool(state.pending_calls)
    return owes_answer or await _has_input(ports, wake)


async def _has_input(
    ports: SessionPorts, wake: WakeRequest, is_unread: Callable[[int], bool] = lambda _: True
) -> bool:
    """Look for input after the release: a message before it found a worker and woke none.

    Input that the worker has read and left waits for a client that is gone.
    """
    state = await asyncio.to_thread(ports.sessions.load, wake.session_id)
    if state is None or state.ended:
        return False
    entries = await asyncio.to_thread(ports.mailbox.read_after, wake.session_id, state.cursor)
    return any(isinstance(entry, Numbered) and is_unread(entry.seq) for entry in entries)


async def _hand_over(wake: WakeRequest, ports: SessionPorts) -> None:
    if wake.hop >= MAX_HOPS:
        ports.log.warning(
            "too many hand-overs", extra={"session_id": wake.session_id, "hop": wake.hop}
        )
        return
    successor = replace(wake, woken_at_ms=ports.clock.now_ms(), hop=wake.hop + 1)
    await asyncio.to_thread(ports.workers.wake, successor)
