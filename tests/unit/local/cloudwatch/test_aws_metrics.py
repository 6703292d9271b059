"""The counters write what AWS's documentation says, and readers find it in the run's folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloudwatch.aws_metrics import (
    AwsMetrics,
    HttpApiMetrics,
    LambdaMetrics,
    QueueMetrics,
    TableMetrics,
    WebSocketMetrics,
)
from local.cloudwatch.metric_store import MetricId
from local.cloudwatch.run_metrics import AWS_METRICS, read_run

pytestmark = pytest.mark.unit


class Run:
    """A run's folder, and its clock."""

    def __init__(self, folder: Path) -> None:
        self.now_s = 100.0
        self.folder = folder
        self.metrics = AwsMetrics(folder / AWS_METRICS, lambda: self.now_s)

    def values(self, namespace: str, name: str, **dimensions: str) -> list[float]:
        metric = MetricId.of(namespace, name, dimensions)
        return [datum.value for datum in read_run(self.folder).data(metric)]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    run.metrics.close()


def test_an_error_has_the_time_of_its_invocation_and_comes_at_its_end(run: Run) -> None:
    functions = LambdaMetrics(run.metrics)
    started_at_ms = functions.started("f")
    run.now_s = 900.0
    functions.finished("f", started_at_ms, is_error=True)
    (error,) = read_run(run.folder).data(MetricId.of("AWS/Lambda", "Errors", {"FunctionName": "f"}))
    assert (error.at_ms, error.value, error.seen_ms) == (100_000, 1, 900_000)


def test_the_accounts_concurrency_is_that_of_all_functions(run: Run) -> None:
    functions = LambdaMetrics(run.metrics)
    first = functions.started("f")
    functions.started("g")
    functions.sample()
    assert run.values("AWS/Lambda", "ConcurrentExecutions", FunctionName="f") == [1, 1]
    assert run.values("AWS/Lambda", "ConcurrentExecutions") == [1, 2, 2]
    functions.finished("f", first, is_error=False)
    functions.withdrawn("g")
    functions.sample()
    assert run.values("AWS/Lambda", "ConcurrentExecutions") == [1, 2, 2]


def test_a_throttled_request_is_no_invocation(run: Run) -> None:
    LambdaMetrics(run.metrics).throttled("f")
    assert run.values("AWS/Lambda", "Throttles", FunctionName="f") == [1]
    assert run.values("AWS/Lambda", "Invocations", FunctionName="f") == []


@pytest.mark.parametrize(
    ("status", "integration", "execution"), [(200, 0, 0), (403, 1, 0), (503, 1, 0), (None, 0, 1)]
)
def test_what_an_integration_answers_decides_which_error_counts(
    run: Run, status: int | None, integration: int, execution: int
) -> None:
    dimensions = {"ApiId": "a", "Stage": "s"}
    WebSocketMetrics(run.metrics, dimensions).integrated("$connect", 5, status=status)
    assert run.values("AWS/ApiGateway", "IntegrationError", **dimensions) == [integration]
    assert run.values("AWS/ApiGateway", "ExecutionError", **dimensions) == [execution]
    assert run.values("AWS/ApiGateway", "ConnectCount", **dimensions) == [1]


def test_the_http_api_counts_each_request_once(run: Run) -> None:
    api = HttpApiMetrics(run.metrics, {"ApiId": "a"})
    for status in (200, 404, 500, 503):
        api.answered(status, 7, None)
    counts = {name: sum(run.values("AWS/ApiGateway", name, ApiId="a")) for name in ("4xx", "5xx")}
    assert counts == {"4xx": 1, "5xx": 2}
    assert len(run.values("AWS/ApiGateway", "Count", ApiId="a")) == 4


def test_a_queue_counts_what_was_sent_and_what_lies_in_it(run: Run) -> None:
    queues = QueueMetrics(run.metrics)
    for _ in range(2):
        queues.sent("q")
    assert run.values("AWS/SQS", "NumberOfMessagesSent", QueueName="q") == [1, 1]
    assert run.values("AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName="q") == [1, 2]


def test_tables_count_units_and_throttles(run: Run) -> None:
    tables = TableMetrics(run.metrics)
    tables.consumed("t", read_units=0.5, write_units=0)
    tables.throttled("t", "PutItem")
    assert run.values("AWS/DynamoDB", "ConsumedReadCapacityUnits", TableName="t") == [0.5]
    assert run.values("AWS/DynamoDB", "ConsumedWriteCapacityUnits", TableName="t") == []
    throttled = run.values("AWS/DynamoDB", "ThrottledRequests", TableName="t", Operation="PutItem")
    assert throttled == [1]


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    metrics = AwsMetrics()
    LambdaMetrics(metrics).throttled("f")
    assert not metrics.is_on
    assert not list(tmp_path.iterdir())
