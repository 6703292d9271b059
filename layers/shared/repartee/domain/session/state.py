"""The durable state of a session: its lease, its cursor, its connection and its open calls."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, auto

from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.protocol.messages import MAX_AHEAD, MAX_SEQ, OutputPosition
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.tools.core_calls import ToolCallKey

# The current connection, the next one before its hello, and one more that is not closed yet.
MAX_CONNECTIONS = 3
# A lease lasts 5 s and is renewed every 1.5 s, so the lease of a live worker has about 3.5 s left.
# A worker woken now is ready when the lease expires.
EXPIRING_MS = 2_000


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A tool call that outlives its turn or its worker.

    Attributes:
        arguments_hash: SHA-256 of the name and the canonical arguments.
    """

    key: ToolCallKey
    name: str
    arguments_json: str
    arguments_hash: str


@dataclass(frozen=True, slots=True)
class UndeliveredTurn:
    """A turn that was committed before the client had all of it.

    Attributes:
        ends_at: Where the turn ends in the session's output.
    """

    number: int
    ends_at: OutputPosition


@dataclass(frozen=True, slots=True, order=True)
class Connected:
    """A connection of a session. Connections are ordered by age, the newest is the greatest.

    Attributes:
        at_ms: When API Gateway opened it, Unix time in ms; 0 if that is not known.
    """

    at_ms: int
    connection_id: str


NO_CONNECTION = Connected(0, "")


class ConnectionStanding(Enum):
    """The role of a connection in its session."""

    CURRENT = auto()
    SUPERSEDED = auto()
    BEFORE_HELLO = auto()


@dataclass(frozen=True, slots=True)
class SessionState:
    """The state item of a session. Each write of a worker has the condition ``epoch = mine``.

    Attributes:
        connection_id: The connection that the last worker served, None without one.
        epoch: The number of leases so far. Each worker that takes the lease raises it.
        owner: The worker that holds or last held the lease, None after a clean release.
        lease_until_ms: Unix time in ms at which the lease ends, 0 after a release.
        cursor: The last input message that no later worker needs.
        ended: Whether the session is over. A new session continues the conversation.
        pending_calls: The open tool calls of committed turns.
        talk_ms: Total time of the committed turns.
        cost_usd: Total cost of the commits and of the spending outside commits.
        undelivered: The turns that were committed before the client had all of them, oldest first.
        marks_speech: Whether the newest client marks where speech begins and ends.
        newest_hello: The newest connection that said hello, ``NO_CONNECTION`` before the first.
            None if an older version, which did not record this, wrote the state.
        taken: The input that a worker has taken so far. None before the first worker, or if only
            workers of older versions, which did not record this, served the session.
        open_connections: The most recently opened connections, the newest last.
        is_greeting_over: Whether the agent has greeted first, or must not do so any more.
        features: The features that the newest client lists.
    """

    session_id: str
    user_id: str
    conversation_id: str
    connection_id: str | None
    epoch: int = 0
    owner: str | None = None
    lease_until_ms: int = 0
    cursor: int = 0
    ended: bool = False
    pending_calls: tuple[PendingCall, ...] = ()
    talk_ms: int = 0
    cost_usd: Decimal = Decimal(0)
    undelivered: tuple[UndeliveredTurn, ...] = ()
    marks_speech: bool = False
    newest_hello: Connected | None = None
    taken: InputTaken | None = None
    open_connections: tuple[str, ...] = ()
    is_greeting_over: bool = False
    features: tuple[str, ...] = ()

    def standing_of(self, connection: Connected) -> ConnectionStanding:
        """Return the standing of a connection; if no hello is recorded, each one is current."""
        newest = self.newest_hello
        if newest is None or connection.connection_id == newest.connection_id:
            return ConnectionStanding.CURRENT
        if connection < newest:
            return ConnectionStanding.SUPERSEDED
        # A message function of the previous version may have handled its hello.
        is_served = connection.connection_id == self.connection_id
        return ConnectionStanding.CURRENT if is_served else ConnectionStanding.BEFORE_HELLO

    @property
    def served_connection(self) -> Connected:
        """Return the connection that the last worker served, if its age is known."""
        newest = self.newest_hello or NO_CONNECTION
        return newest if newest.connection_id == self.connection_id else NO_CONNECTION

    @property
    def max_input_seq(self) -> int:
        """Return the highest number that a message may have now."""
        if self.taken is None and self.epoch:
            return MAX_SEQ
        return max(self.cursor, self.taken.through if self.taken else 0) + MAX_AHEAD

    @property
    def current_connection_id(self) -> str | None:
        """Return the newest connection that said hello, None before the first ``hello``."""
        if self.newest_hello is None:
            return self.connection_id
        return None if self.newest_hello == NO_CONNECTION else self.newest_hello.connection_id

    @property
    def needs_worker(self) -> bool:
        """Return whether a worker is needed even if the mailbox is empty.

        It is needed after a worker that did not release its lease, for open calls, for turns that
        the client may lack and that no later worker has checked, and for a connection that said
        hello and has not been served.
        """
        said_hello = self.newest_hello not in (None, NO_CONNECTION)
        is_new_here = said_hello and self.current_connection_id != self.connection_id
        is_missed = any(turn.ends_at.epoch == self.epoch for turn in self.undelivered)
        return self.owner is not None or bool(self.pending_calls) or is_missed or is_new_here

    def is_lease_held(self, now_ms: int) -> bool:
        """Return whether a worker serves this session at ``now_ms``."""
        return self.owner is not None and self.lease_until_ms > now_ms

    def is_lease_expiring(self, now_ms: int) -> bool:
        """Return whether the lease is held but renewals were missed, so the worker may be dead."""
        return self.is_lease_held(now_ms) and self.lease_until_ms <= now_ms + EXPIRING_MS


@dataclass(frozen=True, slots=True)
class HelloOutcome:
    """The outcome of a connection's hello for its session.

    Attributes:
        state: The session after the hello. Its ``newest_hello`` may be another, newer connection.
        replaced_connection_id: The connection that this one replaced, None if it is the first.
    """

    state: SessionState
    replaced_connection_id: str | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to serve a session until ``until_ms``.

    Attributes:
        state: The session at the start of the lease, with this worker's ``epoch``.
        is_takeover: Whether the previous worker did not release the lease, because it died or was
            cut off.
        taken_at_ms: Unix time in ms at which the lease was taken. Data read later is no older.
        previous_until_ms: Unix time in ms at which the previous worker's lease ended, 0 if that is
            not known.
    """

    state: SessionState
    until_ms: int
    is_takeover: bool
    taken_at_ms: int = 0
    previous_until_ms: int = 0

    def with_pending_calls(self, calls: tuple[PendingCall, ...]) -> "Lease":
        """Return this lease with the calls of earlier sessions added to its calls."""
        own = self.state.pending_calls
        known = {call.key for call in own}
        added = tuple(call for call in calls if call.key not in known)
        return replace(self, state=replace(self.state, pending_calls=(*added, *own)))

    def is_superseded(self, conversation: Conversation) -> bool:
        """Return whether another session has the conversation now."""
        return conversation.live_session_id not in (None, self.state.session_id)


@dataclass(frozen=True, slots=True)
class WakeElection:
    """The outcome of an election of the caller that invokes a worker.

    Attributes:
        won: Whether this caller invokes the worker. Within the window only one caller does.
        unserved_since_ms: When an earlier wake was sent that no worker answered, None without one.
    """

    won: bool
    unserved_since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionOpening:
    """The writes of ``$connect``, which are one transaction.

    Attributes:
        ticket_id: The ticket that this opening spends. A second opening with it is refused.
        ticket_expires_at_ms: When the record of the spent ticket may be deleted.
        max_sessions: How many sessions this user may have at once.
        max_connections: How many connections this session may have at once.
    """

    connection_id: str
    user_id: str
    session_id: str
    conversation_id: str
    ticket_id: str
    ticket_expires_at_ms: int
    opened_at_ms: int
    max_sessions: int
    max_connections: int = MAX_CONNECTIONS

    def surplus_connections(self, state: SessionState) -> tuple[str, ...]:
        """Return the connections of the session to close for this one, oldest first.

        The session's current connection is not among them, even if it is the oldest.
        """
        too_many = len(state.open_connections) + 1 - self.max_connections
        current = state.current_connection_id
        others = [one for one in state.open_connections if one != current]
        return tuple(others[: max(0, too_many)])


@dataclass(frozen=True, slots=True)
class OpenedConnection:
    """The state that an opening found.

    Attributes:
        is_new_session: Whether the session is new. False if the client returned to a session.
        superseded_session_id: The session that had this conversation before, None without one.
        surplus_connection_ids: The session's oldest connections beyond the limit, without the
            current one.
    """

    is_new_session: bool
    superseded_session_id: str | None = None
    surplus_connection_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """A session that counts as open.

    Attributes:
        connection_id: The newest connection that was opened for it.
        opened_at_ms: When that connection was opened, 0 if it is not known.
        expires_at_ms: When the session stops counting, unless another connection is opened for it.
    """

    connection_id: str
    opened_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class TurnCommit:
    """One turn and all changes that are written with it, in one transaction.

    Attributes:
        cursor: The last input message that no later worker needs after this commit.
        pending_calls: The calls that are open after this turn.
        undelivered: The committed turns that the client has not fully received, oldest first.
        core_bill: The part of the turn's tokens and cost that core_agent has counted.
        taken: The input that is taken so far, None to keep the stored value.
    """

    user_id: str
    conversation_id: str
    session_id: str
    epoch: int
    turn: Turn
    cursor: int
    committed_at_ms: int
    pending_calls: tuple[PendingCall, ...] = ()
    undelivered: tuple[UndeliveredTurn, ...] = ()
    core_bill: Bill = field(default_factory=Bill)
    taken: InputTaken | None = None

    @property
    def uncounted_bill(self) -> Bill:
        """Return the usage that this turn adds to the user's day and to its session."""
        return Bill(self.turn.usage, self.turn.cost_usd) - self.core_bill


@dataclass(frozen=True, slots=True)
class TurnAmendment:
    """A correction of the user's transcript in a committed turn.

    Attributes:
        epoch: The epoch of the worker that writes it.
        turn: The corrected turn.
    """

    user_id: str
    conversation_id: str
    session_id: str
    epoch: int
    turn: Turn


@dataclass(frozen=True, slots=True)
class Spending:
    """The usage of a session that no commit counts.

    Attributes:
        token: The key of this spending, so that repeated writes count it once.
        epoch: The epoch of the worker that spent it, None without a worker.
    """

    user_id: str
    session_id: str
    token: str
    spent_at_ms: int
    tokens: TokenUsage
    cost_usd: Decimal
    epoch: int | None = None
