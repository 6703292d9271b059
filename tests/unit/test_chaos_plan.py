"""A run's plan: all of it from its seed, and together they leave nothing out."""

import pytest

from local.chaos.campaign import FULL_ROUND
from local.chaos.plan import Kind, Moment, plan_run

pytestmark = pytest.mark.unit

SEEDS = range(200)


def test_a_seed_always_means_the_same_run():
    assert [plan_run(seed) for seed in SEEDS] == [plan_run(seed) for seed in SEEDS]
    assert len({plan_run(seed).strikes for seed in SEEDS}) > len(SEEDS) / 2


@pytest.mark.parametrize("first", [0, 1, 9, 57, 1_000])
def test_a_full_round_of_seeds_in_a_row_leaves_out_no_kind_and_no_moment(first: int):
    plans = [plan_run(seed) for seed in range(first, first + FULL_ROUND)]

    assert frozenset().union(*(plan.kinds for plan in plans)) == frozenset(Kind)
    strikes = {strike for plan in plans for strike in plan.strikes}
    assert {strike.moment for strike in strikes} == set(Moment)
    deaths = {one.moment for one in strikes if one.kind is Kind.WORKER_KILLED}
    assert deaths == set(Moment) - {Moment.START}


def test_every_run_has_four_turns_and_three_faults_at_least():
    for plan in map(plan_run, SEEDS):
        assert len(set(plan.utterances)) >= 4
        assert len(plan.kinds) >= 3
        assert all(0 <= strike.turn < len(plan.utterances) for strike in plan.strikes)


def test_a_moment_is_only_waited_for_where_it_can_come():
    for plan in map(plan_run, SEEDS):
        for strike in plan.strikes:
            match strike.moment:
                case Moment.TOOL_EFFECT:
                    assert plan.utterances[strike.turn][1] == 1  # the booking
                case Moment.RELEASE:
                    assert strike.turn in plan.rests_after
                case Moment.SEED:
                    before = [s.kind for s in plan.strikes if s.turn == strike.turn]
                    assert strike.turn > 0
                    assert Kind.GEMINI_1006 in before
                case _:
                    pass
        assert not plan.eager & plan.rests_after


def test_a_lost_disconnect_needs_a_line_that_is_dropped():
    for plan in map(plan_run, SEEDS):
        if Kind.DISCONNECT_LOST in plan.kinds:
            assert Kind.LINE_DROPPED in plan.kinds
