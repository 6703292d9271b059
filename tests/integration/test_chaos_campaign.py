"""A round of conversations on the whole stack, each under several faults; the seeds are fixed."""

import asyncio
from pathlib import Path

import pytest

from local.chaos.campaign import Campaign
from local.chaos.plan import Kind

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("chaos")]

SEEDS = tuple(range(1, 16))


def test_no_word_is_lost_nothing_is_doubled_and_nobody_hangs(tmp_path: Path):
    verdict = asyncio.run(Campaign(SEEDS, folder=tmp_path, lanes=2).hold())

    table = "\n".join(verdict.lines())
    assert [(result.seed, result.broken) for result in verdict.failed] == [], table
    assert verdict.wanted == frozenset(Kind)
    assert verdict.not_injected == [], table
    # Who speaks on while a turn is answered anew is in that turn: a run may have one turn fewer.
    assert sum(result.turns for result in verdict.results) >= 4 * len(SEEDS), table
    assert all(len(result.happened) >= 3 for result in verdict.results), table
