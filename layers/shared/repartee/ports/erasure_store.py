from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from repartee.domain.erasure import Erasure, OpenConnection, StoredItem


class ErasureStore(Protocol):
    """Finds and deletes all that is kept of a user, in every table.

    All methods raise ``StoreUnavailable`` when a table fails beyond the retries.
    """

    def find(self, user_id: str) -> Erasure | None:
        """Return how far the user's erasure is, None when they never asked for one."""
        ...

    def begin(self, user_id: str, *, now_ms: int) -> Erasure:
        """Set the tombstone in the place of the preferences, or return the one that is there.

        From its return on, every other port refuses to write for this user, except in sessions
        that were open before: those have to be ended.
        """
        ...

    def sessions(self, user_id: str) -> Mapping[str, bool]:
        """Return the user's sessions by id, and whether ``end_session`` has ended each."""
        ...

    def connections(self, user_id: str) -> Sequence[OpenConnection]:
        """Return the user's connections that have not been closed as far as is known."""
        ...

    def end_session(self, session_id: str) -> int | None:
        """End the session and raise its epoch, so that no worker's write counts any more.

        Returns:
            The new epoch, None when there is no such session.
        """
        ...

    def items(self, user_id: str) -> Iterator[StoredItem]:
        """Yield the user's items, those that lead to others after them; never the tombstone.

        Openings come one by one, each after what it alone leads to, so that who deletes as they
        come need not begin anew.
        """
        ...

    def advance(
        self,
        erasure: Erasure,
        *,
        pending: Sequence[StoredItem] = (),
        settles_at_ms: int | None = None,
        finished_at_ms: int | None = None,
    ) -> Erasure:
        """Write down what comes next before it is done, and return the erasure as it is then.

        ``pending`` is counted as deleted; the pending items of before are deleted by now. A
        ``settles_at_ms`` of None keeps the one that is known.

        Raises:
            ErasureUnderWay: Somebody else has gone on with it meanwhile.
        """
        ...

    def delete(self, user_id: str, items: Sequence[StoredItem]) -> None:
        """Delete at most 25 items; a slot that is another user's by now is spared."""
        ...
