"""Deals out faults to runs: all of a run's plan follows from one number."""

import random
from collections.abc import Sequence

from tests.chaos.plan import TABLE_KINDS, GatewayFaults, Kind, Moment, RunPlan, Strike, Takeover

FULL_ROUND = 15
"""Any so many seeds in a row hold every kind of fault."""

_RECORDINGS = ("default", "alternative", "second_user")
_BOOKING = 1
_LAST = 3
_MAX_DELAY_MS = 1_500

# The campaign's copy of the functions hands over from 21.5 s before the end (campaign.py).
_SHORT_LIVES_S = (23.0, 24.0, 25.5)
# A reply in real time lasts longer than from here to the end.
_FORCED_LIFE_S = 22.7
# Its reply, what was booked, is the longest; what needs a turn for itself strikes here.
_LONG_REPLY = 2

type _Fault = tuple[Kind, *tuple[Moment, ...]]
"""A kind, and the moments of which chance picks one."""

# Every run has one of these: most cost a lease's time. Consecutive seeds take them in turn.
_HEAVY: Sequence[_Fault] = (
    (Kind.WORKER_KILLED, Moment.SPEECH),
    (Kind.WORKER_FROZEN, Moment.REPLY),
    (Kind.WORKER_KILLED, Moment.TOOL_EFFECT),
    (Kind.WORKER_KILLED, Moment.COMMIT),
    (Kind.FORCED_HAND_OVER, Moment.START),
    (Kind.WORKER_KILLED, Moment.WOKEN),
    (Kind.WORKER_KILLED, Moment.RELEASE),
    (Kind.WORKER_KILLED, Moment.SEED),
    (Kind.CORE_KILLED, Moment.TOOL_EFFECT),
    (Kind.WORKER_FROZEN, Moment.RANDOM, Moment.COMMIT),
    (Kind.WORKER_KILLED, Moment.REPLY),
    (Kind.WORKER_KILLED, Moment.RANDOM),
    (Kind.WORKER_KILLED, Moment.HAND_OVER),
    (Kind.WORKER_KILLED, Moment.DELIVERED),
    (Kind.WORKER_FROZEN, Moment.SPEECH),
)
# And one of these: the line, or Gemini. One fewer, so that the two meet in ever other pairs.
_MEDIUM: Sequence[_Fault] = (
    (Kind.LINE_DROPPED, Moment.REPLY),
    (Kind.GEMINI_1006, Moment.REPLY, Moment.SPEECH),
    (Kind.GEMINI_GO_AWAY, Moment.SPEECH, Moment.REPLY),
    (Kind.LINE_DROPPED, Moment.SPEECH, Moment.COMMIT),
    (Kind.GEMINI_LOST_SEED, Moment.START),
    (Kind.GEMINI_BUSY, Moment.START),
    (Kind.GEMINI_1011, Moment.SPEECH, Moment.REPLY),
    (Kind.LINE_DROPPED, Moment.TOOL_EFFECT, Moment.RANDOM),
    (Kind.GEMINI_UNKNOWN, Moment.SPEECH),
    (Kind.GEMINI_1001, Moment.REPLY, Moment.SPEECH),
    (Kind.GEMINI_CALL_TWICE, Moment.START),
    (Kind.GEMINI_GO_AWAY_EARLY, Moment.OPENED),
    (Kind.GEMINI_EMPTY, Moment.START),
    (Kind.GEMINI_STALL, Moment.START),
)
# And one of these, or none: what Gemini says or takes oddly.
_ODD: Sequence[_Fault | None] = (
    (Kind.GEMINI_SILENT_ANSWER, Moment.START),
    (Kind.GEMINI_TEXT_ONLY, Moment.START),
    (Kind.GEMINI_TRANSCRIPT_TWICE, Moment.START),
    None,
    (Kind.GEMINI_NEAR_SILENT, Moment.START),
    (Kind.GEMINI_HISTORY_REFUSED, Moment.START),
    (Kind.GEMINI_CALL_CANCELLED, Moment.START),
    (Kind.GEMINI_NO_IDS, Moment.START),
    (Kind.GEMINI_TRANSCRIPT_LATE, Moment.START),
)
# And two of these, most of them all run long. Neighbours meet.
_LIGHT = (
    Kind.REORDERED,
    Kind.TABLE_THROTTLED,
    Kind.DUPLICATED,
    Kind.BARGED_IN,
    Kind.TABLE_AMBIGUOUS,
    Kind.DISCONNECT_LOST,
    Kind.TABLE_CONFLICT,
    Kind.POST_REFUSED,
    Kind.NO_WORKER,
    Kind.TABLE_UNREACHED,
    Kind.EVENT_DOUBLED,
    Kind.TABLE_SLOW,
    Kind.HAND_OVER,
    *(_ALL_RUN := (Kind.GEMINI_PACED, Kind.GEMINI_OLD_IDLE)),
)
# In these runs the user prefers a language that Gemini refuses; in turn with all the others.
_REFUSED_LANGUAGE_EVERY = 7
_OF_TOOLS = frozenset(
    {
        Kind.GEMINI_CALL_TWICE,
        Kind.GEMINI_SILENT_ANSWER,
        Kind.GEMINI_NO_IDS,
        Kind.GEMINI_CALL_CANCELLED,
    }
)
_OF_SEED = frozenset({Kind.GEMINI_LOST_SEED, Kind.GEMINI_HISTORY_REFUSED})
_IN_HAND_OVER = (Moment.HAND_OVER, Moment.WOKEN)
# And one of these in the end; None: the user hangs up.
_ENDINGS = (
    None,
    Kind.GEMINI_1007,
    None,
    Kind.SECOND_DEVICE,
    None,
    Kind.GEMINI_QUOTA,
    None,
    None,
    Kind.GEMINI_1008,
    None,
    None,
)
_TAKEOVERS = (
    Takeover.REPLY,
    Takeover.ACCEPTED,
    Takeover.ORPHANED,
    Takeover.DELIVERED,
    Takeover.REMEMBERED,
)


def plan_run(seed: int) -> RunPlan:
    """Plan the run that ``seed`` stands for.

    What must be covered is dealt out in turn by the seed itself, the rest is drawn.
    """
    chance = random.Random(f"plan/{seed}")  # noqa: S311 - repeatable
    heavy = _deal(_HEAVY, seed, chance)
    medium = _deal(_MEDIUM, seed, chance)
    lights = {_LIGHT[(2 * seed) % len(_LIGHT)], _LIGHT[(2 * seed + 1) % len(_LIGHT)]}
    is_forced = heavy[0] is Kind.FORCED_HAND_OVER
    # Whoever is replaced in mid-reply says it anew, and nobody speaks over that.
    if is_forced:
        lights.discard(Kind.BARGED_IN)
    elif Kind.BARGED_IN in lights and heavy[1] in _IN_HAND_OVER:
        heavy = (heavy[0], Moment.SPEECH)
    is_short_lived = Kind.HAND_OVER in lights or heavy[1] in _IN_HAND_OVER
    needs_quiet = is_forced or Kind.BARGED_IN in lights
    last = _LONG_REPLY - 1 if needs_quiet else _LAST
    strikes = [_strike(*heavy, chance, last), _strike(*medium, chance, last)]
    if odd := _ODD[seed % len(_ODD)]:
        strikes.append(_strike(*odd, chance, last))
    strikes += _companions(strikes)
    if Kind.BARGED_IN in lights:
        strikes.append(Strike(Kind.BARGED_IN, Moment.START, _LONG_REPLY))
    if Kind.DISCONNECT_LOST in lights:
        strikes.append(_strike(Kind.LINE_DROPPED, Moment.RANDOM, chance, last))
    if chance.random() < 0.3:
        strikes.append(_strike(Kind.LINE_DROPPED, Moment.REPLY, chance, last))
    rests = {strike.turn for strike in strikes[:1] if strike.moment is Moment.RELEASE}
    if is_short_lived:
        # On a busy machine turns may leave no pause long enough for a worker to leave in.
        rests.add(0)
    eager = frozenset(turn for turn in range(_LAST) if chance.random() < 0.3) - rests
    life_s = chance.choice(_SHORT_LIVES_S) if is_short_lived else None
    utterances, last_words = _conversation(chance)
    return RunPlan(
        seed=seed,
        utterances=utterances,
        last_words=last_words,
        ending=_ENDINGS[seed % len(_ENDINGS)],
        takeover=_TAKEOVERS[seed // len(_ENDINGS) % len(_TAKEOVERS)],
        eager=eager,
        rests_after=frozenset(rests),
        strikes=tuple(strikes),
        gateway=GatewayFaults(
            delay=0.3 if Kind.REORDERED in lights else 0.0,
            duplicate=0.3 if Kind.DUPLICATED in lights else 0.0,
            lose_disconnect=1.0 if Kind.DISCONNECT_LOST in lights else 0.0,
            refuse_post=0.1 if Kind.POST_REFUSED in lights else 0.0,
        ),
        tables=tuple(
            (fault, chance.choice((0.02, 0.05)), 12)
            for fault, kind in TABLE_KINDS.items()
            if kind in lights
        ),
        gemini=(
            *(kind for kind in _ALL_RUN if kind in lights),
            *((Kind.GEMINI_LANGUAGE_REFUSED,) if seed % _REFUSED_LANGUAGE_EVERY == 0 else ()),
        ),
        doubles_events=Kind.EVENT_DOUBLED in lights,
        worker_life_s=_FORCED_LIFE_S if is_forced else life_s,
        without_worker=Kind.NO_WORKER in lights,
    )


def _deal(faults: Sequence[_Fault], seed: int, chance: random.Random) -> tuple[Kind, Moment]:
    kind, *moments = faults[seed % len(faults)]
    return kind, chance.choice(moments)


def _conversation(
    chance: random.Random,
) -> tuple[tuple[tuple[str, int], ...], tuple[str, int]]:
    """Greeting, booking, and what was booked asked for in two ways; then somebody else greets."""
    mine, other = chance.sample(_RECORDINGS, 2)
    return ((mine, 0), (mine, _BOOKING), (mine, 2), (other, 2)), (other, 0)


def _strike(kind: Kind, moment: Moment, chance: random.Random, last: int) -> Strike:
    """Draw the turn, up to ``last``, where the kind or the moment leaves a choice."""
    turn = chance.randrange(last + 1)
    delay_ms = chance.randrange(_MAX_DELAY_MS) if moment is Moment.RANDOM else 0
    if moment is Moment.TOOL_EFFECT or kind in _OF_TOOLS:
        turn = _BOOKING
    elif kind is Kind.FORCED_HAND_OVER:
        turn = _LONG_REPLY
    elif kind is Kind.GEMINI_BUSY or moment is Moment.OPENED:
        turn = 0
    elif moment is Moment.RELEASE:
        turn = min(turn, _LAST - 1)
    elif moment in _IN_HAND_OVER:
        # Later, workers may live on already.
        turn = min(turn, 1)
    elif moment is Moment.SEED or kind in _OF_SEED:
        # A session is told of the past when there is one.
        turn = max(1, turn)
    return Strike(kind, moment, turn, delay_ms)


def _companions(strikes: Sequence[Strike]) -> list[Strike]:
    """What must strike too: a session is told of the past only when the one before is gone."""
    turns = {one.turn for one in strikes if one.moment is Moment.SEED or one.kind in _OF_SEED}
    return [Strike(Kind.GEMINI_1006, Moment.SPEECH, turn) for turn in sorted(turns)]
