from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol

from repartee.domain.calls import CallKey, CoreRequest, Exchange


class CallClaim(Enum):
    """What became of asking for a call's key."""

    CLAIMED = auto()
    RUNNING = auto()


class CallStore(Protocol):
    """Remembers core_agent's calls by key, so that none runs twice.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def claim(self, request: CoreRequest, *, now_ms: int, until_ms: int) -> Exchange | CallClaim:
        """Claim the call's key before any model runs.

        Returns:
            CLAIMED when this caller is to run it, RUNNING while another does, the stored exchange
            when it is done. A claim past its ``until_ms`` may be claimed anew.

        Raises:
            LeaseLost: The request's epoch is not the session's any more.
        """
        ...

    def finish(self, conversation_id: str, exchange: Exchange) -> None:
        """Store the answer under the claimed key; a second answer for a key is dropped.

        So is the answer to a key that nobody claimed or whose claim was erased.
        """
        ...

    def load(self, conversation_id: str, key: CallKey) -> Exchange | None:
        """Return the finished exchange, or None while there is none."""
        ...

    def recent(self, conversation_id: str, *, limit: int) -> Sequence[Exchange]:
        """Return the last finished exchanges, oldest first."""
        ...
