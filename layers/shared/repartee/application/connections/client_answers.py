"""Posts the answers to one message of a client."""

from enum import StrEnum

from repartee.application.connections.admission import superseded_error
from repartee.domain.errors import BadInput, ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.protocol.answers import Answer, Busy, Rejected
from repartee.domain.protocol.ticket import ConnectionIdentity
from repartee.ports.clients import ClientChannel
from repartee.ports.sessions import ConnectionStore

# The limit of each connection. Its client has received an error for each refused message.
MAX_REFUSALS = 20
# A correct client can get these errors: its session has ended, another connection has its session,
# or another client has used its numbers.
_NO_FAULTS = ("session_ended", "superseded_connection", "seq_taken")


class Trouble(StrEnum):
    """Why a message was not fully handled; the client got an answer that says what to do."""

    MAILBOX_FAILED = "mailbox_failed"
    STATE_FAILED = "state_failed"
    WAKE_FAILED = "wake_failed"
    WAKE_UNSERVED = "wake_unserved"
    REPLY_FAILED = "reply_failed"
    COUNT_FAILED = "count_failed"


class ClientAnswers:
    """Posts answers to the client of one message, and counts its errors.

    Attributes:
        rejected: The code of the error that was posted to the client, "" for none.
        troubles: The troubles, in the order in which they occurred.
    """

    def __init__(
        self, channel: ClientChannel, connections: ConnectionStore, caller: ConnectionIdentity
    ):
        self._channel = channel
        self._connections = connections
        self._connection_id = caller.connection_id
        self.rejected = ""
        self.troubles: list[Trouble] = []

    def post(self, answer: Answer, *, to: str | None = None) -> None:
        """Send a reply to the message's connection, or to another one."""
        try:
            self._channel.post(to or self._connection_id, answer)
        except ConnectionGone:
            # The client has gone. ``$disconnect`` notifies its session.
            pass
        except (ClientTooSlow, StoreUnavailable):
            self.troubles.append(Trouble.REPLY_FAILED)

    def busy(self, trouble: Trouble, retry_after_ms: int, *, seq: int | None = None) -> None:
        """Ask the client to wait; ``seq`` names a message that was not kept."""
        self.troubles.append(trouble)
        self.post(Busy(retry_after_ms, seq))

    def reject(self, problem: BadInput, seq: int | None) -> None:
        """Post the error; close the connection if it is superseded or had too many errors."""
        self.rejected = problem.code
        self._explain(problem, seq)
        if problem.code == "superseded_connection":
            self._close(self._connection_id)
        elif problem.code not in _NO_FAULTS:
            self._count_refusal()

    def supersede(self, connection_id: str) -> None:
        """Post to another connection that this one replaces it, and close it."""
        self._explain(superseded_error(), None, to=connection_id)
        self._close(connection_id)

    def _explain(self, problem: BadInput, seq: int | None, *, to: str | None = None) -> None:
        self.post(
            Rejected(
                problem.code,
                str(problem),
                problem.retryable,
                problem.field,
                seq,
                problem.next_seq,
            ),
            to=to,
        )

    def _close(self, connection_id: str) -> None:
        try:
            self._channel.close(connection_id)
        except (ClientTooSlow, StoreUnavailable):
            self.troubles.append(Trouble.REPLY_FAILED)

    def _count_refusal(self) -> None:
        try:
            count = self._connections.count_refusal(self._connection_id)
        except StoreUnavailable:
            self.troubles.append(Trouble.COUNT_FAILED)
            return
        # Messages are handled in parallel, so others are refused while the connection closes.
        # Each multiple closes it again, in case the function died before the first close.
        if count and count % MAX_REFUSALS == 0:
            text = f"{MAX_REFUSALS} messages of this connection were refused: correct the client"
            self._explain(BadInput("too_many_errors", text), None)
            self._close(self._connection_id)
