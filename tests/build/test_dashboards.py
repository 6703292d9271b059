"""The dashboards and the saved queries of template.yaml."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from local.dashboard.body import AlarmWidget, Body, LogWidget, MetricWidget, Widget, read_body
from local.insights.syntax import parse_query
from local.template.reader import resolved_resources
from repartee.observability import DIMENSION, NAMESPACE, Metric

pytestmark = pytest.mark.build

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
BODIES = {
    name: resource["DashboardBody"]
    for name, resource in resolved_resources(TEMPLATE, "AWS::CloudWatch::Dashboard").items()
}
SERVICE, SESSION = read_body(BODIES["Dashboard"]), read_body(BODIES["SessionDashboard"])
QUERIES = resolved_resources(TEMPLATE, "AWS::Logs::QueryDefinition")
ANY_SESSION = SESSION.variables[0]


def alarms() -> set[str]:
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    return {name for kind in kinds for name in resolved_resources(TEMPLATE, kind)}


def shown_metrics() -> list[tuple[str, dict[str, str]]]:
    """Return name and dimensions of Repartee's metrics, with "" for values that a search finds."""
    rows = [
        row
        for widget in SERVICE.widgets
        if isinstance(widget, MetricWidget)
        for row in widget.properties.metrics
    ]
    named = [
        (row.metric[1], dict(row.dimensions)) for row in rows if row.metric[:1] == (NAMESPACE,)
    ]
    searched = [
        (match["metric"], {DIMENSION: match["service"], match["dimension"]: ""})
        for row in rows
        if (
            match := re.match(
                rf"SEARCH\('{{{NAMESPACE},{DIMENSION},(?P<dimension>\w+)}} "
                rf'MetricName="(?P<metric>\w+)" {DIMENSION}="(?P<service>[\w-]+)"',
                row.expression or "",
            )
        )
    ]
    return named + searched


def test_every_metric_of_repartee_is_shown_and_no_other():
    assert {name for name, _ in shown_metrics()} == {metric.label for metric in Metric}


def test_a_metric_is_read_from_a_function_that_writes_it_and_by_its_dimension():
    metrics = {metric.label: metric for metric in Metric}
    for name, dimensions in shown_metrics():
        metric = metrics[name]
        writers = {f"local-{writer.replace('_', '-')}" for writer in metric.writers}
        assert dimensions.pop(DIMENSION) in writers
        assert set(dimensions) == ({metric.dimension} if metric.dimension else set()), name


def test_the_metrics_of_aws_stand_beside_them():
    namespaces = {
        row.metric[0]
        for widget in SERVICE.widgets
        if isinstance(widget, MetricWidget)
        for row in widget.properties.metrics
        if row.metric
    }
    assert {"AWS/ApiGateway", "AWS/Lambda", "AWS/DynamoDB", "AWS/SQS"} < namespaces


def test_time_to_first_audio_is_shown_as_p50_and_p95():
    stats = [
        row.stat
        for widget in SERVICE.widgets
        if isinstance(widget, MetricWidget)
        for row in widget.properties.metrics
        if row.metric[:2] == (NAMESPACE, Metric.FIRST_AUDIO_MS.label)
    ]
    assert stats == ["p50", "p95"]


def test_the_first_row_shows_every_alarm():
    (widget,) = [widget for widget in SERVICE.widgets if isinstance(widget, AlarmWidget)]
    assert widget.y == 0
    assert {arn.rsplit(":", 1)[-1] for arn in widget.properties.alarms} == alarms()


def overlap(one: Widget, other: Widget) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@pytest.mark.parametrize("body", [SERVICE, SESSION])
def test_widgets_fit_into_the_grid_and_do_not_overlap(body: Body):
    assert all(widget.x + widget.width <= 24 for widget in body.widgets)
    assert not [pair for pair in combinations(body.widgets, 2) if overlap(*pair)]


def test_each_saved_query_is_a_widget_with_the_same_text_and_log_groups():
    raw = read_body(BODIES["SessionDashboard"], {ANY_SESSION.id: ANY_SESSION.pattern})
    shown = {
        widget.properties.query.split(" | ", len(groups))[-1]: groups
        for widget in raw.widgets
        if isinstance(widget, LogWidget)
        for groups in [parse_query(widget.properties.query).log_groups]
    }
    saved = {query["QueryString"]: tuple(query["LogGroupNames"]) for query in QUERIES.values()}
    assert shown == saved
    assert len(saved) == 6


def test_the_session_is_chosen_in_the_story_alone():
    assert BODIES["SessionDashboard"].count(ANY_SESSION.pattern) == 2, "its query and the variable"
    (story,) = [
        widget.properties.query
        for widget in read_body(BODIES["SessionDashboard"], {"session": "01K9"}).widgets
        if isinstance(widget, LogWidget) and "01K9" in widget.properties.query
    ]
    assert "session_id like /01K9/" in story
