"""The statistics of the benchmarks."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie, interpolated between neighbours.

    Args:
        values: One value or more, in any order.
        share: The share, from 0 to 1; 0.5 is the median.

    Raises:
        ValueError: There are no values, or ``share`` is out of range.
    """
    if not values:
        raise ValueError("no values")
    if not 0 <= share <= 1:
        raise ValueError(f"share must be from 0 to 1, not {share}")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    low, high = ordered[floor(position)], ordered[ceil(position)]
    return low + (high - low) * (position - floor(position))


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the growth of y per x by least squares.

    Raises:
        ValueError: There are fewer than two different x.
    """
    count = len(points)
    mean_x = sum(x for x, _ in points) / count if count else 0.0
    mean_y = sum(y for _, y in points) / count if count else 0.0
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        raise ValueError("a slope needs two different x")
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


@dataclass(frozen=True, slots=True)
class Summary:
    """The statistics of some values. With few values, p95 is close to the largest."""

    n: int
    p50: float
    p95: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Summary":
        """Summarize ``values``.

        Raises:
            ValueError: There are no values.
        """
        return cls(
            len(values),
            percentile(values, 0.5),
            percentile(values, 0.95),
            min(values),
            max(values),
        )
