"""Forget a user, or one conversation: tombstone, end of the sessions, deletion, a last look.

Every step can be repeated and every state in between is on the tombstone, so that an erasure that
was cut off goes on where it was when it is asked for again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from repartee.domain.errors import ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.protocol.frames import NumberedFrame, SessionClosed
from repartee.domain.protocol.wire import encode_frame
from repartee.domain.users.erasure import Erasure, ItemKind, OpenConnection, StoredItem
from repartee.ports.clients import ClientChannel
from repartee.ports.runtime import Clock
from repartee.ports.users import ErasureStore

SETTLE_MS = 11_000
"""How long after the end of a session something may still be put into its mailbox: the timeout of
message, connect and disconnect in template.yaml, 10 s, and a second. Each of them takes back what
it wrote too late; this is for one that is killed between the two."""

BATCH = 25
"""Items between two notes of how far it is. BatchWriteItem takes no more."""

MARGIN_MS = 2_500
"""Kept of the time for one more batch with its retries, and for the answer."""


@dataclass(frozen=True, slots=True)
class UserEraser:
    """Erases users and conversations.

    Attributes:
        wait: Blocks for that many seconds.
        settle_ms: See ``SETTLE_MS``.
    """

    store: ErasureStore
    channel: ClientChannel
    clock: Clock
    wait: Callable[[float], object]
    settle_ms: int = SETTLE_MS

    def erase(
        self,
        user_id: str,
        *,
        remaining_ms: Callable[[], int],
        conversation_id: str | None = None,
    ) -> Erasure:
        """Erase as much as there is time for; ask again until ``finished_at_ms`` is set.

        Args:
            user_id: Whom.
            remaining_ms: How much time is left.
            conversation_id: Only this one of the user's conversations; None for all there is.

        Raises:
            ConversationUnknown: The user has no such conversation.
            ErasureUnderWay: Somebody else is at it, or was a moment ago.
            StoreUnavailable: A table failed beyond the retries; ask again.
        """
        now_ms = self.clock.now_ms()
        erasure = self.store.begin(user_id, now_ms=now_ms, conversation_id=conversation_id)
        # Counted by a run that was cut off; deleting them twice is the same as once.
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
                channel.post(connection.connection_id, encode_frame(frame))
        with suppress(StoreUnavailable):
            channel.close(connection.connection_id)


class _OutOfTime(Exception):
    """The rest is for the next run."""


class _Run:
    """One run's way through what is to be deleted.

    Each stage looks at the time for each thing that it does, and leaves behind what the next run
    need not do again: sessions that are ended, a moment to wait for, items that are gone.
    """

    def __init__(self, eraser: UserEraser, erasure: Erasure, remaining_ms: Callable[[], int]):
        self._eraser = eraser
        self._remaining_ms = remaining_ms
        self.erasure = erasure

    def end_sessions(self) -> None:
        """End every session, and let its client hear of it from us, whatever its worker does."""
        if self.erasure.settles_at_ms is not None:
            return
        eraser, whose = self._eraser, (self.erasure.user_id, self.erasure.conversation_id)
        connections: dict[str, list[OpenConnection]] = defaultdict(list)
        for connection in eraser.store.connections(*whose):
            connections[connection.session_id].append(connection)
        sessions = eraser.store.sessions(*whose)
        for session_id, is_fenced in sessions.items():
            # A run that died before it could tell the client is no reason not to be told.
            if not is_fenced or session_id in connections:
                epoch = eraser.store.end_session(session_id)
                _close(eraser.channel, connections.pop(session_id, ()), epoch)
                self._look_at_time()
        for left in connections.values():
            _close(eraser.channel, left, None)
            self._look_at_time()
        if sessions:
            settles_at_ms = eraser.clock.now_ms() + eraser.settle_ms
            self.erasure = eraser.store.advance(self.erasure, settles_at_ms=settles_at_ms)

    def sweep(self, *, keeps_openings: bool = False) -> int:
        """Delete what can be found; return how much that was."""
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
            # Counted before it is deleted: a kill in between loses neither an item nor a count.
            self.erasure = store.advance(self.erasure, pending=batch)
            store.delete(self.erasure.user_id, batch)

    def _look_at_time(self) -> None:
        if self._remaining_ms() < MARGIN_MS:
            raise _OutOfTime

    def settle(self) -> None:
        """Delete what is there, and wait until nothing can come any more."""
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
