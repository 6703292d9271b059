"""The durable state of a session: who serves it, how far it is, what is still owed."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, auto

from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.protocol.messages import MAX_AHEAD, MAX_SEQ, OutputPosition
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.tools.core_calls import ToolCallKey

# The current one, the next one before it says hello, and one more that is not closed yet.
MAX_CONNECTIONS = 3
# A lease lasts 5 s and is renewed every 1.5 s, so a live worker's has 3.5 s left, less what a
# renewal takes. Who is woken at this point is up when the lease runs out.
EXPIRING_MS = 2_000


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A tool call that outlives its turn or its worker.

    Attributes:
        arguments_hash: SHA-256 of name and canonical arguments. It identifies a call.
    """

    key: ToolCallKey
    name: str
    arguments_json: str
    arguments_hash: str


@dataclass(frozen=True, slots=True)
class UndeliveredTurn:
    """A turn that was committed before the client had all of it.

    Attributes:
        ends_at: Where it ends in the session's output.
    """

    number: int
    ends_at: OutputPosition


@dataclass(frozen=True, slots=True, order=True)
class Connected:
    """A connection at its place among those of its session: the newest is the greatest.

    Attributes:
        at_ms: When API Gateway opened it, Unix time in ms; 0 where that is not known.
    """

    at_ms: int
    connection_id: str


NO_CONNECTION = Connected(0, "")


class ConnectionStanding(Enum):
    """The role of a connection in its session."""

    CURRENT = auto()
    SUPERSEDED = auto()
    UNGREETED = auto()


@dataclass(frozen=True, slots=True)
class SessionState:
    """One item per session; every write of a worker carries the condition ``epoch = mine``.

    Attributes:
        epoch: Raised by each worker that takes the lease, 0 before the first.
        owner: The worker that holds or last held the lease, None after a clean release.
        lease_until_ms: Unix time in ms at which the lease ends, 0 when released.
        cursor: Input up to this number is committed and never read again.
        ended: The session was closed for good; a new one continues the conversation.
        talk_ms: Sum of the times of its committed turns.
        cost_usd: What it has cost so far, by its commits and what was spent beside them.
        undelivered: The turns that were committed before the client had all of them, oldest first.
        marks_speech: Whether the newest client marks where speech begins and ends.
        greeted: The newest connection that said hello, ``NO_CONNECTION`` before the first; None
            where a
            version wrote the state that did not note that.
        taken: How far a worker has taken the input; None before the first, or where only workers
            of a version served that did not note that.
        open_connections: The connections that were opened last, the newest at the end.
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
    greeted: Connected | None = None
    taken: InputTaken | None = None
    open_connections: tuple[str, ...] = ()

    def standing_of(self, connection: Connected) -> ConnectionStanding:
        """Return a connection's standing; in a state that does not know, each one is current."""
        is_greeted = self.greeted and connection.connection_id == self.greeted.connection_id
        if self.greeted is None or is_greeted:
            return ConnectionStanding.CURRENT
        if connection < self.greeted:
            return ConnectionStanding.SUPERSEDED
        # A message function of the version before may have taken its hello.
        is_served = connection.connection_id == self.connection_id
        return ConnectionStanding.CURRENT if is_served else ConnectionStanding.UNGREETED

    @property
    def served_connection(self) -> Connected:
        """The connection that the worker before spoke over, as far as its place is known."""
        greeted = self.greeted or NO_CONNECTION
        return greeted if greeted.connection_id == self.connection_id else NO_CONNECTION

    @property
    def max_input_seq(self) -> int:
        """The highest number that a message may have now."""
        if self.taken is None and self.epoch:
            return MAX_SEQ
        return max(self.cursor, self.taken.through if self.taken else 0) + MAX_AHEAD

    @property
    def current_connection_id(self) -> str | None:
        """The connection that said hello last, None before the first hello."""
        if self.greeted is None:
            return self.connection_id
        return None if self.greeted == NO_CONNECTION else self.greeted.connection_id

    @property
    def needs_worker(self) -> bool:
        """Return whether a worker that comes now has something to say, whatever the mailbox holds.

        So it is after a worker that did not give its lease back, for calls that are open, for turns
        that the client may miss and no later worker has looked at, and for a connection that said
        hello and that no worker has served.
        """
        is_greeted = self.greeted not in (None, NO_CONNECTION)
        is_new_here = is_greeted and self.current_connection_id != self.connection_id
        is_missed = any(turn.ends_at.epoch == self.epoch for turn in self.undelivered)
        return self.owner is not None or bool(self.pending_calls) or is_missed or is_new_here

    def is_lease_held(self, now_ms: int) -> bool:
        """Return whether a worker serves this session at ``now_ms``."""
        return self.owner is not None and self.lease_until_ms > now_ms

    def is_lease_expiring(self, now_ms: int) -> bool:
        """Return whether a worker holds the lease that has missed renewals: it may be dead."""
        return self.is_lease_held(now_ms) and self.lease_until_ms <= now_ms + EXPIRING_MS


@dataclass(frozen=True, slots=True)
class Greeting:
    """The outcome of a connection's hello for its session.

    Attributes:
        state: The session then; ``greeted`` is a newer connection where that was there before.
        replaced_connection_id: Whose place the connection took, None where it is the first.
    """

    state: SessionState
    replaced_connection_id: str | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to serve a session until ``until_ms``.

    Attributes:
        state: The session as it was taken over, its ``epoch`` already this worker's.
        is_takeover: The worker before did not release: it died or was cut off.
        taken_at_ms: Unix time in ms at which it was taken: what is read under it is no older.
    """

    state: SessionState
    until_ms: int
    is_takeover: bool
    taken_at_ms: int = 0

    def with_pending_calls(self, calls: tuple[PendingCall, ...]) -> "Lease":
        """Return this lease with calls of earlier sessions added to those of its own."""
        own = self.state.pending_calls
        known = {call.key for call in own}
        added = tuple(call for call in calls if call.key not in known)
        return replace(self, state=replace(self.state, pending_calls=(*added, *own)))

    def is_superseded(self, conversation: Conversation) -> bool:
        """Return whether another session has the conversation now."""
        return conversation.live_session_id not in (None, self.state.session_id)


@dataclass(frozen=True, slots=True)
class WakeElection:
    """The outcome of asking to be the one who invokes a worker.

    Attributes:
        won: This caller invokes; everybody else within the window does not.
        unserved_since_ms: An earlier wake that no worker answered, else None.
    """

    won: bool
    unserved_since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionOpening:
    """All that ``$connect`` writes, in one transaction or not at all.

    Attributes:
        ticket_id: Spent by this opening; a second one with the same id is refused.
        ticket_expires_at_ms: When the spent mark may be forgotten.
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
        """Return which connections of the session make room for this one, oldest first.

        The session's current connection stays, however old it is.
        """
        too_many = len(state.open_connections) + 1 - self.max_connections
        current = state.current_connection_id
        others = [one for one in state.open_connections if one != current]
        return tuple(others[: max(0, too_many)])


@dataclass(frozen=True, slots=True)
class OpenedConnection:
    """The state that an opening found.

    Attributes:
        is_new_session: False when the connection came back to a session that existed.
        superseded_session_id: The session that held this conversation until now, if any.
        surplus_connection_ids: The session's oldest connections, above what it may have; the
            current one is not among them.
    """

    is_new_session: bool
    superseded_session_id: str | None = None
    surplus_connection_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """A session that counts as open.

    Attributes:
        connection_id: The newest connection that was opened for it.
        opened_at_ms: When that was, 0 where it is not known.
        expires_at_ms: When it stops to count, unless another connection is opened for it.
    """

    connection_id: str
    opened_at_ms: int
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class TurnCommit:
    """One turn and everything that moves with it, written in one transaction.

    Attributes:
        cursor: Input up to this number belongs to committed turns now.
        pending_calls: Calls that are still open after this turn.
        undelivered: The turns that the client has not got all of after this one, oldest first.
        core_bill: What of the turn's tokens and cost core_agent's models used, which it has counted
            by itself.
        taken: How far the input is taken; None leaves what is known of that.
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
        """The usage that this turn adds to the user's day and to its session."""
        return Bill(self.turn.usage, self.turn.cost_usd) - self.core_bill


@dataclass(frozen=True, slots=True)
class TurnAmendment:
    """Puts right what the user said in a committed turn; its transcript came after the commit.

    Attributes:
        epoch: That of the worker which asks.
        turn: The turn as it is known now.
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
        token: Names this spending, so that it is counted once however often it is written.
        epoch: That of the worker which spent it; None where no worker did.
    """

    user_id: str
    session_id: str
    token: str
    spent_at_ms: int
    tokens: TokenUsage
    cost_usd: Decimal
    epoch: int | None = None
