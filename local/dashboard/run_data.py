"""Collects what a dashboard needs from the folders of runs."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from local.cloudwatch.alarms import AlarmHistory, AlarmState
from local.cloudwatch.metric_store import MetricStore
from local.cloudwatch.run_metrics import read_run
from local.cloudwatch.template_alarms import read_alarms, read_composite_alarms
from local.dashboard.body import read_body
from local.dashboard.evaluation import RunData, evaluate
from local.dashboard.views import DashboardView
from local.insights.events import read_events
from local.insights.search import Event
from local.stack.options import PROJECT
from local.stack.run_folders import read_parameters
from local.template.reader import resolved_resources

TEMPLATE = PROJECT / "template.yaml"
# The longest period of a widget, so that no period begins before the time axis.
_PERIOD_MS = 5 * 60_000
_MINUTE_MS = 60_000


class NoDataError(RuntimeError):
    """The folders hold no run, or a run without a metric."""


def dashboards(runs: Sequence[Path], session: str | None = None) -> list[DashboardView]:
    """Return both dashboards of the template.

    Args:
        runs: The folders of the runs, whose records count as one; the last one's parameters apply.
        session: A session's id, for the story of this session alone.

    Raises:
        NoDataError: The folders hold no run, or a run without a metric.
        TemplateError: The template is wrong.
        DashboardError: A widget is not supported.
        MetricMathError: An expression is not supported.
        QueryError: A query is not supported.
    """
    try:
        parameters = read_parameters(runs[-1])
    except FileNotFoundError as error:
        raise NoDataError(f"{runs[-1]} is not the folder of a run of this version") from error
    data = collect(runs, parameters)
    values = {"session": session} if session else {}
    return [
        evaluate(resource["DashboardName"], read_body(resource["DashboardBody"], values), data)
        for resource in resolved_resources(
            TEMPLATE, "AWS::CloudWatch::Dashboard", parameters
        ).values()
    ]


def collect(runs: Sequence[Path], parameters: Mapping[str, str]) -> RunData:
    """Return the records of runs.

    Args:
        runs: The folders of the runs.
        parameters: The template's parameters.

    Raises:
        NoDataError: There is no metric.
    """
    metrics = MetricStore()
    for run in runs:
        _add(metrics, read_run(run))
    span = metrics.span_ms()
    if span is None:
        raise NoDataError(f"no metric in {', '.join(map(str, runs))}")
    start_ms = span[0] // _PERIOD_MS * _PERIOD_MS
    end_ms = (span[1] // _PERIOD_MS + 1) * _PERIOD_MS
    alarms = _alarm_states(metrics, parameters, start_ms, span[1] + _MINUTE_MS)
    groups = _log_groups(parameters)

    @cache
    def events(log_group: str) -> Sequence[Event]:
        return tuple(_events(runs, groups[log_group], log_group))

    return RunData(metrics, events, alarms, start_ms, end_ms)


def _add(metrics: MetricStore, more: MetricStore) -> None:
    for metric in more.metrics():
        for datum in more.data(metric):
            metrics.add(metric, datum.at_ms, [datum.value], datum.seen_ms)


def _events(runs: Sequence[Path], function: str, log_group: str) -> Iterator[Event]:
    for run in runs:
        yield from read_events(run / "logs" / f"{function}.log", log_group)


def _log_groups(parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Return the logical id of the function that writes to each log group."""
    groups = resolved_resources(TEMPLATE, "AWS::Logs::LogGroup", parameters)
    return {
        group["LogGroupName"]: name.removesuffix("Logs") + "Function"
        for name, group in groups.items()
    }


def _alarm_states(
    metrics: MetricStore, parameters: Mapping[str, str], start_ms: int, now_ms: int
) -> Mapping[str, AlarmState]:
    """Return the states of all alarms by name, as evaluated each minute until now."""
    states = {
        name: AlarmHistory(alarm).run(metrics, start_ms, now_ms).state
        for name, alarm in read_alarms(TEMPLATE, parameters).items()
    }
    for name, children in read_composite_alarms(TEMPLATE, parameters).items():
        fires = any(states[child] is AlarmState.ALARM for child in children)
        states[name] = AlarmState.ALARM if fires else AlarmState.OK
    return states
