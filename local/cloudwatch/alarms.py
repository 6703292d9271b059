"""Evaluates metric alarms as CloudWatch does.

Sources, read 2026-12-01: CloudWatch user guide, "Alarm evaluation", "Configuring how CloudWatch
alarms treat missing data" and "Alarm evaluation window"; PutMetricAlarm in the API reference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from local.cloudwatch.metric_math import MetricMath
from local.cloudwatch.metric_store import MetricId, MetricStore, Series

_MINUTE_MS = 60_000
# CloudWatch retrieves more periods than it evaluates; its guide's examples have 5 for 3.
_MORE_PERIODS = 2


class AlarmState(StrEnum):
    """The state of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A metric of an alarm, and its statistic."""

    metric: MetricId
    statistic: str
    period_s: int


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """An alarm on a metric or on an expression.

    Args:
        name: The alarm's name.
        queries: The metrics by id.
        expressions: The expressions by id.
        watched: The id of the metric or expression with the value to compare.
        comparison: CloudFormation's ``ComparisonOperator``.
        threshold: The value is compared with this.
        evaluation_periods: The number of recent periods to evaluate.
        datapoints_to_alarm: The number of breaching periods that raise the alarm.
        missing_data: CloudFormation's ``TreatMissingData``.
    """

    name: str
    queries: Mapping[str, MetricQuery]
    expressions: Mapping[str, str]
    watched: str
    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: str

    @property
    def period_s(self) -> int:
        """The period, which all metrics of an alarm share."""
        return next(iter(self.queries.values())).period_s

    @property
    def missing_data_rule(self) -> str:
        """The rule that applies: alarms on DynamoDB's metrics keep their state."""
        namespaces = {query.metric.namespace for query in self.queries.values()}
        return "ignore" if "AWS/DynamoDB" in namespaces else self.missing_data

    def breaches(self, value: float) -> bool:
        """Return whether a value is beyond the threshold."""
        match self.comparison:
            case "GreaterThanThreshold":
                return value > self.threshold
            case "GreaterThanOrEqualToThreshold":
                return value >= self.threshold
            case "LessThanThreshold":
                return value < self.threshold
            case "LessThanOrEqualToThreshold":
                return value <= self.threshold
        raise ValueError(f"the comparison {self.comparison} is not supported")

    def values(self, store: MetricStore, now_ms: int) -> Sequence[float | None]:
        """Return the values of the periods that CloudWatch retrieves at a time, the oldest first.

        The window slides: its last period ends at ``now_ms``. A period without a value is None.
        """
        period_ms = self.period_s * 1000
        count = self.evaluation_periods + _MORE_PERIODS
        periods = [now_ms - period_ms * back for back in range(count, 0, -1)]
        series: dict[str, Series] = {
            key: store.series(
                query.metric,
                query.statistic,
                query.period_s,
                start_ms=periods[0],
                end_ms=now_ms,
                seen_by_ms=now_ms,
                origin_ms=now_ms,
            )
            for key, query in self.queries.items()
        }
        watched = series.get(self.watched)
        if watched is None:
            math = MetricMath(series, periods, self.expressions)
            watched = math.evaluate(self.expressions[self.watched])
        return [watched.get(at) for at in periods]

    def state(self, store: MetricStore, now_ms: int, before: AlarmState) -> AlarmState:
        """Return the state at a time.

        Args:
            store: The metrics.
            now_ms: The time, in Unix ms.
            before: The state at the previous evaluation.
        """
        values = self.values(store, now_ms)
        points = [None if value is None else self.breaches(value) for value in values]
        return judged(points, self, before)


def judged(points: Sequence[bool | None], alarm: MetricAlarm, before: AlarmState) -> AlarmState:
    """Return the state for the retrieved periods.

    Args:
        points: For each period, the oldest first: whether it breaches, or None if it is missing.
        alarm: The alarm.
        before: The state at the previous evaluation.
    """
    needed, wanted = alarm.evaluation_periods, alarm.datapoints_to_alarm
    existing = [point for point in points if point is not None][-needed:]
    breaching = sum(existing)
    fill = needed - len(existing)
    if fill == 0:
        return AlarmState.ALARM if breaching >= wanted else AlarmState.OK
    match alarm.missing_data_rule:
        case "breaching":
            return AlarmState.ALARM if breaching + fill >= wanted else AlarmState.OK
        case "notBreaching":
            return AlarmState.ALARM if breaching >= wanted else AlarmState.OK
        case rule:
            if breaching >= wanted:
                return AlarmState.ALARM
            if False in existing:
                return AlarmState.OK
            if rule == "ignore":
                return before
            # With an old breaching period and none within the threshold since, it is an alarm.
            is_old = True in points and len(points) - points.index(True) >= max(wanted, needed)
            return AlarmState.ALARM if is_old else AlarmState.INSUFFICIENT_DATA


@dataclass(frozen=True, slots=True)
class Change:
    """A new state of an alarm."""

    at_ms: int
    state: AlarmState


@dataclass(slots=True)
class AlarmHistory:
    """The states of an alarm, evaluated each minute; it begins without data."""

    alarm: MetricAlarm
    state: AlarmState = AlarmState.INSUFFICIENT_DATA
    changes: list[Change] = field(default_factory=list)

    def run(self, store: MetricStore, start_ms: int, end_ms: int) -> "AlarmHistory":
        """Evaluate at each full minute of the time range, and record the changes."""
        first = -(-start_ms // _MINUTE_MS) * _MINUTE_MS
        for now_ms in range(first, end_ms + 1, _MINUTE_MS):
            state = self.alarm.state(store, now_ms, self.state)
            if state is not self.state:
                self.state = state
                self.changes.append(Change(now_ms, state))
        return self

    @property
    def states(self) -> Sequence[AlarmState]:
        """The states in the order in which the alarm had them."""
        return [change.state for change in self.changes]
