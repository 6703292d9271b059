from collections.abc import Sequence
from enum import Enum, auto
from typing import Protocol

from repartee.domain.tools.core_calls import Attempt, BegunTool, CoreRequest, Exchange, ToolCallKey


class ToolCallClaim(Enum):
    """What became of asking for a call's key."""

    CLAIMED = auto()
    CLAIMED_AGAIN = auto()
    RUNNING = auto()


class ToolCallStore(Protocol):
    """Remembers core_agent's calls by key, so that none runs twice.

    A call is named by its place in the turn and by what it asks. At one place only one runs at a
    time: a replayed turn that asks in other words waits for what the turn before asked there.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def claim(
        self, request: CoreRequest, *, now_ms: int, until_ms: int
    ) -> Exchange | ToolCallClaim:
        """Claim the call's key before any model runs.

        Returns:
            CLAIMED when this caller is to run it; CLAIMED_AGAIN when moreover this place was run
            before, in other words or not to its end, see ``attempts``; RUNNING while another run
            has the place; the stored exchange when the same was asked and is done. A claim past
            its ``until_ms``, or of the run that the request names as ended, may be claimed anew.

        Raises:
            LeaseLost: The request's epoch is not the session's any more.
        """
        ...

    def attempts(self, conversation_id: str, turn: int) -> Sequence[Attempt]:
        """Return what was asked and begun in a turn, oldest place first.

        A run that is still going on is among them, as far as it has come.
        """
        ...

    def begin_tool(
        self, conversation_id: str, key: ToolCallKey, arguments_hash: str, tool: BegunTool
    ) -> None:
        """Note that the claimed call is about to run a tool that may change something.

        Raises:
            ClaimLost: The claim is another's, or gone; the tool must not run.
        """
        ...

    def finish(self, conversation_id: str, exchange: Exchange) -> None:
        """Store the answer under the claimed key; a second answer for a key is dropped.

        So is the answer to a key that nobody claimed, that is claimed for another question
        meanwhile, or whose claim was erased.

        Raises:
            ItemTooLarge: It is more than an item may hold; nothing is written.
        """
        ...

    def load(self, conversation_id: str, key: ToolCallKey) -> Exchange | None:
        """Return the place's newest exchange, or None while that is not finished."""
        ...

    def recent(self, conversation_id: str, *, limit: int) -> Sequence[Exchange]:
        """Return the last finished exchanges, oldest first.

        Where a place was run twice, both are among them.
        """
        ...
