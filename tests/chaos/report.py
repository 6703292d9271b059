"""The report of a campaign."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repartee.application.serving.lease_keeper import LEASE_MS
from tests.chaos.judgement.gaps import GapKind
from tests.chaos.plan.run_plan import FaultKind
from tests.chaos.run_result import RunResult

PROMISED_MS = {GapKind.WORKER_KILLED: LEASE_MS + 3_000, GapKind.HELLO: 300}
"""Limits of the 95th percentile on an idle machine; exceeding one is marked and does not fail."""

MIN_TURNS, MIN_FAULT_KINDS = 4, 3
"""A run with fewer turns or kinds of faults is counted as inconclusive."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank percentile; ``share`` is from 0 to 1."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on all runs of a campaign.

    Attributes:
        results: The results of the runs.
        wanted: The kinds of faults that must occur.
    """

    results: Sequence[RunResult]
    wanted: frozenset[FaultKind]

    @property
    def happened(self) -> Counter[FaultKind]:
        """The number of faults by kind."""
        return sum((result.happened for result in self.results), Counter[FaultKind]())

    @property
    def not_injected(self) -> list[FaultKind]:
        """The wanted kinds that did not occur."""
        return sorted(self.wanted - self.happened.keys())

    @property
    def failed(self) -> list[RunResult]:
        """The runs that broke a promise."""
        return [result for result in self.results if result.broken]

    @property
    def inconclusive(self) -> list[RunResult]:
        """Runs with too few turns or kinds of faults."""
        return [
            result
            for result in self.results
            if result.turns < MIN_TURNS or len(result.happened) < MIN_FAULT_KINDS
        ]

    @property
    def passed(self) -> bool:
        """Whether no run failed and every wanted kind occurred."""
        return not self.failed and not self.not_injected

    def lines(self) -> Iterator[str]:
        """Return the lines of the report."""
        turns = sum(result.turns for result in self.results)
        seconds = [result.seconds for result in self.results]
        yield f"{'runs':<50} {len(self.results):>6}"
        yield f"{'turns remembered':<50} {turns:>6}"
        stale = sum(result.stale_frames_received for result in self.results)
        yield f"{'frames of replaced workers, dropped by clients':<50} {stale:>6}"
        skipped = sum(result.reported_as_skipped for result in self.results)
        yield f"{'utterances reported as skipped':<50} {skipped:>6}"
        few = len(self.inconclusive)
        yield f"{'runs with fewer than 4 turns or 3 kinds of faults':<50} {few:>6}"
        if seconds:
            yield f"{'seconds per run, p50':<50} {percentile(seconds, 0.5):>6.1f}"
        yield ""
        yield f"{'faults that occurred':<50} {'times':>6} {'runs':>6}"
        for kind in FaultKind:
            runs = sum(kind in result.happened for result in self.results)
            times = self.happened[kind]
            mark = "" if times or kind not in self.wanted else "  NOT INJECTED"
            yield f"  {kind:<48} {times:>6} {runs:>6}{mark}"
        yield ""
        yield f"{'silence until the next audio, ms':<50} {'n':>4} {'p50':>7} {'p95':>7} {'max':>7}"
        for gap_kind in GapKind:
            ms = [gap.ms for one in self.results for gap in one.gaps if gap.kind is gap_kind]
            if ms:
                p95 = percentile(ms, 0.95)
                promised = PROMISED_MS.get(gap_kind)
                mark = f"  ! above {promised}" if promised is not None and p95 > promised else ""
                yield (
                    f"  {gap_kind:<48} {len(ms):>4} {percentile(ms, 0.5):>7.0f} "
                    f"{p95:>7.0f} {max(ms):>7.0f}{mark}"
                )
        yield ""
        kinds = Counter(text.partition(":")[0] for one in self.failed for text in one.broken)
        found = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        summary = f"{len(self.failed)} of {len(self.results)} runs broke a promise"
        yield f"{summary}: {found}" if found else summary
