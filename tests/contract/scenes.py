"""Common values of the contract tests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from repartee.domain.conversation.conversation import Turn
from repartee.domain.session.state import ConnectionOpening, Lease, TurnCommit
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

USER = "user-ann"
SESSION = "session-1"
CONVERSATION = "conversation-1"
LEASE_MS = 5_000


def opening(
    *,
    connection: str = "connection-1",
    user: str = USER,
    session: str = SESSION,
    conversation: str = CONVERSATION,
    ticket: str | None = None,
    opened_at_ms: int = NOON_MS,
    max_sessions: int = 3,
) -> ConnectionOpening:
    """Return an opening; each connection has its own ticket unless one is given."""
    return ConnectionOpening(
        connection,
        user,
        session,
        conversation,
        ticket or f"ticket-of-{connection}",
        opened_at_ms + 60_000,
        opened_at_ms,
        max_sessions,
    )


def served_session(
    stores: Stores,
    *,
    user: str = USER,
    session: str = SESSION,
    conversation: str = CONVERSATION,
    owner: str = "worker-1",
) -> Lease:
    """Open a new session and take its lease."""
    stores.openings.open(
        opening(
            connection=f"connection-of-{session}",
            user=user,
            session=session,
            conversation=conversation,
        )
    )
    lease = stores.sessions.acquire_lease(
        session, owner=owner, now_ms=NOON_MS, until_ms=NOON_MS + LEASE_MS
    )
    assert lease is not None
    return lease


def turn(number: int, *, session: str = SESSION, heard: str = "", said: str = "") -> Turn:
    """Return a turn of two seconds."""
    started_at_ms = NOON_MS + number * 10_000
    return Turn(number, session, started_at_ms, started_at_ms + 2_000, heard, said)


def commit(
    committed: Turn,
    *,
    epoch: int = 1,
    cursor: int = 0,
    user: str = USER,
    conversation: str = CONVERSATION,
) -> TurnCommit:
    """Return the commit of a turn by the turn's session."""
    return TurnCommit(
        user,
        conversation,
        committed.session_id,
        epoch,
        committed,
        cursor,
        committed.ended_at_ms,
    )


def all_at_once[T](count: int, action: Callable[[int], T]) -> list[T]:
    """Run ``action`` in ``count`` threads that start together; return their results."""
    barrier = Barrier(count)

    def run(number: int) -> T:
        barrier.wait(timeout=30)
        return action(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
