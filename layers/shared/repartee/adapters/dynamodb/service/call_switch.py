from dataclasses import dataclass
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoCallSwitch:
    """An item of LiveTable that exists while calls are stopped.

    Only the operator writes it; no function may.
    """

    session_table: DynamoTable

    def is_stopped(self) -> bool:
        """Return whether calls are stopped; False if the table does not answer, so calls go on."""
        try:
            return self.stopped_since() is not None
        except StoreUnavailable:
            return False

    def stopped_since(self) -> str | None:
        """Return the time at which calls were stopped, in RFC 3339; None if they are not.

        Raises:
            StoreUnavailable: The table failed beyond the retries.
        """
        # Workers read often, and a second's delay does not matter: this costs half.
        item = self.session_table.get_soon(keys.call_switch())
        return None if item is None else item.get("stopped_at", {"S": "unknown"})["S"]

    def stop(self, at: str) -> None:
        """Stop all calls, from this time in RFC 3339.

        Raises:
            StoreUnavailable: The table failed beyond the retries.
        """
        item: Item = {**keys.call_switch(), "stopped_at": {"S": at}}
        self.session_table.put(item)

    def allow(self) -> None:
        """Allow calls again.

        Raises:
            StoreUnavailable: The table failed beyond the retries.
        """
        self.session_table.delete(keys.call_switch())
