"""The plan of a run: its faults, their moments, and its conversation."""

from dataclasses import dataclass
from enum import StrEnum

from local.hosting.table_faults import TableFault, TableRule


class FaultKind(StrEnum):
    """A kind of fault."""

    WORKER_KILLED = "worker killed"
    WORKER_FROZEN = "worker frozen, woken after its lease was taken"
    HAND_OVER = "worker's time ran out"
    FORCED_HAND_OVER = "worker's time ran out during a turn"
    NO_WORKER = "wake that found no worker"
    CORE_KILLED = "core agent killed"
    BARGED_IN = "user spoke over a reply"
    STOPPED = "user stopped a reply"
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
    GEMINI_1006 = "Gemini connection lost (1006)"
    GEMINI_1011 = "Gemini closed with 1011"
    GEMINI_GO_AWAY = "Gemini goAway"
    GEMINI_GO_AWAY_EARLY = "Gemini goAway one second into a session"
    GEMINI_BUSY = "Gemini busy at set-up"
    GEMINI_QUOTA = "Gemini over its quota at every attempt"
    GEMINI_1007 = "Gemini refused the set-up with 1007"
    GEMINI_1008 = "Gemini refused the set-up with 1008"
    GEMINI_LOST_SEED = "Gemini forgot the history"
    GEMINI_UNKNOWN = "Gemini message of an unknown kind"
    GEMINI_CALL_TWICE = "Gemini's tool call doubled"
    GEMINI_STALL = "Gemini's turn without an end"
    GEMINI_EMPTY = "Gemini's turn without words"
    GEMINI_SILENT_ANSWER = "Gemini's silence after a tool's answer"
    GEMINI_NO_IDS = "Gemini's tool call without an id"
    GEMINI_CALL_CANCELLED = "Gemini's tool call cancelled while it ran"
    GEMINI_TEXT_ONLY = "Gemini's reply without audio"
    GEMINI_NEAR_SILENT = "Gemini's reply inaudible"
    GEMINI_TRANSCRIPT_LATE = "Gemini's transcript long after the turn"
    GEMINI_TRANSCRIPT_TWICE = "Gemini's transcript sent twice"
    GEMINI_HISTORY_REFUSED = "Gemini refused the history"
    GEMINI_LANGUAGE_REFUSED = "Gemini refused the user's language"
    GEMINI_PACED = "Gemini counted silence in real time"
    GEMINI_OLD_IDLE = "Gemini's status REQUIRES_ACTION"


class FaultMoment(StrEnum):
    """When a fault occurs."""

    START = "start"  # before the turn
    OPENED = "opened"  # the simulator has opened a Live session
    SPEECH = "speech"  # the simulator has heard the start of speech
    REPLY = "reply"  # the reply's first audio has reached the client
    DELIVERED = "delivered"  # the turn's end has reached the client, but is not committed
    TOOL_EFFECT = "tool effect"  # the tool has changed its data, but has not answered
    COMMIT = "commit"  # the turn is committed, but its worker has no answer yet
    RELEASE = "release"  # the lease is released, but the worker has not left
    HAND_OVER = "hand-over"  # the lease is released, but no successor is woken
    WOKEN = "woken"  # the successor is woken, but its predecessor has not left
    SEED = "seed"  # a new Live session gets the history
    RANDOM = "random"  # at a random time after the turn began


class Takeover(StrEnum):
    """The state of the first session's last words when another device takes over."""

    REMEMBERED = "remembered"  # answered and in memory
    ACCEPTED = "accepted"  # accepted and not answered
    ORPHANED = "orphaned"  # accepted, and the worker was killed
    REPLY = "reply"  # the first audio of the reply has reached the client
    DELIVERED = "delivered"  # answered, but not committed


@dataclass(frozen=True, slots=True)
class TimedFault:
    """One fault at a moment of a run.

    Attributes:
        kind: The kind of fault.
        moment: The moment.
        turn: The turn, from 0.
        delay_ms: For ``RANDOM``, the time after the turn began.
    """

    kind: FaultKind
    moment: FaultMoment
    turn: int
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class GatewayFaultRates:
    """The probabilities of the gateway's faults."""

    delay: float = 0.0
    duplicate: float = 0.0
    lose_disconnect: float = 0.0
    refuse_post: float = 0.0


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run.

    Attributes:
        seed: The seed.
        utterances: The utterances, in order: a folder in ``local/recordings`` and the index of a
            recording. All are different, so that their transcripts can be distinguished.
        last_words: The utterance of the second session, if there is one.
        ending: How the first session ends; None: the user hangs up.
        takeover: For a takeover, the state of the first session's last turn.
        no_pause_after_turns: Turns after which the user speaks at once. After other turns the user
            waits for the commit.
        silent_after_turns: Turns after which the user waits until the worker has left.
        timed_faults: The faults at moments.
        gateway: The probabilities of the gateway's faults.
        tables: Faults of the tables: the fault, its probability and its maximum count.
        gemini: Faults of Gemini during the whole run.
        has_duplicate_events: Whether each invocation of a worker is delivered twice.
        worker_life_s: The time that Lambda reports to workers; None for the real time.
        is_without_worker: Whether no worker is available at first.
        greets: Whether the agent greets first.
        waits_for_greeting: Whether the user lets the agent finish its greeting.
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
    greets: bool
    waits_for_greeting: bool

    @property
    def kinds(self) -> frozenset[FaultKind]:
        """All kinds of faults in the plan."""
        kinds = {fault.kind for fault in self.timed_faults}
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
        kinds |= {kind for kind, rate in wanted.items() if rate}
        return frozenset(kinds if self.ending is None else kinds | {self.ending})

    @property
    def has_forced_hand_over(self) -> bool:
        """Whether the plan includes a hand-over during a turn."""
        return any(fault.kind is FaultKind.FORCED_HAND_OVER for fault in self.timed_faults)

    def is_spoken_over(self, turn: int) -> bool:
        """Return whether the user interrupts the reply of this turn."""
        return any(
            one.kind is FaultKind.BARGED_IN and one.turn == turn for one in self.timed_faults
        )

    def table_rules(self) -> tuple[TableRule, ...]:
        """Return the rules for the proxy in front of the tables."""
        return tuple(TableRule(*rule) for rule in self.tables)


_TABLES = {
    TableFault.THROTTLED: FaultKind.TABLE_THROTTLED,
    TableFault.CONFLICT: FaultKind.TABLE_CONFLICT,
    TableFault.UNREACHED: FaultKind.TABLE_UNREACHED,
    TableFault.AMBIGUOUS: FaultKind.TABLE_AMBIGUOUS,
    TableFault.SLOW: FaultKind.TABLE_SLOW,
}
TABLE_KINDS = _TABLES
