from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from repartee.domain.users.erasure import Erasure, OpenConnection, StoredItem


class ErasureStore(Protocol):
    """Finds and deletes all that is kept of a user, or of one conversation, in every table.

    A ``conversation_id`` of None means all that is the user's. With one, the user's profile, notes,
    days of usage, bookings and other conversations are left alone.

    All methods raise ``StoreUnavailable`` when a table fails beyond the retries.
    """

    def find(self, user_id: str, conversation_id: str | None = None) -> Erasure | None:
        """Return how far the erasure is, None when it was never asked for."""
        ...

    def begin(self, user_id: str, *, now_ms: int, conversation_id: str | None = None) -> Erasure:
        """Set the tombstone, or return the existing one.

        It replaces the profile or the conversation's header. After that, every other port refuses
        to write for this user or in this conversation. Sessions that were open before are the
        exception, so they have to be ended. A conversation's tombstone expires
        ``HEADER_MARGIN_S`` after the erasure was finished.

        Raises:
            ConversationUnknown: The user has no such conversation.
        """
        ...

    def sessions(self, user_id: str, conversation_id: str | None = None) -> Mapping[str, bool]:
        """Return the sessions by id, and whether ``end_session`` has ended each."""
        ...

    def connections(
        self, user_id: str, conversation_id: str | None = None
    ) -> Sequence[OpenConnection]:
        """Return the connections that have not been closed as far as is known."""
        ...

    def end_session(self, session_id: str) -> int | None:
        """End the session and raise its epoch, so that no worker's write counts any more.

        Returns:
            The new epoch, None when there is no such session.
        """
        ...

    def items(self, user_id: str, conversation_id: str | None = None) -> Iterator[StoredItem]:
        """Yield the items, those that lead to others after them; never the tombstone.

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
