"""Decide who may open a WebSocket connection."""

from collections.abc import Sequence

from repartee.domain.protocol.origins import OriginPolicy
from repartee.domain.protocol.ticket import Ticket
from repartee.ports.runtime import Clock, TicketSigner


def authorize_connection(
    token: str,
    origins: Sequence[str],
    *,
    policy: OriginPolicy,
    signer: TicketSigner,
    clock: Clock,
) -> Ticket:
    """Return the ticket behind ``token``; it is good, but may have been spent already.

    Raises:
        OriginRefused: The client's page is not allowed to connect.
        TicketRefused: The ticket is not good.
        StoreUnavailable: The key could not be fetched.
    """
    policy.check(origins)
    return signer.verify(token, now_ms=clock.now_ms())
