"""Plans follow from their seeds, and consecutive seeds cover all faults."""

import pytest

from tests.chaos.plan.generator import FULL_ROUND, plan_run
from tests.chaos.plan.run_plan import FaultKind, FaultMoment, RunPlan, Takeover
from tests.integration.test_chaos_campaign import SEEDS as CI_SEEDS

pytestmark = pytest.mark.unit

SEEDS = range(200)


def test_a_seed_determines_the_plan():
    assert [plan_run(seed) for seed in SEEDS] == [plan_run(seed) for seed in SEEDS]
    assert len({plan_run(seed).timed_faults for seed in SEEDS}) > len(SEEDS) / 2


def kinds_of(plans: list[RunPlan]) -> frozenset[FaultKind]:
    return frozenset[FaultKind]().union(*(plan.kinds for plan in plans))


def test_a_full_round_of_seeds_covers_every_kind():
    plans = [plan_run(seed) for seed in range(1_500)]
    for first in range(len(plans) - FULL_ROUND):
        assert kinds_of(plans[first : first + FULL_ROUND]) == frozenset(FaultKind), first


def test_the_test_suite_covers_every_kind_and_every_moment_of_death():
    plans = [plan_run(seed) for seed in CI_SEEDS]
    assert kinds_of(plans) == frozenset(FaultKind)
    deaths = {
        strike.moment
        for plan in plans
        for strike in plan.timed_faults
        if strike.kind is FaultKind.WORKER_KILLED
    }
    assert deaths == set(FaultMoment) - {FaultMoment.START, FaultMoment.OPENED}


def test_takeovers_cover_every_point_of_a_turn():
    plans = map(plan_run, SEEDS)
    points = {plan.takeover for plan in plans if plan.ending is FaultKind.SECOND_DEVICE}
    assert points == set(Takeover)


def test_the_test_suite_covers_takeovers_during_a_turn():
    plans = [plan_run(seed) for seed in CI_SEEDS]
    points = {plan.takeover for plan in plans if plan.ending is FaultKind.SECOND_DEVICE}
    assert points - {Takeover.REMEMBERED}


def test_every_run_has_at_least_four_turns_and_three_faults():
    for plan in map(plan_run, SEEDS):
        assert len(set(plan.utterances)) >= 4
        assert len(plan.kinds) >= 3
        assert all(0 <= strike.turn < len(plan.utterances) for strike in plan.timed_faults)


def test_every_fault_is_in_a_turn_where_its_moment_can_occur():
    for plan in map(plan_run, SEEDS):
        for strike in plan.timed_faults:
            match strike.moment:
                case FaultMoment.TOOL_EFFECT:
                    assert plan.utterances[strike.turn][1] == 1  # the booking
                case FaultMoment.RELEASE:
                    assert strike.turn in plan.silent_after_turns
                case FaultMoment.SEED:
                    before = [s.kind for s in plan.timed_faults if s.turn == strike.turn]
                    assert strike.turn > 0
                    assert FaultKind.GEMINI_1006 in before
                case FaultMoment.HAND_OVER | FaultMoment.WOKEN:
                    assert plan.worker_life_s is not None
                case _:
                    pass
        assert not plan.no_pause_after_turns & plan.silent_after_turns


def test_no_other_fault_follows_a_long_reply():
    for plan in map(plan_run, SEEDS):
        long = [
            s
            for s in plan.timed_faults
            if s.kind in {FaultKind.BARGED_IN, FaultKind.FORCED_HAND_OVER}
        ]
        assert len(long) <= 1
        if long:
            others = [one for one in plan.timed_faults if one not in long]
            assert all(one.turn < long[0].turn for one in others)
            assert plan.is_spoken_over(long[0].turn) == (long[0].kind is FaultKind.BARGED_IN)


def test_the_second_session_has_other_words_than_the_first():
    for plan in map(plan_run, SEEDS):
        assert plan.last_words not in plan.utterances


def test_a_lost_disconnect_comes_with_a_dropped_connection():
    for plan in map(plan_run, SEEDS):
        if FaultKind.DISCONNECT_LOST in plan.kinds:
            assert FaultKind.LINE_DROPPED in plan.kinds
