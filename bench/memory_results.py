"""What is measured of each memory, what it took, and how that is told beside ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.report import Report, Table
from bench.statistics import Summary
from bench.units.prices import BilledItem
from repartee.domain.conversation.memory_budget import MemoryBudget

# Of a conversation this long, several are measured a few turns each, so that none grows by much.
_SPREAD = 200
# A fold leaves a third of the budget and the next comes at two thirds: some 16 turns later.
_FOLD_TURNS = 16
OURS = "Repartee"
WITHOUT_SUMMARY = "Repartee, never summed up"
COMMIT = "Repartee, the whole commit"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        sizes: Turns that a conversation has before.
        samples: Loads and appends at each size.
    """

    sizes: tuple[int, ...] = (10, 100, 1_000, 10_000)
    samples: int = 40

    def conversations(self, size: int) -> int:
        """Return among how many conversations the samples of a size are shared.

        So that a short one does not grow by much, and a long one by no more than between two folds.
        """
        return max(1, self.samples // _FOLD_TURNS, min(self.samples, _SPREAD // size))

    @classmethod
    def quick(cls) -> "Plan":
        """Fewer samples, and nothing that takes long to be filled."""
        return cls((10, 100, 1_000), 10)


@dataclass(frozen=True, slots=True)
class Sample:
    """One load and append.

    Attributes:
        reads: Read units.
        writes: Write units.
        calls: Calls of DynamoDB.
    """

    ms: float
    reads: float
    writes: float
    calls: int

    @property
    def micro_usd(self) -> float:
        """What its units cost on demand, in millionths of a USD."""
        cost = BilledItem.READ_UNITS.cost_usd(self.reads) + BilledItem.WRITE_UNITS.cost_usd(
            self.writes
        )
        return float(cost * 1_000_000)


@dataclass(frozen=True, slots=True)
class Result:
    """One memory at one size.

    Attributes:
        stopped_at: The turns that it had when it took no more, None where it went on.
        reason: Why it stopped.
    """

    kind: str
    size: int
    samples: tuple[Sample, ...]
    stopped_at: int | None = None
    reason: str = ""

    def mean(self, value: Callable[[Sample], float]) -> float:
        """Return the samples' mean."""
        return sum(map(value, self.samples)) / len(self.samples)


def read_result(told: Mapping[str, Any]) -> Result:
    """Read one line of the baselines' program."""
    samples = tuple(Sample(**one) for one in told["samples"])
    return Result(
        told["kind"], told["size"], samples, told.get("stopped_at"), told.get("reason", "")
    )


def report(results: Sequence[Result], check: Mapping[str, float], plan: Plan) -> Report:
    """Put the results beside each other, as ratios against ours at the same size."""
    ours = {one.size: one for one in results if one.kind == OURS}
    rows = [_row(one, ours[one.size]) for one in results]
    headings = (
        *("memory", "turns", "read units", "write units", "calls", "µUSD", "p50 ms", "p95 ms"),
        *("x µUSD", "x p50"),
    )
    stops = [
        f"{one.kind} stopped at {one.stopped_at:,} turns: {one.reason}"
        for one in results
        if one.stopped_at is not None
    ]
    return Report(
        "memory",
        "loading a conversation and appending a turn, by the turns that it has",
        (Table(headings, rows),),
        (
            "µUSD = units at on-demand prices (a write unit costs five read units); x = so many "
            "times ours at that size.",
            f"{OURS}: load_memory (header, profile, summary, newest turns within "
            f"{MemoryBudget().tokens:,} tokens), and turn and header in one transaction.",
            f"{WITHOUT_SUMMARY}: as if no summary had ever been written.",
            f"{COMMIT}: commit_turn, whose transaction also moves the session's cursor, counts "
            "the user's day and checks epoch and erasure: what no memory beside it does.",
            *stops,
        ),
        {
            "known_units_of_4_5_kb": check,
            "samples_each": plan.samples,
            "results": [
                {
                    "kind": one.kind,
                    "size": one.size,
                    "stopped_at": one.stopped_at,
                    "reason": one.reason,
                    "ms": Summary.of([sample.ms for sample in one.samples])
                    if one.samples
                    else None,
                    "samples": one.samples,
                }
                for one in results
            ],
        },
    )


def _row(one: Result, ours: Result) -> tuple[str, ...]:
    if not one.samples:
        return (one.kind, f"{one.size:,}", *["-"] * 6, "stopped", f"at {one.stopped_at:,}")
    ms = Summary.of([sample.ms for sample in one.samples])
    our_ms = Summary.of([sample.ms for sample in ours.samples])
    cost, our_cost = one.mean(lambda it: it.micro_usd), ours.mean(lambda it: it.micro_usd)
    return (
        one.kind,
        f"{one.size:,}",
        f"{one.mean(lambda it: it.reads):.1f}",
        f"{one.mean(lambda it: it.writes):.1f}",
        f"{one.mean(lambda it: it.calls):.1f}",
        f"{cost:.2f}",
        f"{ms.p50:.1f}",
        f"{ms.p95:.1f}",
        f"{cost / our_cost:.2f}",
        f"{ms.p50 / our_ms.p50:.2f}",
    )
