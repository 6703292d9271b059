"""The metrics of a run come from metric lines in logs and from the file of counted metrics."""

import json
from pathlib import Path

import pytest

from local.cloudwatch.metric_store import MetricId, MetricStore
from local.cloudwatch.run_metrics import add_metric_lines, read_run
from repartee.observability import MetricsRecorder
from repartee.ports.metrics import Metric
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.unit


def line(**fields: object) -> str:
    directive = {
        "Namespace": "N",
        "Dimensions": [["service"], ["service", "code"]],
        "Metrics": [{"Name": "Refused", "Unit": "Count"}],
    }
    aws = {"Timestamp": 1_000, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": aws, "service": "s", "code": "busy", **fields})


def test_a_metric_line_is_written_with_each_of_its_dimension_sets() -> None:
    store = MetricStore()
    add_metric_lines(store, [line(Refused=[1, 2])])
    with_code, without = store.metrics()
    assert without == MetricId.of("N", "Refused", {"service": "s"})
    assert with_code == MetricId.of("N", "Refused", {"service": "s", "code": "busy"})
    assert [datum.value for datum in store.data(with_code)] == [1, 2]


def test_a_value_need_not_be_a_list() -> None:
    store = MetricStore()
    add_metric_lines(store, [line(Refused=3)])
    assert {datum.value for metric in store.metrics() for datum in store.data(metric)} == {3}


@pytest.mark.parametrize("other", ["START", '{"message": "\\"_aws\\""}', '"_aws"', '["_aws"]'])
def test_other_lines_are_no_metrics(other: str) -> None:
    store = MetricStore()
    add_metric_lines(store, [other, '{"_aws": '])
    assert not store.metrics()


def test_a_line_of_the_functions_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    recorder = MetricsRecorder(FakeClock(), "local-stream-agent")
    recorder.record({Metric.SESSIONS_OPENED: 1})
    store = MetricStore()
    add_metric_lines(store, capsys.readouterr().out.splitlines())
    metric = MetricId.of("Repartee", "SessionsOpened", {"service": "local-stream-agent"})
    assert [datum.value for datum in store.data(metric)] == [1]


def test_a_run_has_the_metrics_of_all_logs_and_the_counted_ones(tmp_path: Path) -> None:
    assert not read_run(tmp_path).metrics()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "A.log").write_text(f"{line(Refused=1)}\n")
    (tmp_path / "logs" / "B.log").write_text(f"{line(Refused=2, service='b')}\n")
    datum = {"namespace": "AWS/Lambda", "name": "Errors", "dimensions": {"FunctionName": "f"}}
    counted = {**datum, "at_ms": 1, "value": 1, "unit": "Count", "seen_ms": 9}
    (tmp_path / "aws-metrics.jsonl").write_text(json.dumps(counted) + "\n")
    store = read_run(tmp_path)
    assert len(store.metrics()) == 5
    (error,) = store.data(MetricId.of("AWS/Lambda", "Errors", {"FunctionName": "f"}))
    assert (error.at_ms, error.value, error.seen_ms) == (1, 1, 9)
