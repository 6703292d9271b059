"""Ports of users: preferences, notes, usage, records for export, erasure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Protocol

from repartee.domain.conversation.conversation import Conversation
from repartee.domain.cost.limits import DayUsage
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.session.state import Spending
from repartee.domain.users.erasure import Erasure, OpenConnection, StoredItem
from repartee.domain.users.export import Entry
from repartee.domain.users.notes import Note
from repartee.domain.users.preferences import PreferenceChanges, Profile


class ProfileStore(Protocol):
    """Keeps users' preferences.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def load(self, user_id: str) -> Profile:
        """Return the user's profile, an empty one where nothing was ever set."""
        ...

    def change(
        self, user_id: str, changes: PreferenceChanges, replaces: PreferenceChanges | None = None
    ) -> Profile:
        """Change what ``changes`` names and nothing else; return the profile as it is then.

        With ``replaces``, nothing changes unless these are still the stored values.

        Raises:
            UserErased: The user's tombstone is set.
        """
        ...


class Notes(Protocol):
    """Keeps what users want remembered.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def add(self, user_id: str, text: str, *, noted_at_ms: int) -> Note:
        """Keep ``text``; a text that is kept already is not kept twice.

        Raises:
            NotesFull: There is no room for another one.
            UserErased: The user's tombstone is set.
        """
        ...

    def newest(self, user_id: str, *, limit: int, before: str | None = None) -> Sequence[Note]:
        """Return the user's last ``limit`` notes, the newest first.

        With ``before``, only ids that sort before it. That note may be deleted already.
        """
        ...

    def remove(self, user_id: str, note_id: str) -> None:
        """Forget one note.

        Raises:
            NoteUnknown: The user has no such note.
        """
        ...


class UsageStore(Protocol):
    """Counts what users use, by UTC day. A turn's commit counts it, less what core_agent has.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def of_day(self, user_id: str, day: date) -> DayUsage:
        """Return what the user has used on ``day``, every commit before this call included."""
        ...

    def days(self, user_id: str, *, limit: int) -> Sequence[DayUsage]:
        """Return the user's newest days on which something was used, the newest first."""
        ...

    def add(self, spending: Spending) -> None:
        """Count what no commit counts, in the day and in its session; once per token.

        Raises:
            UserErased: The user's tombstone is set: nothing was counted.
            LeaseLost: The session's epoch has moved on from the spending's: nothing was counted.
        """
        ...


class UserRecords(Protocol):
    """Reads all of a user's conversations to their ends, for handing them out.

    All methods raise ``StoreUnavailable`` when a table fails beyond the retries; what is yielded
    is read as it is asked for.
    """

    def conversations(self, user_id: str, *, first: str = "") -> Iterator[Conversation]:
        """Yield the user's conversations by their ids, those before ``first`` left out.

        They come without their summaries.
        """
        ...

    def entries(self, conversation_id: str, *, after: str = "") -> Iterator[Entry]:
        """Yield a conversation's calls, summary and turns, those up to ``after`` left out.

        It asks nobody whose conversation it is: the id has to come from ``conversations``.
        """
        ...

    def bookings(self, user_id: str) -> Sequence[Booking]:
        """Return the user's bookings in order of time."""
        ...


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
