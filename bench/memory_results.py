"""The plan, the results and the report of the memory benchmark."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report import Report, Table
from bench.statistics import Summary
from bench.units.prices import BilledItem
from repartee.domain.conversation.history_budget import MemoryBudget

# Below this length, the samples are shared among several conversations, so that none grows much.
_SPREAD = 200
# A fold leaves a third of the budget, and the next one comes at two thirds, about 16 turns later.
_FOLD_TURNS = 16
OURS = "Repartee"
WITHOUT_SUMMARY = "Repartee, never summed up"
COMMIT = "Repartee, the whole commit"


@dataclass(frozen=True, slots=True)
class Plan:
    """The measurements.

    Attributes:
        sizes: The numbers of turns in a conversation before the measurement.
        samples: The number of loads and appends at each size.
    """

    sizes: tuple[int, ...] = (10, 100, 1_000, 10_000)
    samples: int = 40

    def conversations(self, size: int) -> int:
        """Return the number of conversations that share the samples of a size.

        A short conversation then grows little, and a long one no more than between two folds.
        """
        return max(1, self.samples // _FOLD_TURNS, min(self.samples, _SPREAD // size))

    @classmethod
    def quick(cls) -> "Plan":
        """Return a plan with fewer samples and without the largest size."""
        return cls((10, 100, 1_000), 10)


@dataclass(frozen=True, slots=True)
class Sample:
    """One load and append.

    Attributes:
        reads: The read units.
        writes: The write units.
        calls: The number of DynamoDB calls.
    """

    ms: float
    reads: float
    writes: float
    calls: int

    @property
    def micro_usd(self) -> float:
        """The on-demand cost of its units, in millionths of a USD."""
        cost = BilledItem.READ_UNITS.cost_usd(self.reads) + BilledItem.WRITE_UNITS.cost_usd(
            self.writes
        )
        return float(cost * 1_000_000)


@dataclass(frozen=True, slots=True)
class Result:
    """One memory at one size.

    Attributes:
        stopped_at: The number of turns at which it accepted no more, None if it never stopped.
        reason: The error at which it stopped.
    """

    kind: str
    size: int
    samples: tuple[Sample, ...]
    stopped_at: int | None = None
    reason: str = ""

    def mean(self, value: Callable[[Sample], float]) -> float:
        """Return the mean of a value over the samples."""
        return sum(map(value, self.samples)) / len(self.samples)


def read_result(fields: Mapping[str, Any]) -> Result:
    """Read one line of the baselines' program."""
    samples = tuple(Sample(**sample) for sample in fields["samples"])
    return Result(
        fields["kind"], fields["size"], samples, fields.get("stopped_at"), fields.get("reason", "")
    )


def report(results: Sequence[Result], check: Mapping[str, float], plan: Plan) -> Report:
    """Report the results, with ratios to Repartee's at the same size."""
    ours = {result.size: result for result in results if result.kind == OURS}
    rows = [_row(result, ours[result.size]) for result in results]
    headings = (
        *("memory", "turns", "read units", "write units", "calls", "µUSD", "p50 ms", "p95 ms"),
        *("x µUSD", "x p50"),
    )
    stops = [
        f"{result.kind} stopped at {result.stopped_at:,} turns: {result.reason}"
        for result in results
        if result.stopped_at is not None
    ]
    return Report(
        "memory",
        "loading a conversation and appending a turn, by the turns that it has",
        (Table(headings, rows),),
        (
            "µUSD = units at on-demand prices (a write unit costs five read units); x = ratio to "
            f"{OURS} at that size.",
            f"{OURS}: load_memory (header, profile, summary, newest turns within "
            f"{MemoryBudget().tokens:,} tokens), and turn and header in one transaction.",
            f"{WITHOUT_SUMMARY}: a conversation without a summary.",
            f"{COMMIT}: commit_turn, whose transaction also moves the session's cursor, counts "
            "the user's day and checks epoch and erasure, which no other memory does.",
            *stops,
        ),
        {
            "known_units_of_4_5_kb": check,
            "samples_each": plan.samples,
            "results": [
                {
                    "kind": result.kind,
                    "size": result.size,
                    "stopped_at": result.stopped_at,
                    "reason": result.reason,
                    "ms": Summary.of([sample.ms for sample in result.samples])
                    if result.samples
                    else None,
                    "samples": result.samples,
                }
                for result in results
            ],
        },
    )


def _row(result: Result, ours: Result) -> tuple[str, ...]:
    if not result.samples:
        return (result.kind, f"{result.size:,}", *["-"] * 6, "stopped", f"at {result.stopped_at:,}")
    ms = Summary.of([sample.ms for sample in result.samples])
    our_ms = Summary.of([sample.ms for sample in ours.samples])
    cost, our_cost = result.mean(lambda it: it.micro_usd), ours.mean(lambda it: it.micro_usd)
    return (
        result.kind,
        f"{result.size:,}",
        f"{result.mean(lambda it: it.reads):.1f}",
        f"{result.mean(lambda it: it.writes):.1f}",
        f"{result.mean(lambda it: it.calls):.1f}",
        f"{cost:.2f}",
        f"{ms.p50:.1f}",
        f"{ms.p95:.1f}",
        f"{cost / our_cost:.2f}",
        f"{ms.p50 / our_ms.p50:.2f}",
    )
