from typing import Protocol

from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.state import Connected, Greeting, Lease, SessionState, WakeElection


class SessionStore(Protocol):
    """Keeps each session's state, lease and wake. Every read is strongly consistent.

    A session's cursor never moves back, whatever cursor a call brings.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def load(self, session_id: str) -> SessionState | None:
        """Return the session's state, or None where there is none."""
        ...

    def elect_waker(self, session_id: str, now_ms: int) -> WakeElection:
        """Let exactly one caller per window of 3 s invoke a worker.

        Taking or releasing the lease ends the window, so an older wake that is still there went
        unserved.
        """
        ...

    def forget_wake(self, session_id: str) -> None:
        """Take back an election, of a session that turned out to be over."""
        ...

    def acquire_lease(
        self, session_id: str, *, owner: str, now_ms: int, until_ms: int
    ) -> Lease | None:
        """Take the lease and raise the epoch; None while another holds it or no session is.

        An ended session has no lease. Asking again with the same ``owner`` and ``until_ms``, as
        after an answer that was lost, gives the same lease; so an owner's name is used once.
        """
        ...

    def greet(self, session_id: str, connection: Connected) -> Greeting | None:
        """Make the connection of a ``hello`` current, unless a newer connection is current.

        A repeated ``hello`` changes nothing. Nothing is written to a session that has ended.

        Returns:
            The state after that; None if there is no such session.
        """
        ...

    def renew_lease(
        self,
        session_id: str,
        *,
        epoch: int,
        until_ms: int,
        cursor: int,
        taken: InputTaken | None = None,
    ) -> None:
        """Hold the lease until ``until_ms``; input up to ``cursor`` need not be read again.

        The stored ``taken`` stays as it is without a new one, or if the stored cursor is higher.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        ...

    def set_connection(
        self, session_id: str, *, epoch: int, connection_id: str | None, marks_speech: bool = False
    ) -> None:
        """Record which connection is the session's current one, and how its client behaves.

        Without a connection, what is known of the client stays.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        ...

    def release_lease(
        self,
        session_id: str,
        *,
        epoch: int,
        cursor: int,
        ended: bool,
        taken: InputTaken | None = None,
    ) -> None:
        """Give the lease back at ``cursor``; ``ended`` closes the session for good.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        ...
