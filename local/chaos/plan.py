"""What goes wrong in a run, when, and in which conversation: all of it follows from one number."""

import random
from dataclasses import dataclass
from enum import StrEnum

from local.chaos.table_faults import TableFault, TableRule


class Kind(StrEnum):
    """A kind of fault; each counts when it really happened."""

    WORKER_KILLED = "worker killed"
    WORKER_FROZEN = "worker frozen, woken after its lease was taken"
    HAND_OVER = "worker's time ran out"
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
    GEMINI_1006 = "Gemini gone without a word (1006)"
    GEMINI_1011 = "Gemini closed with 1011"
    GEMINI_GO_AWAY = "Gemini goAway"
    GEMINI_BUSY = "Gemini busy at set-up"
    GEMINI_UNKNOWN = "Gemini message of an unknown kind"
    GEMINI_CALL_TWICE = "Gemini's tool call doubled"
    GEMINI_STALL = "Gemini's turn without an end"
    GEMINI_EMPTY = "Gemini's turn without a word"


class Moment(StrEnum):
    """When a fault strikes."""

    START = "start"  # before the turn
    SPEECH = "speech"  # Gemini's side has heard speech begin
    REPLY = "reply"  # the reply's first audio has reached the client
    DELIVERED = "delivered"  # the turn's end has reached the client, its commit is still to come
    TOOL_EFFECT = "tool effect"  # the tool has changed its data, its answer is still to come
    COMMIT = "commit"  # the turn is in the table, its worker does not know it yet
    RELEASE = "release"  # the lease is given back, the worker has not left yet
    HAND_OVER = "hand-over"  # the lease is given back, the successor is not woken yet
    SEED = "seed"  # a new live session is told what was said before
    RANDOM = "random"  # so many ms after the turn began


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault of a run.

    Attributes:
        turn: In which utterance's turn it may strike, from 0.
        delay_ms: For ``RANDOM``, how long after the turn began.
    """

    kind: Kind
    moment: Moment
    turn: int
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class GatewayFaults:
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
        eager: Turns after which the user speaks on at once; after the others the user waits until
            the turn is remembered.
        rests_after: Turns after which the user stays silent until the worker has left.
        strikes: Faults with a moment.
        doubles_events: Each invoke of a worker is delivered twice.
        worker_life_s: How long workers are told that they may run; None tells the truth.
    """

    seed: int
    utterances: tuple[tuple[str, int], ...]
    eager: frozenset[int]
    rests_after: frozenset[int]
    strikes: tuple[Strike, ...]
    gateway: GatewayFaults
    tables: tuple[tuple[TableFault, float, int], ...]
    doubles_events: bool
    worker_life_s: float | None

    @property
    def kinds(self) -> frozenset[Kind]:
        """Every kind that the run means to inject."""
        kinds = {strike.kind for strike in self.strikes}
        kinds |= {_TABLES[fault] for fault, _, _ in self.tables}
        wanted = {
            Kind.REORDERED: self.gateway.delay,
            Kind.DUPLICATED: self.gateway.duplicate,
            Kind.DISCONNECT_LOST: self.gateway.lose_disconnect,
            Kind.POST_REFUSED: self.gateway.refuse_post,
            Kind.EVENT_DOUBLED: self.doubles_events,
            Kind.HAND_OVER: self.worker_life_s is not None,
        }
        return frozenset(kinds | {kind for kind, how_often in wanted.items() if how_often})

    def table_rules(self) -> tuple[TableRule, ...]:
        """The rules for the proxy before the tables."""
        return tuple(TableRule(*rule) for rule in self.tables)


_TABLES = {
    TableFault.THROTTLED: Kind.TABLE_THROTTLED,
    TableFault.CONFLICT: Kind.TABLE_CONFLICT,
    TableFault.UNREACHED: Kind.TABLE_UNREACHED,
    TableFault.AMBIGUOUS: Kind.TABLE_AMBIGUOUS,
    TableFault.SLOW: Kind.TABLE_SLOW,
}
TABLE_KINDS = _TABLES

_RECORDINGS = ("default", "alternative", "second_user")
_BOOKING = 1
_LAST = 3
_MAX_DELAY_MS = 1_500
# Workers hand over from 90 s before their end.
_SHORT_LIVES_S = (91.5, 92.5, 94.0)

# Every run has one of these: they cost a lease's time each. Consecutive seeds take them in turn.
_HEAVY = (
    (Kind.WORKER_KILLED, Moment.SPEECH),
    (Kind.WORKER_FROZEN, Moment.REPLY),
    (Kind.WORKER_KILLED, Moment.TOOL_EFFECT),
    (Kind.WORKER_KILLED, Moment.COMMIT),
    (Kind.WORKER_FROZEN, Moment.SPEECH),
    (Kind.WORKER_KILLED, Moment.RELEASE),
    (Kind.WORKER_KILLED, Moment.SEED),
    (Kind.WORKER_FROZEN, Moment.RANDOM),
    (Kind.WORKER_KILLED, Moment.REPLY),
    (Kind.WORKER_FROZEN, Moment.COMMIT),
    (Kind.WORKER_KILLED, Moment.RANDOM),
    (Kind.WORKER_KILLED, Moment.HAND_OVER),
    (Kind.WORKER_KILLED, Moment.DELIVERED),
)
# And one of these: the line, or Gemini.
_MEDIUM = (
    (Kind.LINE_DROPPED, Moment.REPLY),
    (Kind.GEMINI_1006, Moment.REPLY),
    (Kind.GEMINI_GO_AWAY, Moment.SPEECH),
    (Kind.LINE_DROPPED, Moment.SPEECH),
    (Kind.GEMINI_1011, Moment.SPEECH),
    (Kind.GEMINI_BUSY, Moment.START),
    (Kind.LINE_DROPPED, Moment.TOOL_EFFECT),
    (Kind.GEMINI_1011, Moment.REPLY),
    (Kind.GEMINI_UNKNOWN, Moment.SPEECH),
    (Kind.LINE_DROPPED, Moment.COMMIT),
    (Kind.GEMINI_CALL_TWICE, Moment.START),
    (Kind.GEMINI_1006, Moment.SPEECH),
    (Kind.LINE_DROPPED, Moment.RANDOM),
    (Kind.GEMINI_GO_AWAY, Moment.REPLY),
    (Kind.GEMINI_EMPTY, Moment.START),
    (Kind.GEMINI_STALL, Moment.START),
)
# And two of these, all run long.
_LIGHT = (
    Kind.REORDERED,
    Kind.TABLE_THROTTLED,
    Kind.DUPLICATED,
    Kind.TABLE_AMBIGUOUS,
    Kind.DISCONNECT_LOST,
    Kind.TABLE_CONFLICT,
    Kind.POST_REFUSED,
    Kind.TABLE_UNREACHED,
    Kind.EVENT_DOUBLED,
    Kind.TABLE_SLOW,
    Kind.HAND_OVER,
)


def plan_run(seed: int) -> RunPlan:
    """Plan the run that ``seed`` stands for.

    What must be covered is dealt out in turn by the seed itself, the rest is drawn: any 16 seeds
    in a row hold every kind at every moment.
    """
    chance = random.Random(f"plan/{seed}")  # noqa: S311 - repeatable
    heavy_kind, heavy_moment = _HEAVY[seed % len(_HEAVY)]
    medium_kind, medium_moment = _MEDIUM[seed % len(_MEDIUM)]
    lights = {_LIGHT[(2 * seed) % len(_LIGHT)], _LIGHT[(2 * seed + 1) % len(_LIGHT)]}
    heavy = _strike(heavy_kind, heavy_moment, chance)
    strikes = [heavy, _strike(medium_kind, medium_moment, chance)]
    if heavy_moment is Moment.SEED:
        # A session is told of the past only when the one before is gone.
        heavy = Strike(heavy.kind, heavy.moment, max(1, heavy.turn))
        strikes[0] = heavy
        strikes.append(Strike(Kind.GEMINI_1006, Moment.SPEECH, heavy.turn))
    if Kind.DISCONNECT_LOST in lights:
        strikes.append(_strike(Kind.LINE_DROPPED, Moment.RANDOM, chance))
    if chance.random() < 0.3:
        strikes.append(_strike(Kind.LINE_DROPPED, Moment.REPLY, chance))
    hands_over = Kind.HAND_OVER in lights or heavy_moment is Moment.HAND_OVER
    rests = frozenset({heavy.turn}) if heavy_moment is Moment.RELEASE else frozenset[int]()
    eager = frozenset(turn for turn in range(_LAST) if chance.random() < 0.3) - rests
    return RunPlan(
        seed=seed,
        utterances=_conversation(chance),
        eager=eager,
        rests_after=rests,
        strikes=tuple(strikes),
        gateway=GatewayFaults(
            delay=0.3 if Kind.REORDERED in lights else 0.0,
            duplicate=0.3 if Kind.DUPLICATED in lights else 0.0,
            lose_disconnect=1.0 if Kind.DISCONNECT_LOST in lights else 0.0,
            refuse_post=0.1 if Kind.POST_REFUSED in lights else 0.0,
        ),
        tables=tuple(
            (fault, chance.choice((0.02, 0.05)), 12)
            for fault, kind in _TABLES.items()
            if kind in lights
        ),
        doubles_events=Kind.EVENT_DOUBLED in lights,
        worker_life_s=chance.choice(_SHORT_LIVES_S) if hands_over else None,
    )


def _conversation(chance: random.Random) -> tuple[tuple[str, int], ...]:
    """Greeting, booking, and what was booked asked for in two ways."""
    mine, other = chance.sample(_RECORDINGS, 2)
    return (mine, 0), (mine, _BOOKING), (mine, 2), (other, 2)


def _strike(kind: Kind, moment: Moment, chance: random.Random) -> Strike:
    turn = chance.randrange(_LAST + 1)
    delay_ms = chance.randrange(_MAX_DELAY_MS) if moment is Moment.RANDOM else 0
    if moment is Moment.TOOL_EFFECT or kind is Kind.GEMINI_CALL_TWICE:
        turn = _BOOKING
    elif kind is Kind.GEMINI_BUSY:
        turn = 0
    elif moment is Moment.RELEASE:
        turn = min(turn, _LAST - 1)
    return Strike(kind, moment, turn, delay_ms)
