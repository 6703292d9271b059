from collections.abc import Sequence
from typing import Protocol

from repartee.domain.messages import MailboxEntry, Notice, Numbered

# A client has 25 messages in flight; 200 of the longest take 3.2 MB, whoever floods its mailbox.
MAX_MESSAGES_READ = 200


class Mailbox(Protocol):
    """Holds what clients sent until a committed turn has consumed it.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def append(self, session_id: str, message: Numbered) -> bool:
        """Keep ``message`` unless one with its number is there; False when one was.

        An entry of any kind that nobody read for an hour counts as gone.
        """
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
