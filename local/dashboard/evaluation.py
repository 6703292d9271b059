"""Evaluates the widgets of a dashboard on the metrics, logs and alarms of a run."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from local.cloudwatch.alarms import AlarmState
from local.cloudwatch.metric_math import MetricMath
from local.cloudwatch.metric_store import MetricId, MetricStore, Series
from local.dashboard.body import (
    AlarmWidget,
    Body,
    LogWidget,
    MetricProperties,
    MetricWidget,
    Row,
    TextWidget,
    Widget,
)
from local.dashboard.views import (
    Alarms,
    DashboardView,
    Graph,
    Line,
    Logs,
    Numbers,
    PlacedView,
    Text,
    View,
)
from local.insights.search import Event, run_query
from local.insights.syntax import parse_query

_SEARCH = re.compile(
    r"""SEARCH\('\{(?P<schema>[^}]+)\}\s*(?P<terms>[^']*)',\s*'(?P<stat>\w+)',\s*(?P<period>\d+)\)"""
)
_TERM = re.compile(r'(\w+)="([^"]+)"\s*')
_DYNAMIC = re.compile(r"\$\{PROP\('Dim\.(\w+)'\)\}")


class DashboardError(ValueError):
    """A widget uses a feature that is not supported here."""


@dataclass(frozen=True, slots=True)
class RunData:
    """What a run has recorded.

    Args:
        metrics: All metrics.
        events: Returns the log events of a log group.
        alarms: The state of each alarm by name.
        start_ms: The start of the time range, in Unix ms.
        end_ms: The end of the time range.
    """

    metrics: MetricStore
    events: Callable[[str], Iterable[Event]]
    alarms: Mapping[str, AlarmState]
    start_ms: int
    end_ms: int


def evaluate(name: str, body: Body, run: RunData) -> DashboardView:
    """Return what a dashboard shows.

    Raises:
        DashboardError: A widget uses something that is not supported.
        MetricMathError: An expression is not supported.
        QueryError: A query is not supported.
    """
    views = tuple(
        PlacedView(_view(widget, run), widget.x, widget.y, widget.width, widget.height)
        for widget in body.widgets
    )
    return DashboardView(name, views, run.start_ms, run.end_ms)


def _view(widget: Widget, run: RunData) -> View:
    match widget:
        case MetricWidget(properties=wanted) if wanted.view == "singleValue":
            return _numbers(wanted, run)
        case MetricWidget(properties=wanted):
            return _graph(wanted, run)
        case AlarmWidget(properties=alarms):
            names = [arn.rpartition(":")[2] for arn in alarms.alarms]
            states = {name: run.alarms[name] for name in names}
            return Alarms(alarms.title, states)
        case TextWidget(properties=text):
            return Text(text.markdown, has_background=text.background == "solid")
        case LogWidget(properties=log):
            query = parse_query(log.query)
            events = (
                event
                for group in query.log_groups
                for event in run.events(group)
                if run.start_ms <= float(event["@timestamp"] or 0) < run.end_ms
            )
            return Logs(log.title, run_query(query, events))


def _graph(wanted: MetricProperties, run: RunData) -> Graph:
    start_ms, end_ms = run.start_ms, run.end_ms
    return Graph(
        title=wanted.title,
        lines=tuple(_lines(wanted, run.metrics, start_ms, end_ms)),
        is_stacked=wanted.stacked,
        levels={level.label: level.value for level in wanted.annotations.horizontal},
        left=wanted.y_axis.left,
        right=wanted.y_axis.right,
    )


def _numbers(wanted: MetricProperties, run: RunData) -> Numbers:
    if not wanted.set_period_to_time_range:
        raise DashboardError("a widget with single values needs setPeriodToTimeRange")
    # One period holds the whole range, as the console then asks for.
    period_s = -(-run.end_ms // 1000)
    rows = tuple(row.model_copy(update={"period": period_s}) for row in wanted.metrics)
    whole = wanted.model_copy(update={"metrics": rows, "period": period_s})
    lines = _lines(whole, run.metrics, run.start_ms, run.end_ms)
    return Numbers(
        wanted.title,
        {line.label: next(iter(line.series.values()), None) for line in lines},
    )


def _lines(
    wanted: MetricProperties, store: MetricStore, start_ms: int, end_ms: int
) -> Iterator[Line]:
    """Yield the visible lines of a widget."""

    def series_of(metric: MetricId, statistic: str, period_s: int) -> Series:
        return store.series(metric, statistic, period_s, start_ms=start_ms, end_ms=end_ms)

    rows = {row.id or f"row{number}": row for number, row in enumerate(wanted.metrics)}
    math = MetricMath(
        metrics={
            name: series_of(_metric_of(row), row.stat or wanted.stat, row.period or wanted.period)
            for name, row in rows.items()
            if row.metric
        },
        periods=_periods(wanted.period, start_ms, end_ms),
        expressions={name: row.expression for name, row in rows.items() if row.expression},
    )

    def named_series(name: str, row: Row) -> Iterator[tuple[str, Series]]:
        expression = row.expression
        if expression is None:
            yield row.label or row.metric[1], math.metrics[name]
        elif "SEARCH(" in expression:
            is_sum = expression.startswith("SUM(")
            search = expression[4:-1] if is_sum else expression
            found = {metric: series_of(metric, *how) for metric, how in _found(search, store)}
            if is_sum:
                listed = {str(number): each for number, each in enumerate(found.values())}
                total = MetricMath(listed, math.periods, {}).evaluate("SUM(METRICS())")
                yield row.label or expression, total
            else:
                yield from ((_label(row.label or "", each), found[each]) for each in found)
        else:
            yield row.label or expression, math.evaluate(expression)

    for name, row in rows.items():
        if row.visible:
            period_s, is_right = row.period or wanted.period, row.y_axis == "right"
            for label, series in named_series(name, row):
                yield Line(label, series, period_s, is_right, row.color)


def _metric_of(row: Row) -> MetricId:
    return MetricId.of(row.metric[0], row.metric[1], row.dimensions)


def _periods(period_s: int, start_ms: int, end_ms: int) -> Sequence[int]:
    period_ms = period_s * 1000
    return range(start_ms // period_ms * period_ms, end_ms, period_ms)


def _found(expression: str, store: MetricStore) -> Iterator[tuple[MetricId, tuple[str, int]]]:
    """Yield the metrics of a search, each with the statistic and the period in s.

    Source: "CloudWatch search expression syntax", CloudWatch user guide, read 2026-12-01.
    """
    match = _SEARCH.fullmatch(expression)
    if match is None or _TERM.sub("", match["terms"]):
        raise DashboardError(f"the search is not supported: {expression}")
    namespace, *names = match["schema"].split(",")
    wanted = dict(_TERM.findall(match["terms"]))
    for metric in store.metrics():
        dimensions = dict(metric.dimensions)
        if metric.namespace == namespace and set(dimensions) == set(names):
            values = {"MetricName": metric.name, **dimensions}
            if all(values.get(name) == value for name, value in wanted.items()):
                yield metric, (match["stat"], int(match["period"]))


def _label(label: str, metric: MetricId) -> str:
    dimensions = dict(metric.dimensions)
    return _DYNAMIC.sub(lambda match: dimensions[match[1]], label) or metric.name
