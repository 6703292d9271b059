"""Deals out faults to runs: all of a run's plan follows from one number."""

import random
from collections.abc import Sequence

from tests.chaos.plan.run_plan import (
    TABLE_KINDS,
    FaultKind,
    FaultMoment,
    GatewayFaultRates,
    RunPlan,
    Takeover,
    TimedFault,
)

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

type _Fault = tuple[FaultKind, *tuple[FaultMoment, ...]]
"""A kind, and the moments of which chance picks one."""

# Every run has one of these: most cost a lease's time. Consecutive seeds take them in turn.
_HEAVY: Sequence[_Fault] = (
    (FaultKind.WORKER_KILLED, FaultMoment.SPEECH),
    (FaultKind.WORKER_FROZEN, FaultMoment.REPLY),
    (FaultKind.WORKER_KILLED, FaultMoment.TOOL_EFFECT),
    (FaultKind.WORKER_KILLED, FaultMoment.COMMIT),
    (FaultKind.FORCED_HAND_OVER, FaultMoment.START),
    (FaultKind.WORKER_KILLED, FaultMoment.WOKEN),
    (FaultKind.WORKER_KILLED, FaultMoment.RELEASE),
    (FaultKind.WORKER_KILLED, FaultMoment.SEED),
    (FaultKind.CORE_KILLED, FaultMoment.TOOL_EFFECT),
    (FaultKind.WORKER_FROZEN, FaultMoment.RANDOM, FaultMoment.COMMIT),
    (FaultKind.WORKER_KILLED, FaultMoment.REPLY),
    (FaultKind.WORKER_KILLED, FaultMoment.RANDOM),
    (FaultKind.WORKER_KILLED, FaultMoment.HAND_OVER),
    (FaultKind.WORKER_KILLED, FaultMoment.DELIVERED),
    (FaultKind.WORKER_FROZEN, FaultMoment.SPEECH),
)
# And one of these: the line, or Gemini. One fewer, so that the two meet in ever other pairs.
_MEDIUM: Sequence[_Fault] = (
    (FaultKind.LINE_DROPPED, FaultMoment.REPLY),
    (FaultKind.GEMINI_1006, FaultMoment.REPLY, FaultMoment.SPEECH),
    (FaultKind.GEMINI_GO_AWAY, FaultMoment.SPEECH, FaultMoment.REPLY),
    (FaultKind.LINE_DROPPED, FaultMoment.SPEECH, FaultMoment.COMMIT),
    (FaultKind.GEMINI_LOST_SEED, FaultMoment.START),
    (FaultKind.GEMINI_BUSY, FaultMoment.START),
    (FaultKind.GEMINI_1011, FaultMoment.SPEECH, FaultMoment.REPLY),
    (FaultKind.LINE_DROPPED, FaultMoment.TOOL_EFFECT, FaultMoment.RANDOM),
    (FaultKind.GEMINI_UNKNOWN, FaultMoment.SPEECH),
    (FaultKind.GEMINI_1001, FaultMoment.REPLY, FaultMoment.SPEECH),
    (FaultKind.GEMINI_CALL_TWICE, FaultMoment.START),
    (FaultKind.GEMINI_GO_AWAY_EARLY, FaultMoment.OPENED),
    (FaultKind.GEMINI_EMPTY, FaultMoment.START),
    (FaultKind.GEMINI_STALL, FaultMoment.START),
)
# And one of these, or none: what Gemini says or takes oddly.
_ODD: Sequence[_Fault | None] = (
    (FaultKind.GEMINI_SILENT_ANSWER, FaultMoment.START),
    (FaultKind.GEMINI_TEXT_ONLY, FaultMoment.START),
    (FaultKind.GEMINI_TRANSCRIPT_TWICE, FaultMoment.START),
    None,
    (FaultKind.GEMINI_NEAR_SILENT, FaultMoment.START),
    (FaultKind.GEMINI_HISTORY_REFUSED, FaultMoment.START),
    (FaultKind.GEMINI_CALL_CANCELLED, FaultMoment.START),
    (FaultKind.GEMINI_NO_IDS, FaultMoment.START),
    (FaultKind.GEMINI_TRANSCRIPT_LATE, FaultMoment.START),
)
# And two of these, most of them all run long. Neighbours meet.
_LIGHT = (
    FaultKind.REORDERED,
    FaultKind.TABLE_THROTTLED,
    FaultKind.DUPLICATED,
    FaultKind.BARGED_IN,
    FaultKind.TABLE_AMBIGUOUS,
    FaultKind.DISCONNECT_LOST,
    FaultKind.TABLE_CONFLICT,
    FaultKind.POST_REFUSED,
    FaultKind.NO_WORKER,
    FaultKind.TABLE_UNREACHED,
    FaultKind.EVENT_DOUBLED,
    FaultKind.TABLE_SLOW,
    FaultKind.HAND_OVER,
    *(_ALL_RUN := (FaultKind.GEMINI_PACED, FaultKind.GEMINI_OLD_IDLE)),
)
# In these runs the user prefers a language that Gemini refuses; in turn with all the others.
_REFUSED_LANGUAGE_EVERY = 7
_OF_TOOLS = frozenset(
    {
        FaultKind.GEMINI_CALL_TWICE,
        FaultKind.GEMINI_SILENT_ANSWER,
        FaultKind.GEMINI_NO_IDS,
        FaultKind.GEMINI_CALL_CANCELLED,
    }
)
_OF_SEED = frozenset({FaultKind.GEMINI_LOST_SEED, FaultKind.GEMINI_HISTORY_REFUSED})
_IN_HAND_OVER = (FaultMoment.HAND_OVER, FaultMoment.WOKEN)
# And one of these in the end; None: the user hangs up.
_ENDINGS = (
    None,
    FaultKind.GEMINI_1007,
    None,
    FaultKind.SECOND_DEVICE,
    None,
    FaultKind.GEMINI_QUOTA,
    None,
    None,
    FaultKind.GEMINI_1008,
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
    is_forced = heavy[0] is FaultKind.FORCED_HAND_OVER
    # Whoever is replaced in mid-reply says it anew, and nobody speaks over that.
    if is_forced:
        lights.discard(FaultKind.BARGED_IN)
    elif FaultKind.BARGED_IN in lights and heavy[1] in _IN_HAND_OVER:
        heavy = (heavy[0], FaultMoment.SPEECH)
    is_short_lived = FaultKind.HAND_OVER in lights or heavy[1] in _IN_HAND_OVER
    needs_quiet = is_forced or FaultKind.BARGED_IN in lights
    last = _LONG_REPLY - 1 if needs_quiet else _LAST
    strikes = [_strike(*heavy, chance, last), _strike(*medium, chance, last)]
    if odd := _ODD[seed % len(_ODD)]:
        strikes.append(_strike(*odd, chance, last))
    strikes += _companions(strikes)
    if FaultKind.BARGED_IN in lights:
        strikes.append(TimedFault(FaultKind.BARGED_IN, FaultMoment.START, _LONG_REPLY))
    if FaultKind.DISCONNECT_LOST in lights:
        strikes.append(_strike(FaultKind.LINE_DROPPED, FaultMoment.RANDOM, chance, last))
    if chance.random() < 0.3:
        strikes.append(_strike(FaultKind.LINE_DROPPED, FaultMoment.REPLY, chance, last))
    rests = {strike.turn for strike in strikes[:1] if strike.moment is FaultMoment.RELEASE}
    if is_short_lived:
        # On a busy machine turns may leave no pause long enough for a worker to leave in.
        rests.add(0)
    no_pause_after_turns = frozenset(turn for turn in range(_LAST) if chance.random() < 0.3) - rests
    life_s = chance.choice(_SHORT_LIVES_S) if is_short_lived else None
    utterances, last_words = _conversation(chance)
    return RunPlan(
        seed=seed,
        utterances=utterances,
        last_words=last_words,
        ending=_ENDINGS[seed % len(_ENDINGS)],
        takeover=_TAKEOVERS[seed // len(_ENDINGS) % len(_TAKEOVERS)],
        no_pause_after_turns=no_pause_after_turns,
        silent_after_turns=frozenset(rests),
        timed_faults=tuple(strikes),
        gateway=GatewayFaultRates(
            delay=0.3 if FaultKind.REORDERED in lights else 0.0,
            duplicate=0.3 if FaultKind.DUPLICATED in lights else 0.0,
            lose_disconnect=1.0 if FaultKind.DISCONNECT_LOST in lights else 0.0,
            refuse_post=0.1 if FaultKind.POST_REFUSED in lights else 0.0,
        ),
        tables=tuple(
            (fault, chance.choice((0.02, 0.05)), 12)
            for fault, kind in TABLE_KINDS.items()
            if kind in lights
        ),
        gemini=(
            *(kind for kind in _ALL_RUN if kind in lights),
            *((FaultKind.GEMINI_LANGUAGE_REFUSED,) if seed % _REFUSED_LANGUAGE_EVERY == 0 else ()),
        ),
        has_duplicate_events=FaultKind.EVENT_DOUBLED in lights,
        worker_life_s=_FORCED_LIFE_S if is_forced else life_s,
        is_without_worker=FaultKind.NO_WORKER in lights,
    )


def _deal(
    faults: Sequence[_Fault], seed: int, chance: random.Random
) -> tuple[FaultKind, FaultMoment]:
    kind, *moments = faults[seed % len(faults)]
    return kind, chance.choice(moments)


def _conversation(
    chance: random.Random,
) -> tuple[tuple[tuple[str, int], ...], tuple[str, int]]:
    """Greeting, booking, and what was booked asked for in two ways; then somebody else greets."""
    mine, other = chance.sample(_RECORDINGS, 2)
    return ((mine, 0), (mine, _BOOKING), (mine, 2), (other, 2)), (other, 0)


def _strike(kind: FaultKind, moment: FaultMoment, chance: random.Random, last: int) -> TimedFault:
    """Draw the turn, up to ``last``, where the kind or the moment leaves a choice."""
    turn = chance.randrange(last + 1)
    delay_ms = chance.randrange(_MAX_DELAY_MS) if moment is FaultMoment.RANDOM else 0
    if moment is FaultMoment.TOOL_EFFECT or kind in _OF_TOOLS:
        turn = _BOOKING
    elif kind is FaultKind.FORCED_HAND_OVER:
        turn = _LONG_REPLY
    elif kind is FaultKind.GEMINI_BUSY or moment is FaultMoment.OPENED:
        turn = 0
    elif moment is FaultMoment.RELEASE:
        turn = min(turn, _LAST - 1)
    elif moment in _IN_HAND_OVER:
        # Later, workers may live on already.
        turn = min(turn, 1)
    elif moment is FaultMoment.SEED or kind in _OF_SEED:
        # A session is told of the past when there is one.
        turn = max(1, turn)
    return TimedFault(kind, moment, turn, delay_ms)


def _companions(strikes: Sequence[TimedFault]) -> list[TimedFault]:
    """What must strike too: a session is told of the past only when the one before is gone."""
    turns = {one.turn for one in strikes if one.moment is FaultMoment.SEED or one.kind in _OF_SEED}
    return [TimedFault(FaultKind.GEMINI_1006, FaultMoment.SPEECH, turn) for turn in sorted(turns)]
