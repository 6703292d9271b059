from typing import Protocol

from repartee.domain.protocol.ticket import Ticket


class TicketSigner(Protocol):
    """Turns tickets into text that only a holder of the key can make, and back.

    Both methods raise ``StoreUnavailable`` when the key cannot be fetched.
    """

    def issue(self, ticket: Ticket) -> str:
        """Return the ticket signed, in characters that a URL's query takes as they are."""
        ...

    def verify(self, token: str, *, now_ms: int) -> Ticket:
        """Return the ticket that was signed.

        Raises:
            TicketRefused: ``malformed``, ``forged``, ``expired`` or ``wrong_audience``.
        """
        ...
