"""A campaign passes if no run failed and every kind of fault occurred."""

from collections import Counter
from dataclasses import replace

import pytest

from local.stack import PROJECT
from tests.chaos.judgement.gaps import Gap, GapKind
from tests.chaos.plan.run_plan import FaultKind
from tests.chaos.report import Verdict, percentile
from tests.chaos.run_result import RunResult

pytestmark = pytest.mark.unit


def result(
    seed: int = 1, *, broken: tuple[str, ...] = (), reported_as_skipped: int = 0, **happened: int
) -> RunResult:
    faults = Counter({FaultKind[name]: count for name, count in happened.items()})
    gaps = [Gap(GapKind.WORKER_KILLED, 1_000.0 * seed)]
    return RunResult(seed, broken, faults, frozenset(), gaps, 4, 0, reported_as_skipped, 10.0)


WANTED = frozenset({FaultKind.WORKER_KILLED, FaultKind.LINE_DROPPED})


def test_a_campaign_passes_when_no_run_failed_and_every_kind_occurred():
    verdict = Verdict([result(WORKER_KILLED=1), result(2, LINE_DROPPED=3)], WANTED)
    assert verdict.passed
    table = "\n".join(verdict.lines())
    assert list(verdict.lines())[-1] == "0 of 2 runs broke a promise"
    assert "NOT INJECTED" not in table
    (line,) = [one for one in verdict.lines() if GapKind.WORKER_KILLED in one]
    assert line.split()[-4:] == ["2", "1000", "2000", "2000"]


def test_a_kind_that_did_not_occur_fails_the_campaign():
    verdict = Verdict([result(WORKER_KILLED=1)], WANTED)
    assert not verdict.passed
    assert verdict.not_injected == [FaultKind.LINE_DROPPED]
    assert any(
        "NOT INJECTED" in line and FaultKind.LINE_DROPPED in line for line in verdict.lines()
    )


def test_a_broken_promise_fails_the_campaign():
    broken = result(2, broken=("lost: this", "hung: that"), LINE_DROPPED=1)
    verdict = Verdict([result(WORKER_KILLED=1), broken], WANTED)
    assert not verdict.passed
    assert verdict.failed == [broken]
    assert "1 of 2 runs broke a promise: 1 lost, 1 hung" in list(verdict.lines())


def test_an_inconclusive_run_is_counted():
    hard = result(WORKER_KILLED=1, LINE_DROPPED=2, DUPLICATED=9)
    verdict = Verdict([hard, replace(hard, turns=3), result(WORKER_KILLED=9)], frozenset())
    assert len(verdict.inconclusive) == 2
    table = "\n".join(verdict.lines())
    assert "runs with fewer than 4 turns or 3 kinds of faults       2" in table


def test_utterances_that_are_reported_as_skipped_are_counted():
    verdict = Verdict([result(reported_as_skipped=2), result(2)], frozenset())
    assert "utterances reported as skipped                          2" in "\n".join(verdict.lines())


def test_a_silence_above_the_limit_is_marked_and_does_not_fail_the_campaign():
    (line,) = [
        line
        for line in Verdict([result(9, WORKER_KILLED=1)], frozenset()).lines()
        if GapKind.WORKER_KILLED in line
    ]
    assert line.endswith("9000  ! above 8000")
    assert Verdict([result(9, WORKER_KILLED=1)], frozenset()).passed


def test_the_operations_page_names_every_kind_of_fault():
    page = (PROJECT / "docs" / "operations.md").read_text()
    assert [kind for kind in FaultKind if f"`{kind}`" not in page] == []


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.5, 10), (0.95, 19), (0.99, 20), (1.0, 20)]
)
def test_percentiles_are_values_that_were_measured(share: float, expected: int):
    assert percentile(list(range(20, 0, -1)), share) == expected
