"""A handful of conversations on the whole stack, each under several faults; the seeds are fixed."""

import asyncio
from pathlib import Path

import pytest

from local.chaos.campaign import Campaign
from local.chaos.plan import plan_run

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("chaos")]

SEEDS = (6, 7, 8, 9)


def test_no_word_is_lost_nothing_is_doubled_and_nobody_hangs(tmp_path: Path):
    planned = frozenset[str]().union(*(plan_run(seed).kinds for seed in SEEDS))
    assert len(planned) >= 13

    verdict = asyncio.run(Campaign(SEEDS, folder=tmp_path).hold())

    table = "\n".join(verdict.lines())
    assert [(result.seed, result.broken) for result in verdict.failed] == [], table
    assert verdict.not_injected == [], table
    assert all(result.turns >= 4 for result in verdict.results), table
    assert all(len(result.happened) >= 3 for result in verdict.results), table
