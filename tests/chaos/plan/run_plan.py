"""What goes wrong in a run, when, and in which conversation."""

from dataclasses import dataclass
from enum import StrEnum

from local.hosting.table_faults import TableFault, TableRule


class FaultKind(StrEnum):
    """A kind of fault; each counts when it really happened."""

    WORKER_KILLED = "worker killed"
    WORKER_FROZEN = "worker frozen, woken after its lease was taken"
    HAND_OVER = "worker's time ran out"
    FORCED_HAND_OVER = "worker's time was up in mid-turn"
    NO_WORKER = "wake that found no worker"
    CORE_KILLED = "core agent killed"
    BARGED_IN = "user spoke over a reply"
    SECOND_DEVICE = "second device took over"
    LINE_DROPPED = "client line dropped"
    REORDERED = "message overtaken by a later one"
    DUPLICATED = "message delivered twice"
    DISCONNECT_LOST = "$disconnect lost"
    POST_REFUSED = "post refused with 429"
    EVENT_DOUBLED = "invoke delivered twice"
    TABLE_THROTTLED = "table throttled"
    TABLE_CONFLICT = "transaction conflict"
    TABLE_UNREACHED = "line to the table broken before a request"
    TABLE_AMBIGUOUS = "line to the table broken after a write"
    TABLE_SLOW = "table slow"
    GEMINI_1001 = "Gemini closed with 1001"
    GEMINI_1006 = "Gemini gone without a word (1006)"
    GEMINI_1011 = "Gemini closed with 1011"
    GEMINI_GO_AWAY = "Gemini goAway"
    GEMINI_GO_AWAY_EARLY = "Gemini goAway one second into a session"
    GEMINI_BUSY = "Gemini busy at set-up"
    GEMINI_QUOTA = "Gemini over its quota until given up"
    GEMINI_1007 = "Gemini refused the set-up with 1007"
    GEMINI_1008 = "Gemini refused the set-up with 1008"
    GEMINI_LOST_SEED = "Gemini lost what it was told before"
    GEMINI_UNKNOWN = "Gemini message of an unknown kind"
    GEMINI_CALL_TWICE = "Gemini's tool call doubled"
    GEMINI_STALL = "Gemini's turn without an end"
    GEMINI_EMPTY = "Gemini's turn without a word"
    GEMINI_SILENT_ANSWER = "Gemini's silence after a tool's answer"
    GEMINI_NO_IDS = "Gemini's tool call without an id"
    GEMINI_CALL_CANCELLED = "Gemini's tool call cancelled while it ran"
    GEMINI_TEXT_ONLY = "Gemini's reply without audio"
    GEMINI_NEAR_SILENT = "Gemini's reply that nobody can hear"
    GEMINI_TRANSCRIPT_LATE = "Gemini's transcript long after the turn"
    GEMINI_TRANSCRIPT_TWICE = "Gemini's transcript sent twice"
    GEMINI_HISTORY_REFUSED = "Gemini refused the history"
    GEMINI_LANGUAGE_REFUSED = "Gemini refused the user's language"
    GEMINI_PACED = "Gemini counted silence in real time"
    GEMINI_OLD_IDLE = "Gemini's status REQUIRES_ACTION"


class FaultMoment(StrEnum):
    """When a fault strikes."""

    START = "start"  # before the turn
    OPENED = "opened"  # Gemini's side has a session's set-up
    SPEECH = "speech"  # Gemini's side has heard speech begin
    REPLY = "reply"  # the reply's first audio has reached the client
    DELIVERED = "delivered"  # the turn's end has reached the client, its commit is still to come
    TOOL_EFFECT = "tool effect"  # the tool has changed its data, its answer is still to come
    COMMIT = "commit"  # the turn is in the table, its worker does not know it yet
    RELEASE = "release"  # the lease is given back, the worker has not left yet
    HAND_OVER = "hand-over"  # the lease is given back, the successor is not woken yet
    WOKEN = "woken"  # the successor is woken, its predecessor has not left yet
    SEED = "seed"  # a new live session is told what was said before
    RANDOM = "random"  # so many ms after the turn began


class Takeover(StrEnum):
    """What becomes of the last words of the first session when another device takes over."""

    REMEMBERED = "remembered"  # they are answered and in memory
    ACCEPTED = "accepted"  # they were accepted, nothing of an answer has come
    ORPHANED = "orphaned"  # they were accepted, and their worker killed
    REPLY = "reply"  # their reply's first audio has reached the client
    DELIVERED = "delivered"  # they are answered, the turn's commit is still to come


@dataclass(frozen=True, slots=True)
class TimedFault:
    """One fault of a run.

    Attributes:
        turn: In which utterance's turn it may strike, from 0.
        delay_ms: For ``RANDOM``, how long after the turn began.
    """

    kind: FaultKind
    moment: FaultMoment
    turn: int
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class GatewayFaultRates:
    """How often the gateway does what it may."""

    delay: float = 0.0
    duplicate: float = 0.0
    lose_disconnect: float = 0.0
    refuse_post: float = 0.0


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run.

    Attributes:
        utterances: What is said, in order: a folder under ``local/recordings`` and which of its
            recordings, from 0. No two are alike, so that what is heard of each can be told apart.
        last_words: What is said after ``ending``, where that leaves a conversation to go on with.
        ending: How the first session ends; None where the user hangs up.
        takeover: Where another device ends it, how far its last turn is by then.
        no_pause_after_turns: Turns after which the user speaks on at once; after the others the
            user waits until
            the turn is remembered.
        rests_after: Turns after which the user stays silent until the worker has left.
        strikes: Faults with a moment.
        gemini: What Gemini does all run long.
        doubles_events: Each invoke of a worker is delivered twice.
        worker_life_s: How long workers are told that they may run; None tells the truth.
        without_worker: No worker is to be had at first.
    """

    seed: int
    utterances: tuple[tuple[str, int], ...]
    last_words: tuple[str, int]
    ending: FaultKind | None
    takeover: Takeover
    no_pause_after_turns: frozenset[int]
    silent_after_turns: frozenset[int]
    timed_faults: tuple[TimedFault, ...]
    gateway: GatewayFaultRates
    tables: tuple[tuple[TableFault, float, int], ...]
    gemini: tuple[FaultKind, ...]
    has_duplicate_events: bool
    worker_life_s: float | None
    is_without_worker: bool

    @property
    def kinds(self) -> frozenset[FaultKind]:
        """Every kind that the run means to inject."""
        kinds = {strike.kind for strike in self.timed_faults}
        kinds |= {_TABLES[fault] for fault, _, _ in self.tables}
        kinds |= set(self.gemini)
        wanted = {
            FaultKind.REORDERED: self.gateway.delay,
            FaultKind.DUPLICATED: self.gateway.duplicate,
            FaultKind.DISCONNECT_LOST: self.gateway.lose_disconnect,
            FaultKind.POST_REFUSED: self.gateway.refuse_post,
            FaultKind.EVENT_DOUBLED: self.has_duplicate_events,
            FaultKind.HAND_OVER: self.worker_life_s is not None and not self.has_forced_hand_over,
            FaultKind.NO_WORKER: self.is_without_worker,
        }
        kinds |= {kind for kind, how_often in wanted.items() if how_often}
        return frozenset(kinds if self.ending is None else kinds | {self.ending})

    @property
    def has_forced_hand_over(self) -> bool:
        """Whether a reply outlasts a worker's time."""
        return any(strike.kind is FaultKind.FORCED_HAND_OVER for strike in self.timed_faults)

    def is_spoken_over(self, turn: int) -> bool:
        """Whether the user goes on to speak while this turn's reply is played."""
        return any(
            one.kind is FaultKind.BARGED_IN and one.turn == turn for one in self.timed_faults
        )

    def table_rules(self) -> tuple[TableRule, ...]:
        """The rules for the proxy before the tables."""
        return tuple(TableRule(*rule) for rule in self.tables)


_TABLES = {
    TableFault.THROTTLED: FaultKind.TABLE_THROTTLED,
    TableFault.CONFLICT: FaultKind.TABLE_CONFLICT,
    TableFault.UNREACHED: FaultKind.TABLE_UNREACHED,
    TableFault.AMBIGUOUS: FaultKind.TABLE_AMBIGUOUS,
    TableFault.SLOW: FaultKind.TABLE_SLOW,
}
TABLE_KINDS = _TABLES
