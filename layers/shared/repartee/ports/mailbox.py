from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol

from repartee.domain.protocol.messages import MailboxEntry, Notice, Numbered

# A client has 25 messages in flight; 200 of the longest take 3.2 MB, whoever floods its mailbox.
MAX_MESSAGES_READ = 200


class Appended(Enum):
    """The result of ``append``.

    If the table's answer was lost, a message that was kept may look like its own repetition.
    """

    KEPT = auto()
    REPEATED = auto()
    TAKEN = auto()  # another message has its number


class Mailbox(Protocol):
    """Holds what clients sent until a committed turn has consumed it.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def append(self, session_id: str, message: Numbered) -> Appended:
        """Keep ``message`` unless a message with its number exists.

        A repetition over another connection replaces the first message, so ``retract_message`` of
        the
        first one keeps the repetition. An entry that was not read for an hour counts as deleted.
        """
        ...

    def retract_message(self, session_id: str, message: Numbered) -> None:
        """Delete a message that was kept but must not be read, unless it was repeated since."""
        ...

    def highest_seq(self, session_id: str, *, up_to: int) -> int:
        """Return the highest number of a message up to ``up_to``, 0 if there is no message."""
        ...

    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        """Leave a notice; an ``Acknowledged`` replaces an older one and never a newer one.

        Newer is, in this order: more received, a later turn playing, more of it played.

        Returns:
            What ``delete`` calls this notice.
        """
        ...

    def read_after(self, session_id: str, seq: int) -> Sequence[MailboxEntry]:
        """Return numbered messages above ``seq`` in order, then all notices.

        Of the messages at most the first ``MAX_MESSAGES_READ``; who has taken them asks again.
        """
        ...

    def delete(self, session_id: str, seqs: Sequence[int], notice_ids: Sequence[str]) -> None:
        """Forget consumed entries; those that are gone already are no error.

        An acknowledgement that a newer one has replaced since it was read stays.
        """
        ...
