"""The result of one run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.judgement.gaps import Gap
from tests.chaos.plan.run_plan import FaultKind, RunPlan


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of one run.

    Attributes:
        seed: The run's seed.
        broken: A description of each broken promise.
        happened: The faults that occurred, with counts.
        missed: Planned kinds of faults that did not occur.
        gaps: The measured silences.
        turns: The number of turns in memory.
        stale_frames_received: Frames of replaced workers that the client dropped.
        reported_as_skipped: Utterances that were not understood and that a turn reports as skipped.
        seconds: The duration of the run.
    """

    seed: int
    broken: Sequence[str]
    happened: Counter[FaultKind]
    missed: frozenset[FaultKind]
    gaps: Sequence[Gap]
    turns: int
    stale_frames_received: int
    reported_as_skipped: int
    seconds: float


def crashed_result(plan: RunPlan, error: Exception, seconds: float) -> RunResult:
    """Return the result of a run that ended with an unexpected error."""
    return RunResult(
        seed=plan.seed,
        broken=[f"crashed: {type(error).__name__}: {error}"],
        happened=Counter(),
        missed=plan.kinds,
        gaps=(),
        turns=0,
        stale_frames_received=0,
        reported_as_skipped=0,
        seconds=seconds,
    )
