from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from repartee.ports.metrics import Metric


@dataclass(slots=True)
class FakeMetrics:
    """Keeps the recorded values.

    Attributes:
        written: Each value with its metric and the value of the metric's own dimension.
    """

    written: list[tuple[Metric, float | Decimal, str]] = field(default_factory=list)

    def record(self, values: Mapping[Metric, float | Decimal], *, by: str = "") -> None:
        for metric, value in values.items():
            assert bool(by) == bool(metric.dimension), f"{metric} by {by!r}"
            self.written.append((metric, value, by))

    def of(self, metric: Metric) -> list[float | Decimal]:
        """Return the values of a metric, in order."""
        return [value for one, value, _ in self.written if one is metric]

    def by(self, metric: Metric) -> list[str]:
        """Return the values of a metric's own dimension, in order."""
        return [by for one, _, by in self.written if one is metric]
