"""A run's plan: all of it from its seed, and together they leave nothing out."""

import pytest

from tests.chaos.plan.generator import FULL_ROUND, plan_run
from tests.chaos.plan.run_plan import FaultKind, FaultMoment, RunPlan, Takeover
from tests.integration.test_chaos_campaign import SEEDS as CI_SEEDS

pytestmark = pytest.mark.unit

SEEDS = range(200)


def test_a_seed_always_means_the_same_run():
    assert [plan_run(seed) for seed in SEEDS] == [plan_run(seed) for seed in SEEDS]
    assert len({plan_run(seed).timed_faults for seed in SEEDS}) > len(SEEDS) / 2


def kinds_of(plans: list[RunPlan]) -> frozenset[FaultKind]:
    return frozenset[FaultKind]().union(*(plan.kinds for plan in plans))


def test_a_full_round_of_seeds_in_a_row_leaves_out_no_kind():
    plans = [plan_run(seed) for seed in range(1_500)]
    for first in range(len(plans) - FULL_ROUND):
        assert kinds_of(plans[first : first + FULL_ROUND]) == frozenset(FaultKind), first


def test_the_suite_of_tests_holds_every_kind_and_every_moment_of_death():
    plans = [plan_run(seed) for seed in CI_SEEDS]
    assert kinds_of(plans) == frozenset(FaultKind)
    deaths = {
        strike.moment
        for plan in plans
        for strike in plan.timed_faults
        if strike.kind is FaultKind.WORKER_KILLED
    }
    assert deaths == set(FaultMoment) - {FaultMoment.START, FaultMoment.OPENED}


def test_a_second_device_takes_over_at_every_point_of_a_turn():
    plans = map(plan_run, SEEDS)
    points = {plan.takeover for plan in plans if plan.ending is FaultKind.SECOND_DEVICE}
    assert points == set(Takeover)


def test_the_suite_of_tests_takes_over_in_mid_turn():
    plans = [plan_run(seed) for seed in CI_SEEDS]
    points = {plan.takeover for plan in plans if plan.ending is FaultKind.SECOND_DEVICE}
    assert points - {Takeover.REMEMBERED}


def test_every_run_has_four_turns_and_three_faults_at_least():
    for plan in map(plan_run, SEEDS):
        assert len(set(plan.utterances)) >= 4
        assert len(plan.kinds) >= 3
        assert all(0 <= strike.turn < len(plan.utterances) for strike in plan.timed_faults)


def test_a_moment_is_only_waited_for_where_it_can_come():
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


def test_nothing_else_strikes_from_a_reply_on_that_is_spoken_over_or_outlasts_its_worker():
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


def test_what_is_said_after_the_first_session_is_nothing_that_was_said_before():
    for plan in map(plan_run, SEEDS):
        assert plan.last_words not in plan.utterances


def test_a_lost_disconnect_needs_a_line_that_is_dropped():
    for plan in map(plan_run, SEEDS):
        if FaultKind.DISCONNECT_LOST in plan.kinds:
            assert FaultKind.LINE_DROPPED in plan.kinds
