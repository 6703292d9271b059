"""Forget a user: tombstone, end of the live sessions, deletion, and a last look.

Every step can be repeated and every state in between is on the tombstone, so that an erasure that
was cut off goes on where it was when it is asked for again.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched

from repartee.domain.erasure import Erasure
from repartee.domain.errors import ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.frames import NumberedFrame, SessionClosed
from repartee.domain.wire import encode_frame
from repartee.ports.client_channel import ClientChannel
from repartee.ports.clock import Clock
from repartee.ports.erasure_store import ErasureStore

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
    """Erases users.

    Attributes:
        wait: Blocks for that many seconds.
        settle_ms: See ``SETTLE_MS``.
    """

    store: ErasureStore
    channel: ClientChannel
    clock: Clock
    wait: Callable[[float], object]
    settle_ms: int = SETTLE_MS

    def erase(self, user_id: str, *, remaining_ms: Callable[[], int]) -> Erasure:
        """Erase as much as there is time for; ask again until ``finished_at_ms`` is set.

        Args:
            user_id: Whom.
            remaining_ms: How much time is left.

        Raises:
            ErasureUnderWay: Somebody else is at it, or was a moment ago.
            StoreUnavailable: A table failed beyond the retries; ask again.
        """
        store = self.store
        erasure = store.begin(user_id, now_ms=self.clock.now_ms())
        # Counted by a run that was cut off; deleting them twice is the same as once.
        store.delete(user_id, erasure.pending)
        erasure = self._end_sessions(erasure)
        run = _Run(self, erasure, remaining_ms)
        with suppress(_OutOfTime):
            if erasure.settles_at_ms is not None:
                run.sweep(with_openings=False)
                run.settle(erasure.settles_at_ms)
            while run.sweep(with_openings=True):
                pass
            run.finish()
        return run.erasure

    def _end_sessions(self, erasure: Erasure) -> Erasure:
        """End every session, and let its client hear of it from us, whatever its worker does."""
        store = self.store
        connections = store.connections(erasure.user_id)
        epochs = {
            session_id: epoch
            for session_id in store.sessions(erasure.user_id)
            if (epoch := store.end_session(session_id)) is not None
        }
        for connection in connections:
            if (epoch := epochs.get(connection.session_id)) is not None:
                # The first frame of a newer epoch: it outranks all that a worker still sends.
                frame = NumberedFrame(epoch, 1, SessionClosed("erased"))
                with suppress(ConnectionGone, ClientTooSlow, StoreUnavailable):
                    self.channel.post(connection.connection_id, encode_frame(frame))
            with suppress(StoreUnavailable):
                self.channel.close(connection.connection_id)
        if not epochs:
            return erasure
        return store.advance(erasure, settles_at_ms=self.clock.now_ms() + self.settle_ms)


class _OutOfTime(Exception):
    """The rest is for the next run."""


class _Run:
    """One run's way through what is to be deleted."""

    def __init__(self, eraser: UserEraser, erasure: Erasure, remaining_ms: Callable[[], int]):
        self._eraser = eraser
        self._remaining_ms = remaining_ms
        self.erasure = erasure

    def sweep(self, *, with_openings: bool) -> int:
        """Delete what can be found; return how much that was."""
        store, user_id = self._eraser.store, self.erasure.user_id
        found = 0
        items = store.items(user_id, with_openings=with_openings)
        for batch in batched(items, BATCH, strict=False):
            if self._remaining_ms() < MARGIN_MS:
                raise _OutOfTime
            # Counted before it is deleted: a kill in between loses neither an item nor a count.
            self.erasure = store.advance(self.erasure, pending=batch)
            store.delete(user_id, batch)
            found += len(batch)
        return found

    def settle(self, settles_at_ms: int) -> None:
        """Wait until nothing can come any more."""
        left_ms = settles_at_ms - self._eraser.clock.now_ms()
        if left_ms <= 0:
            return
        if self._remaining_ms() < left_ms + MARGIN_MS:
            raise _OutOfTime
        self._eraser.wait(left_ms / 1000)

    def finish(self) -> None:
        if self.erasure.finished_at_ms is None:
            now_ms = self._eraser.clock.now_ms()
            self.erasure = self._eraser.store.advance(self.erasure, finished_at_ms=now_ms)
