from typing import Protocol

from repartee.domain.session.state import ConnectionOpening, OpenedConnection


class OpeningStore(Protocol):
    """Binds connections to sessions and spends tickets.

    Raises ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def open(self, opening: ConnectionOpening) -> OpenedConnection:
        """Spend the ticket, write the connection, make or find the session: all or nothing.

        A session that does not count as open yet must find room under the user's cap, a new one
        and one that is come back to late. A new session becomes the conversation's live one, and
        the conversation is made if new.

        Raises:
            ConnectionRefused: ``ticket_spent`` 403, ``too_many_sessions`` 429, ``session_ended``
                409, ``session_of_another_user`` 403, ``superseded`` 409, ``user_erased`` 403.
                The ticket is spent only by an opening that succeeds.
        """
        ...
