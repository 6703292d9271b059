"""Ports of users: preferences, notes, usage, records for export, erasure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Protocol

from repartee.domain.conversation.conversation import Conversation
from repartee.domain.cost.limits import DayUsage
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.session.state import Spending
from repartee.domain.users.erasure import Erasure, OpenConnection, StoredItem
from repartee.domain.users.export import Entry, ToolRecord
from repartee.domain.users.notes import Note
from repartee.domain.users.preferences import PreferenceChanges, Profile


class ProfileStore(Protocol):
    """Keeps users' preferences.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def load(self, user_id: str) -> Profile:
        """Return the user's profile, an empty one if no preference was ever set."""
        ...

    def change(
        self, user_id: str, changes: PreferenceChanges, replaces: PreferenceChanges | None = None
    ) -> Profile:
        """Change the preferences in ``changes`` and no others; return the changed profile.

        With ``replaces``, nothing changes unless these are still the stored values.

        Raises:
            UserErased: The user's tombstone is set.
        """
        ...


class Notes(Protocol):
    """Keeps users' notes.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def add(self, user_id: str, text: str, *, noted_at_ms: int) -> Note:
        """Store ``text``, unless a note with this text exists; return the note.

        Raises:
            NotesFull: The user has ``MAX_NOTES`` notes.
            UserErased: The user's tombstone is set.
        """
        ...

    def newest(self, user_id: str, *, limit: int, before: str | None = None) -> Sequence[Note]:
        """Return the user's last ``limit`` notes, the newest first.

        With ``before``, the ids of the notes sort before it. A note with that id need not exist.
        """
        ...

    def remove(self, user_id: str, note_id: str) -> None:
        """Forget one note.

        Raises:
            NoteUnknown: The user has no such note.
        """
        ...


class UsageStore(Protocol):
    """Counts users' usage by UTC day. The commit of a turn counts its usage, without core_agent's.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def of_day(self, user_id: str, day: date) -> DayUsage:
        """Return what the user has used on ``day``, every commit before this call included."""
        ...

    def days(self, user_id: str, *, limit: int) -> Sequence[DayUsage]:
        """Return the user's newest days on which something was used, the newest first."""
        ...

    def add(self, spending: Spending) -> None:
        """Count a spending that no commit counts, in its day and its session; once per token.

        Raises:
            UserErased: The user's tombstone is set: nothing was counted.
            LeaseLost: The session's epoch has moved on from the spending's: nothing was counted.
        """
        ...


class UserRecords(Protocol):
    """Reads all of a user's conversations, for the export.

    All methods raise ``StoreUnavailable`` when a table fails beyond the retries. Iterators read as
    they are consumed.
    """

    def conversations(self, user_id: str, *, first: str = "") -> Iterator[Conversation]:
        """Yield the user's conversations from ``first``, in the order of their ids.

        They have no summaries.
        """
        ...

    def entries(self, conversation_id: str, *, after: str = "") -> Iterator[Entry]:
        """Yield a conversation's calls, summary and turns that come after ``after``.

        The owner is not checked: the id must come from ``conversations``.
        """
        ...

    def bookings(self, user_id: str) -> Sequence[Booking]:
        """Return the user's bookings in order of time."""
        ...

    def tool_records(self, user_id: str, *, after: str = "") -> Iterator[ToolRecord]:
        """Yield the tool records of the user whose ``place`` comes after ``after``, in order."""
        ...


class ErasureStore(Protocol):
    """Finds and deletes the data of a user, or of one conversation, in every table.

    A ``conversation_id`` of None means all data of the user. With one, the user's profile, notes,
    days of usage, bookings, tool records and other conversations are left alone.

    All methods raise ``StoreUnavailable`` when a table fails beyond the retries.
    """

    def find(self, user_id: str, conversation_id: str | None = None) -> Erasure | None:
        """Return the erasure and its progress, None if there was no request for it."""
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
        """Return the connections that are not known to be closed."""
        ...

    def end_session(self, session_id: str) -> int | None:
        """End the session and raise its epoch, so that no worker can write for it.

        Returns:
            The new epoch, None if there is no such session.
        """
        ...

    def items(self, user_id: str, conversation_id: str | None = None) -> Iterator[StoredItem]:
        """Yield the items, each after the items that it leads to; never the tombstone.

        Openings come one by one, each after the items that only it leads to. So a deletion in
        this order can be interrupted and continued.
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
        """Store the next step before it is carried out; return the advanced erasure.

        ``pending`` is counted as deleted; the earlier pending items have been deleted. A
        ``settles_at_ms`` of None keeps the stored time.

        Raises:
            ErasureUnderWay: Another request has continued the erasure.
        """
        ...

    def delete(self, user_id: str, items: Sequence[StoredItem]) -> None:
        """Delete at most 25 items, but no slot that another user has booked since."""
        ...
