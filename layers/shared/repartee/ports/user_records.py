from collections.abc import Iterator, Sequence
from typing import Protocol

from repartee.domain.conversation.conversation import Conversation
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.users.export import Entry


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
