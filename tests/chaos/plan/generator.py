"""Plans the faults of a run from its seed."""

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
"""This many consecutive seeds include every kind of fault."""

_RECORDINGS = ("default", "alternative", "second_user")
_BOOKING = 1
_LAST = 3
_MAX_DELAY_MS = 1_500

# The campaign's copy of the functions hands over from 21.5 s before the end (campaign.py).
_SHORT_LIVES_S = (23.0, 24.0, 25.5)
# A reply in real time does not fit into this life.
_FORCED_LIFE_S = 22.7
# This turn has the longest reply. Faults that need a turn without other faults occur here.
_LONG_REPLY = 2

type _Fault = tuple[FaultKind, *tuple[FaultMoment, ...]]
"""A kind of fault, and the moments from which one is chosen at random."""

# Every run has one of these faults, in the order of the seeds. Most take the time of a lease.
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
# Every run has one of these faults of the connection or of Gemini. The list is shorter by one, so
# that the pairs of the two lists vary.
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
# Every run has one of these unusual behaviours of Gemini, or none.
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
# Every run has two neighbours of this list. Most of them last the whole run.
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
    *(_WHOLE_RUN := (FaultKind.GEMINI_PACED, FaultKind.GEMINI_OLD_IDLE)),
)
# In every seventh run the user prefers a language that Gemini refuses.
_REFUSED_LANGUAGE_EVERY = 7
# In every fifth run the agent greets first. In every second one of these the user listens to it.
_GREETS_EVERY = 5
# In every third run the user stops a reply, in a turn without other faults.
_STOPS_EVERY = 3
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
# The end of the first session; None: the user hangs up.
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
    """Return the plan of a seed.

    The seed selects the faults that must be covered in turn. The rest is chosen at random.
    """
    chance = random.Random(f"plan/{seed}")  # noqa: S311 - repeatable
    heavy = _deal(_HEAVY, seed, chance)
    medium = _deal(_MEDIUM, seed, chance)
    lights = {_LIGHT[(2 * seed) % len(_LIGHT)], _LIGHT[(2 * seed + 1) % len(_LIGHT)]}
    is_forced = heavy[0] is FaultKind.FORCED_HAND_OVER
    # The user does not interrupt a reply that a forced hand-over restarts.
    if is_forced:
        lights.discard(FaultKind.BARGED_IN)
    elif FaultKind.BARGED_IN in lights and heavy[1] in _IN_HAND_OVER:
        heavy = (heavy[0], FaultMoment.SPEECH)
    is_short_lived = FaultKind.HAND_OVER in lights or heavy[1] in _IN_HAND_OVER
    needs_quiet = is_forced or FaultKind.BARGED_IN in lights
    last = _LONG_REPLY - 1 if needs_quiet else _LAST
    faults = [_timed_fault(*heavy, chance, last), _timed_fault(*medium, chance, last)]
    if odd := _ODD[seed % len(_ODD)]:
        faults.append(_timed_fault(*odd, chance, last))
    faults += _companions(faults)
    if FaultKind.BARGED_IN in lights:
        faults.append(TimedFault(FaultKind.BARGED_IN, FaultMoment.START, _LONG_REPLY))
    if FaultKind.DISCONNECT_LOST in lights:
        faults.append(_timed_fault(FaultKind.LINE_DROPPED, FaultMoment.RANDOM, chance, last))
    if chance.random() < 0.3:
        faults.append(_timed_fault(FaultKind.LINE_DROPPED, FaultMoment.REPLY, chance, last))
    silent_after_turns = {fault.turn for fault in faults[:1] if fault.moment is FaultMoment.RELEASE}
    if is_short_lived:
        # On a busy machine the pauses between turns may be too short for a hand-over.
        silent_after_turns.add(0)
    no_pause_after_turns = {turn for turn in range(_LAST) if chance.random() < 0.3}
    life_s = chance.choice(_SHORT_LIVES_S) if is_short_lived else None
    utterances, last_words = _conversation(chance)
    if seed % _STOPS_EVERY == 1:
        faults += _stop(faults, min(last, _LAST - 1), chance)
    return RunPlan(
        seed=seed,
        utterances=utterances,
        last_words=last_words,
        ending=_ENDINGS[seed % len(_ENDINGS)],
        takeover=_TAKEOVERS[seed // len(_ENDINGS) % len(_TAKEOVERS)],
        no_pause_after_turns=frozenset(no_pause_after_turns - silent_after_turns),
        silent_after_turns=frozenset(silent_after_turns),
        timed_faults=tuple(faults),
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
            *(kind for kind in _WHOLE_RUN if kind in lights),
            *((FaultKind.GEMINI_LANGUAGE_REFUSED,) if seed % _REFUSED_LANGUAGE_EVERY == 0 else ()),
        ),
        has_duplicate_events=FaultKind.EVENT_DOUBLED in lights,
        worker_life_s=_FORCED_LIFE_S if is_forced else life_s,
        is_without_worker=FaultKind.NO_WORKER in lights,
        greets=seed % _GREETS_EVERY == 0,
        waits_for_greeting=seed % (2 * _GREETS_EVERY) == 0,
    )


def _deal(
    faults: Sequence[_Fault], seed: int, chance: random.Random
) -> tuple[FaultKind, FaultMoment]:
    kind, *moments = faults[seed % len(faults)]
    return kind, chance.choice(moments)


def _conversation(
    chance: random.Random,
) -> tuple[tuple[tuple[str, int], ...], tuple[str, int]]:
    """Choose a greeting, a booking and two questions about it, and a greeting by another voice."""
    mine, other = chance.sample(_RECORDINGS, 2)
    return ((mine, 0), (mine, _BOOKING), (mine, 2), (other, 2)), (other, 0)


def _timed_fault(
    kind: FaultKind, moment: FaultMoment, chance: random.Random, last: int
) -> TimedFault:
    """Choose the turn of a fault, up to ``last``, unless the kind or the moment determines it."""
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
        # Later turns may have a worker with the usual time.
        turn = min(turn, 1)
    elif moment is FaultMoment.SEED or kind in _OF_SEED:
        # The first turn has no history.
        turn = max(1, turn)
    return TimedFault(kind, moment, turn, delay_ms)


def _stop(faults: Sequence[TimedFault], last: int, chance: random.Random) -> Sequence[TimedFault]:
    struck = {fault.turn for fault in faults}
    free = [turn for turn in range(last + 1) if turn not in struck]
    return [TimedFault(FaultKind.STOPPED, FaultMoment.REPLY, chance.choice(free))] if free else []


def _companions(faults: Sequence[TimedFault]) -> list[TimedFault]:
    """Return the faults that end a Live session, so that the next one gets a history."""
    turns = {
        fault.turn for fault in faults if fault.moment is FaultMoment.SEED or fault.kind in _OF_SEED
    }
    return [TimedFault(FaultKind.GEMINI_1006, FaultMoment.SPEECH, turn) for turn in sorted(turns)]
