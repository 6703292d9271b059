"""Ends the sessions that a conversation was taken from, before the new session begins."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from repartee.application.connections.deliver_notice import deliver_notice
from repartee.application.serving.lease_keeper import RENEW_EVERY_MS, LeaseKeeper
from repartee.application.serving.session_ports import SessionPorts
from repartee.domain.conversation.conversation import Conversation
from repartee.domain.errors import LeaseLost, StoreUnavailable
from repartee.domain.protocol.messages import Superseded
from repartee.domain.session.state import Lease, PendingCall
from repartee.domain.tools.core_calls import ToolCallKey

# A live worker ends its session within 100 ms, or within 3 s if the client takes no frames. The
# lease of a dead worker lasts 5 s.
END_TIMEOUT_MS = 10_000
POLL_EVERY_MS = 50


async def end_earlier_sessions(
    conversation: Conversation,
    lease: Lease,
    keeper: LeaseKeeper,
    ports: SessionPorts,
    close: Callable[[str], Awaitable[None]],
) -> None:
    """End each superseded session, after it has committed its input.

    Then none of them can commit, except a session that did not end in time. If it commits before
    the new session, the new session can no longer commit, and the other way round.

    Args:
        conversation: The conversation, with the sessions that it was taken from.
        lease: The lease of the session that took it.
        keeper: Renews that lease during the wait.
        ports: Everything outside the process.
        close: Takes a session's lease if it is free, and ends that session.

    Raises:
        StoreUnavailable: A table failed beyond the retries.
    """
    ended = list[str]()
    try:
        async with (
            _lease_renewed(keeper, lease.state.cursor),
            asyncio.timeout(END_TIMEOUT_MS / 1000),
        ):
            for session_id in conversation.superseded_session_ids:
                await _end(session_id, lease.state.session_id, ports, close)
                ended.append(session_id)
    except StoreUnavailable:
        raise
    except Exception as fault:  # noqa: BLE001 - a fault of an earlier session must not stop this one
        left = conversation.superseded_session_ids[len(ended) :]
        ports.log.warning(
            "earlier session not ended",
            extra={
                "session_id": lease.state.session_id,
                "earlier_session_ids": left,
                "reason": type(fault).__name__,
            },
        )


async def _end(
    session_id: str, by: str, ports: SessionPorts, close: Callable[[str], Awaitable[None]]
) -> None:
    is_notified = False
    while True:
        state = await asyncio.to_thread(ports.sessions.load, session_id)
        if state is None or state.ended:
            return
        now_ms = ports.clock.now_ms()
        if not state.is_lease_held(now_ms):
            await close(session_id)
        elif not is_notified:
            # The connect function leaves this notice too, but it may have failed.
            await asyncio.to_thread(
                deliver_notice,
                session_id,
                Superseded(by),
                mailbox=ports.mailbox,
                sessions=ports.sessions,
                now_ms=now_ms,
            )
            is_notified = True
        await asyncio.sleep(POLL_EVERY_MS / 1000)


@asynccontextmanager
async def _lease_renewed(keeper: LeaseKeeper, cursor: int) -> AsyncIterator[None]:
    """Renew a lease while the context is active."""
    renewing = asyncio.create_task(_renew(keeper, cursor))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def _renew(keeper: LeaseKeeper, cursor: int) -> None:
    # A worker that has lost the lease finds out at its first write.
    with suppress(LeaseLost):
        while True:
            await asyncio.sleep(RENEW_EVERY_MS / 1000)
            with suppress(StoreUnavailable):
                await asyncio.to_thread(keeper.renew, cursor)


def open_tool_calls_of(conversation: Conversation, ports: SessionPorts) -> tuple[PendingCall, ...]:
    """Return the calls that the superseded sessions left open, in order.

    The header names those sessions until the new session commits, and that commit stores the open
    calls. So a worker's death in between loses no call, and core_agent answers each call from the
    exchange that it stored at the call's place.

    Raises:
        StoreUnavailable: A table failed beyond the retries.
    """
    left = dict[ToolCallKey, PendingCall]()
    for session_id in conversation.superseded_session_ids:
        state = ports.sessions.load(session_id)
        if state is not None and state.conversation_id == conversation.conversation_id:
            left |= {pending.key: pending for pending in state.pending_calls}
    return tuple(left[key] for key in sorted(left, key=lambda key: (key.turn, key.index)))
