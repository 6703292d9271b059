"""Ports of sessions: their state and lease, connections, openings, mailbox and recordings."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Protocol

from repartee.domain.protocol.messages import MailboxEntry, Notice, Numbered
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.state import (
    ActiveSession,
    Connected,
    ConnectionOpening,
    HelloOutcome,
    Lease,
    OpenedConnection,
    SessionState,
    UndeliveredTurn,
    WakeElection,
)


class SessionStore(Protocol):
    """Keeps each session's state, lease and wake. Every read is strongly consistent.

    A session's cursor never moves back, whatever cursor a call brings.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def load(self, session_id: str) -> SessionState | None:
        """Return the session's state, None if there is none."""
        ...

    def elect_waker(self, session_id: str, now_ms: int) -> WakeElection:
        """Let exactly one caller per window of 3 s invoke a worker.

        Taking or releasing the lease ends the window and deletes the wake. So an older wake that is
        still stored was not served.
        """
        ...

    def forget_wake(self, session_id: str) -> None:
        """Delete the election of a session that is over."""
        ...

    def acquire_lease(
        self, session_id: str, *, owner: str, now_ms: int, until_ms: int
    ) -> Lease | None:
        """Take the lease and raise the epoch; return None if it is held or there is no session.

        An ended session has no lease. A repetition with the same ``owner`` and ``until_ms``, after
        a lost answer, returns the same lease; so each call needs a new owner.
        """
        ...

    def accept_hello(self, session_id: str, connection: Connected) -> HelloOutcome | None:
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

        The stored ``taken`` does not change if the new one is None or the stored cursor is higher.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        ...

    def set_connection(
        self,
        session_id: str,
        *,
        epoch: int,
        connection_id: str | None,
        marks_speech: bool = False,
        features: tuple[str, ...] = (),
    ) -> None:
        """Record which connection is the session's current one, and how its client behaves.

        Without a connection, the stored properties of the client stay.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        ...

    def set_undelivered(
        self, session_id: str, *, epoch: int, turns: tuple[UndeliveredTurn, ...]
    ) -> None:
        """Record which committed turns the client has not fully received, oldest first.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        ...

    def end_greeting(self, session_id: str, *, epoch: int) -> None:
        """Record that the agent's greeting is over in this session.

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


class ConnectionStore(Protocol):
    """Keeps open connections and the sessions that count as open.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def close(self, connection_id: str) -> str | None:
        """Forget the connection; return its session's id, None for an unknown connection."""
        ...

    def count_refusal(self, connection_id: str) -> int:
        """Count a message of the connection that was refused; return how many there were.

        Returns 0 for a connection that is closed.
        """
        ...

    def active_sessions(self, user_id: str, *, now_ms: int) -> Mapping[str, ActiveSession]:
        """Return the user's open sessions, by their ids.

        A session counts as closed if no connection was opened for it within API Gateway's 2 h, or
        if its expiry has passed.
        """
        ...

    def set_session_expiry(
        self, user_id: str, session_id: str, *, connection_id: str, expires_at_ms: int
    ) -> None:
        """Let a session count as open until ``expires_at_ms`` only: its connection is gone.

        Nothing changes if ``connection_id`` is not the session's newest connection. When another
        one is opened, the session counts again, if the cap has room for it.
        """
        ...

    def end_session(self, user_id: str, session_id: str) -> None:
        """Remove a session from its user's active sessions."""
        ...


class OpeningStore(Protocol):
    """Binds connections to sessions and spends tickets.

    Raises ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def open(self, opening: ConnectionOpening) -> OpenedConnection:
        """Spend the ticket, write the connection, create or find the session: all or nothing.

        A session that does not count as open needs room under the user's cap: a new session, and
        one whose client comes back late. A new session becomes the conversation's live one. A new
        conversation is created.

        Raises:
            ConnectionRefused: ``ticket_spent`` 403, ``too_many_sessions`` 429, ``session_ended``
                409, ``session_of_another_user`` 403, ``superseded`` 409, ``user_erased`` 403,
                ``conversation_erased`` 403. Only a successful opening spends the ticket.
        """
        ...


# A client has 25 messages in flight. A full read of the longest takes 3.2 MB.
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

        A repetition over another connection replaces the first message, so ``retract_message``
        for the first one keeps the repetition. An entry that was not read for an hour counts as
        deleted.
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

        An acknowledgement is newer if its client has received more, or plays a later turn, or has
        played more of the same turn.

        Returns:
            The notice's id, for ``delete``.
        """
        ...

    def read_after(self, session_id: str, seq: int) -> Sequence[MailboxEntry]:
        """Return numbered messages above ``seq`` in order, then all notices.

        At most ``MAX_MESSAGES_READ`` messages are returned; call it again for the next ones.
        """
        ...

    def delete(self, session_id: str, seqs: Sequence[int], notice_ids: Sequence[str]) -> None:
        """Delete consumed entries; missing ones are no error.

        An acknowledgement stays if a newer one has replaced it since it was read.
        """
        ...


class SessionRecorder(Protocol):
    """Keeps recordings of sessions for debugging; they contain what people said."""

    @property
    def wants_audio(self) -> bool:
        """Return whether recordings include the audio."""
        ...

    def append(self, recording: str, line: str) -> None:
        """Add a line to a recording; never raises, because no session may fail for its recording.

        Args:
            recording: The recording's name: letters, digits, ``-`` and ``_``.
            line: The line without a line break.
        """
        ...
