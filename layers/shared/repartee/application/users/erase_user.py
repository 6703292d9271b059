"""Erases a user or one conversation: tombstone, end of the sessions, deletion, a last search.

Every step can be repeated, and the tombstone stores the progress. So a repeated request continues
an erasure that was cut off.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from repartee.domain.errors import ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.protocol.frames import NumberedFrame, SessionClosed
from repartee.domain.users.erasure import Erasure, ItemKind, OpenConnection, StoredItem
from repartee.ports.clients import ClientChannel
from repartee.ports.runtime import Clock
from repartee.ports.users import ErasureStore

SETTLE_MS = 11_000
"""How long after the end of a session its mailbox may still get an entry: the timeout of message,
connect and disconnect in template.yaml, 10 s, and a second. Each of them deletes an entry that came
too late, but it may be killed before it does."""

BATCH = 25
"""Items between two updates of the progress. BatchWriteItem takes no more."""

MARGIN_MS = 2_500
"""Time that is reserved for one more batch with its retries, and for the answer."""


@dataclass(frozen=True, slots=True)
class UserEraser:
    """Erases users and conversations.

    Attributes:
        wait: Blocks for that many seconds.
    """

    store: ErasureStore
    channel: ClientChannel
    clock: Clock
    wait: Callable[[float], object]

    def erase(
        self,
        user_id: str,
        *,
        remaining_ms: Callable[[], int],
        conversation_id: str | None = None,
    ) -> Erasure:
        """Erase as much as the time allows; call again until ``finished_at_ms`` is set.

        Args:
            user_id: The user.
            remaining_ms: Returns how much time is left.
            conversation_id: The only conversation to erase; None for all data of the user.

        Raises:
            ConversationUnknown: The user has no such conversation.
            ErasureUnderWay: Another request is erasing the same data, or has just done so.
            StoreUnavailable: A table failed beyond the retries; call again.
        """
        now_ms = self.clock.now_ms()
        erasure = self.store.begin(user_id, now_ms=now_ms, conversation_id=conversation_id)
        # A run that was cut off has counted these. Deleting them twice is the same as once.
        self.store.delete(user_id, erasure.pending)
        run = _Run(self, erasure, remaining_ms)
        with suppress(_OutOfTime):
            run.end_sessions()
            run.settle()
            while run.sweep():
                pass
            run.finish()
        return run.erasure


def _close(
    channel: ClientChannel, connections: Iterable[OpenConnection], epoch: int | None
) -> None:
    """Close connections; with an epoch, their clients get the reason first."""
    for connection in connections:
        if epoch is not None:
            # The first frame of a newer epoch: clients drop every frame that a worker still sends.
            frame = NumberedFrame(epoch, 1, SessionClosed("erased"))
            with suppress(ConnectionGone, ClientTooSlow, StoreUnavailable):
                channel.post(connection.connection_id, frame)
        with suppress(StoreUnavailable):
            channel.close(connection.connection_id)


class _OutOfTime(Exception):
    """Ends a run whose time is used up; the next run continues."""


class _Run:
    """One run of an erasure, in stages.

    Each stage checks the time before each step. The next run does not repeat completed steps: ended
    sessions, the start of the wait, deleted items.
    """

    def __init__(self, eraser: UserEraser, erasure: Erasure, remaining_ms: Callable[[], int]):
        self._eraser = eraser
        self._remaining_ms = remaining_ms
        self.erasure = erasure

    def end_sessions(self) -> None:
        """End every session and send its clients the reason, whether or not a worker does."""
        if self.erasure.settles_at_ms is not None:
            return
        eraser, scope = self._eraser, (self.erasure.user_id, self.erasure.conversation_id)
        connections: dict[str, list[OpenConnection]] = defaultdict(list)
        for connection in eraser.store.connections(*scope):
            connections[connection.session_id].append(connection)
        sessions = eraser.store.sessions(*scope)
        for session_id, is_fenced in sessions.items():
            # An earlier run may have ended the session and died before it closed the connections.
            if not is_fenced or session_id in connections:
                epoch = eraser.store.end_session(session_id)
                _close(eraser.channel, connections.pop(session_id, ()), epoch)
                self._check_time()
        for left in connections.values():
            _close(eraser.channel, left, None)
            self._check_time()
        if sessions:
            settles_at_ms = eraser.clock.now_ms() + SETTLE_MS
            self.erasure = eraser.store.advance(self.erasure, settles_at_ms=settles_at_ms)

    def sweep(self, *, keeps_openings: bool = False) -> int:
        """Delete the items that are found; return their number."""
        found = 0
        batch: list[StoredItem] = []
        erasure = self.erasure
        for item in self._eraser.store.items(erasure.user_id, erasure.conversation_id):
            if self._remaining_ms() < MARGIN_MS:
                self._delete(batch)
                raise _OutOfTime
            if keeps_openings and item.kind is ItemKind.OPENINGS:
                continue
            batch.append(item)
            if len(batch) == BATCH:
                self._delete(batch)
                found += len(batch)
                batch = []
        self._delete(batch)
        return found + len(batch)

    def _delete(self, batch: Sequence[StoredItem]) -> None:
        if batch:
            store = self._eraser.store
            # The batch is counted first, so that a kill in between loses no item and no count.
            self.erasure = store.advance(self.erasure, pending=batch)
            store.delete(self.erasure.user_id, batch)

    def _check_time(self) -> None:
        if self._remaining_ms() < MARGIN_MS:
            raise _OutOfTime

    def settle(self) -> None:
        """Delete the items, and wait until no more can be written."""
        if self._settles_in_ms() <= 0:
            return
        self.sweep(keeps_openings=True)
        left_ms = self._settles_in_ms()
        if left_ms <= 0:
            return
        if self._remaining_ms() < left_ms + MARGIN_MS:
            raise _OutOfTime
        self._eraser.wait(left_ms / 1000)

    def _settles_in_ms(self) -> int:
        return (self.erasure.settles_at_ms or 0) - self._eraser.clock.now_ms()

    def finish(self) -> None:
        if self.erasure.finished_at_ms is None:
            now_ms = self._eraser.clock.now_ms()
            self.erasure = self._eraser.store.advance(self.erasure, finished_at_ms=now_ms)
