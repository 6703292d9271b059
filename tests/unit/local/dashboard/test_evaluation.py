import json
from typing import Any

import pytest
from pydantic import ValidationError

from local.cloudwatch.alarms import AlarmState
from local.cloudwatch.metric_store import MetricId, MetricStore
from local.dashboard.body import read_body
from local.dashboard.evaluation import DashboardError, RunData, evaluate
from local.dashboard.views import Alarms, Graph, Logs, Numbers, View
from local.insights.search import Instant

pytestmark = pytest.mark.unit

MINUTE_MS = 60_000
PLACE = {"x": 0, "y": 0, "width": 6, "height": 6}
ERRORS = MetricId.of("Own", "Errors", {"service": "agent"})
BY_CODE = [
    MetricId.of("Own", "Refused", {"service": "agent", "code": code}) for code in ("1007", "1011")
]


def store() -> MetricStore:
    metrics = MetricStore()
    metrics.add(ERRORS, 5_000, [1, 3])
    metrics.add(ERRORS, 2 * MINUTE_MS, [5])
    for number, metric in enumerate(BY_CODE, start=1):
        metrics.add(metric, MINUTE_MS, [number])
    metrics.add(MetricId.of("Own", "Refused", {"service": "other", "code": "1"}), 0, [9])
    return metrics


def view(kind: str, properties: dict[str, Any], run: RunData | None = None) -> View:
    body = read_body(json.dumps({"widgets": [{"type": kind, **PLACE, "properties": properties}]}))
    run = run or RunData(store(), lambda _: (), {}, 0, 3 * MINUTE_MS)
    return evaluate("name", body, run).views[0].view


def graph(*rows: list[Any], **properties: Any) -> Graph:
    shared = {"title": "t", "region": "r", "period": 60, "stat": "Sum"}
    found = view("metric", {**shared, "metrics": list(rows), **properties})
    assert isinstance(found, Graph)
    return found


def test_a_line_has_the_statistic_of_each_period():
    row = ["Own", "Errors", "service", "agent"]

    shown = graph(row, [*row, {"stat": "p50", "label": "median", "yAxis": "right"}])

    first, second = shown.lines
    assert (first.label, first.series, first.is_right) == ("Errors", {0: 4, 120_000: 5}, False)
    assert (second.label, second.series, second.is_right) == ("median", {0: 1, 120_000: 5}, True)


def test_an_expression_uses_metrics_that_are_not_shown():
    shown = graph(
        [{"expression": "FILL(errors, 0) * 60", "label": "per hour"}],
        ["Own", "Errors", "service", "agent", {"id": "errors", "visible": False}],
    )

    (line,) = shown.lines
    assert (line.label, line.series) == ("per hour", {0: 240, 60_000: 0, 120_000: 300})


def test_a_search_finds_the_metrics_of_a_service_by_their_dimension():
    search = "SEARCH('{Own,service,code} MetricName=\"Refused\" service=\"agent\"', 'Sum', 60)"

    shown = graph([{"expression": search, "label": "refused: ${PROP('Dim.code')}"}])

    found = {line.label: line.series for line in shown.lines}
    assert found == {"refused: 1007": {60_000: 1}, "refused: 1011": {60_000: 2}}
    (line,) = graph([{"expression": f"SUM({search})", "label": "refused"}]).lines
    assert (line.label, line.series) == ("refused", {60_000: 3})


def test_a_search_without_quotes_is_not_supported():
    with pytest.raises(DashboardError):
        graph([{"expression": "SEARCH('{Own,service} Errors', 'Sum', 60)"}])


def test_a_single_value_is_the_statistic_of_the_whole_time_range():
    shared = {"title": "t", "region": "r", "period": 60, "stat": "Sum", "view": "singleValue"}
    rows = [
        ["Own", "Errors", "service", "agent", {"id": "errors", "label": "errors"}],
        [{"expression": "errors / 3", "label": "mean"}],
        ["Own", "Missing", "service", "agent"],
    ]

    shown = view("metric", {**shared, "setPeriodToTimeRange": True, "metrics": rows})

    assert isinstance(shown, Numbers)
    assert shown.numbers == {"errors": 9, "mean": 3, "Missing": None}
    assert not shown.has_data
    with pytest.raises(DashboardError):
        view("metric", {**shared, "metrics": rows})


def test_data_outside_of_the_time_range_are_not_shown():
    run = RunData(store(), lambda _: (), {}, MINUTE_MS, 2 * MINUTE_MS)
    shared = {"title": "t", "region": "r", "period": 60, "stat": "Sum"}
    rows = [["Own", "Errors", "service", "agent"]]

    shown = view("metric", {**shared, "metrics": rows}, run)

    assert not shown.has_data


def test_alarms_are_shown_by_name_with_their_state():
    states = {"One": AlarmState.ALARM, "Two": AlarmState.OK}
    arns = ["arn:aws:cloudwatch:r:1:One", "arn:aws:cloudwatch:r:1:Two"]
    run = RunData(store(), lambda _: (), states, 0, MINUTE_MS)

    shown = view("alarm", {"title": "t", "alarms": arns}, run)

    assert isinstance(shown, Alarms)
    assert shown.states == states


def test_a_log_widget_shows_the_events_of_its_log_groups_in_the_time_range():
    events = {
        "/a": [{"@timestamp": Instant(0), "x": 1.0}, {"@timestamp": Instant(MINUTE_MS), "x": 2.0}],
        "/b": [{"@timestamp": Instant(1), "x": 3.0}],
        "/c": [{"@timestamp": Instant(2), "x": 4.0}],
    }
    run = RunData(store(), events.__getitem__, {}, 0, MINUTE_MS)
    query = "SOURCE '/a' | SOURCE '/b' | fields x | sort @timestamp asc"

    shown = view("log", {"title": "t", "region": "r", "query": query}, run)

    assert isinstance(shown, Logs)
    assert shown.table.rows == ((1,), (3,))


@pytest.mark.parametrize(
    "properties",
    [
        {"view": "pie"},
        {"liveData": True},
        {"metrics": [["Own", "Errors", "service"]]},
        {"metrics": [["Own", "Errors", {"rate": 1}]]},
        {"metrics": [[{"label": "neither metric nor expression"}]]},
    ],
)
def test_what_is_not_supported_is_an_error(properties: dict[str, Any]):
    with pytest.raises(ValidationError):
        graph(["Own", "Errors"], **properties)


def test_a_variable_of_a_dashboard_is_replaced_by_a_value_or_its_default():
    text = json.dumps(
        {
            "variables": [
                {
                    **{"type": "pattern", "pattern": "ANY", "inputType": "input", "id": "session"},
                    **{"label": "Session", "defaultValue": "all", "visible": True},
                }
            ],
            "widgets": [{"type": "text", **PLACE, "properties": {"markdown": "about ANY"}}],
        }
    )

    assert '"markdown":"about all"' in read_body(text).model_dump_json()
    assert '"markdown":"about 01K"' in read_body(text, {"session": "01K"}).model_dump_json()
