"""A round of conversations on the whole stack, each under several faults, with fixed seeds.

A lost or repeated utterance fails at once. A seed does not decide how processes interleave, and a
conversation may not end on a busy machine. Therefore a run that hung is repeated alone, and a kind
of fault that never occurred gets another conversation. ``make chaos`` runs each seed once and
tolerates nothing.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from local.dashboard.run_data import dashboards
from tests.chaos.campaign import Campaign
from tests.chaos.plan.generator import plan_run
from tests.chaos.plan.run_plan import FaultKind
from tests.chaos.report import MIN_FAULT_KINDS, MIN_TURNS, Verdict

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("chaos")]

SEEDS = tuple(range(1, 16))


def held(seeds: Sequence[int], folder: Path, *, lanes: int = 1) -> Verdict:
    return asyncio.run(Campaign(seeds, folder=folder, lanes=lanes).run())


def seeds_for(kinds: Iterable[FaultKind]) -> set[int]:
    """Return the next seed for each kind, after those of the round."""
    after = SEEDS[-1] + 1
    return {next(seed for seed in count(after) if kind in plan_run(seed).kinds) for kind in kinds}


def is_of_time(broken: str) -> bool:
    """Return whether a busy machine may be the cause."""
    return broken.startswith("hung:")


@dataclass(frozen=True, slots=True)
class Round:
    """The round and its folder."""

    verdict: Verdict
    folder: Path


@pytest.fixture(scope="module")
def first_round(tmp_path_factory: pytest.TempPathFactory) -> Round:
    folder = tmp_path_factory.mktemp("campaign") / "round"
    return Round(held(SEEDS, folder, lanes=2), folder)


def test_no_utterance_is_lost_repeated_or_left_unanswered(first_round: Round, tmp_path: Path):
    verdict = first_round.verdict
    results = {result.seed: result for result in verdict.results}
    happened = {kind for result in verdict.results for kind in result.happened}
    table = "\n".join(verdict.lines())

    hung = {one.seed for one in verdict.failed if any(map(is_of_time, one.broken))}
    inconclusive = {seed for seed, one in results.items() if len(one.happened) < MIN_FAULT_KINDS}
    doubtful = hung | {seed for seed in inconclusive if not results[seed].broken}
    if again := sorted(doubtful | seeds_for(verdict.not_injected)):
        second = held(again, tmp_path / "again")
        results |= {result.seed: result for result in second.results}
        table += "\n" + "\n".join(second.lines())

    happened |= {kind for result in results.values() for kind in result.happened}
    assert [(seed, one.broken) for seed, one in results.items() if one.broken] == [], table
    assert verdict.wanted == happened == frozenset(FaultKind), table
    assert all(len(one.happened) >= MIN_FAULT_KINDS for one in results.values()), table
    # Speech during a restarted turn belongs to that turn: a run may have one turn fewer.
    assert sum(results[seed].turns for seed in SEEDS) >= MIN_TURNS * len(SEEDS), table


def test_every_widget_of_the_dashboards_has_data_after_the_round(first_round: Round):
    views = [
        placed.view
        for dashboard in dashboards(sorted(first_round.folder.glob("lane-*")))
        for placed in dashboard.views
    ]

    assert len(views) > 30
    assert [view for view in views if not view.has_data] == []
