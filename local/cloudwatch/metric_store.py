"""Metrics of one run: their data, and the statistics of each period."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

type Series = dict[int, float]
"""One value for each period, by the period's start in Unix ms; periods without data are missing."""


@dataclass(frozen=True, slots=True, order=True)
class MetricId:
    """The identity of a metric.

    Args:
        namespace: For example ``AWS/Lambda``.
        name: The name of the metric.
        dimensions: Names and values, sorted by name. CloudWatch aggregates nothing across
            dimensions, so each set is a metric in itself.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "MetricId":
        """Return the identity for dimensions in any order."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(frozen=True, slots=True)
class Datum:
    """One measured value.

    Args:
        at_ms: Its timestamp, in Unix ms.
        value: The value.
        seen_ms: The time from which CloudWatch has it. Lambda publishes the metrics of an
            invocation at its end and stamps them with its start.
    """

    at_ms: int
    value: float
    seen_ms: int


@dataclass(slots=True)
class MetricStore:
    """Data by metric. Readers of a run's files fill it."""

    _data: dict[MetricId, list[Datum]] = field(default_factory=dict)

    def add(
        self, metric: MetricId, at_ms: int, values: Iterable[float], seen_ms: int | None = None
    ) -> None:
        """Add values with one timestamp; without ``seen_ms`` CloudWatch has them at once."""
        seen = at_ms if seen_ms is None else seen_ms
        self._data.setdefault(metric, []).extend(Datum(at_ms, value, seen) for value in values)

    def metrics(self) -> Sequence[MetricId]:
        """Return all metrics that have data, sorted."""
        return sorted(self._data)

    def data(self, metric: MetricId) -> Sequence[Datum]:
        """Return the data of a metric, in the order in which they were read."""
        return tuple(self._data.get(metric, ()))

    def span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last timestamp of all data; None without data."""
        stamps = [datum.at_ms for data in self._data.values() for datum in data]
        return (min(stamps), max(stamps)) if stamps else None

    def series(
        self,
        metric: MetricId,
        statistic: str,
        period_s: int,
        *,
        start_ms: int,
        end_ms: int,
        seen_by_ms: int | None = None,
        origin_ms: int = 0,
    ) -> Series:
        """Return a statistic of each period.

        Args:
            metric: The metric.
            statistic: See ``statistic_of``.
            period_s: The length of a period.
            start_ms: Data before this time are left out.
            end_ms: Data from this time on are left out.
            seen_by_ms: The time of the query; data that arrive later are left out.
            origin_ms: Periods start at multiples of their length before and after this time.

        Returns:
            The values by start of the period; periods without data are missing.
        """
        period_ms = period_s * 1000
        values: dict[int, list[float]] = {}
        for datum in self._data.get(metric, ()):
            is_seen = seen_by_ms is None or datum.seen_ms <= seen_by_ms
            if is_seen and start_ms <= datum.at_ms < end_ms:
                start = (datum.at_ms - origin_ms) // period_ms * period_ms + origin_ms
                values.setdefault(start, []).append(datum.value)
        return {at: statistic_of(statistic, values[at]) for at in sorted(values)}

    def between(self, start_ms: int, end_ms: int) -> "MetricStore":
        """Return a store with the data of a time range alone, without its end."""
        return MetricStore(
            {
                metric: kept
                for metric, data in self._data.items()
                if (kept := [datum for datum in data if start_ms <= datum.at_ms < end_ms])
            }
        )

    def stretched(
        self, origin_ms: int, factor: float, *, to_ms: int | None = None
    ) -> "MetricStore":
        """Return a store in which time passes ``factor`` times as slowly from ``origin_ms`` on.

        So a run of seconds has the metrics of minutes.

        Args:
            origin_ms: A time of the run.
            factor: The number of seconds for each second of the run.
            to_ms: The time that ``origin_ms`` becomes; None keeps it.
        """
        start_ms = origin_ms if to_ms is None else to_ms

        def later(at_ms: int) -> int:
            return start_ms + round((at_ms - origin_ms) * factor)

        return MetricStore(
            {
                metric: [
                    replace(datum, at_ms=later(datum.at_ms), seen_ms=later(datum.seen_ms))
                    for datum in data
                ]
                for metric, data in self._data.items()
            }
        )


def statistic_of(statistic: str, values: Sequence[float]) -> float:
    """Return a statistic of at least one value.

    Args:
        statistic: ``Sum``, ``Average``, ``Minimum``, ``Maximum``, ``SampleCount`` or a percentile
            such as ``p95`` or ``p99.9``.
        values: The values.

    Raises:
        ValueError: The statistic is another one.
    """
    match statistic:
        case "Sum":
            return math.fsum(values)
        case "Average":
            return math.fsum(values) / len(values)
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
        case "SampleCount":
            return float(len(values))
        case _ if statistic.startswith("p"):
            # The nearest rank; CloudWatch does not publish how it interpolates.
            rank = math.ceil(float(statistic[1:]) / 100 * len(values))
            return sorted(values)[max(rank, 1) - 1]
    raise ValueError(f"the statistic {statistic} is not supported")
