"""Counts what AWS's services would publish as metrics, and writes it to a run's folder.

Each class counts one service's metrics. Its docstring names AWS's documentation, which was read on
2026-12-01, and what that leaves open.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

type Dimensions = Mapping[str, str]


class AwsMetrics:
    """Writes one JSON line for each datum, at once.

    Args:
        file: The file, to which lines are added; None writes nothing.
        now_s: The clock.
    """

    def __init__(self, file: Path | None = None, now_s: Callable[[], float] = time.time) -> None:
        self._file: BinaryIO | None = None if file is None else file.open("ab", buffering=0)
        self._now_s = now_s

    @property
    def is_on(self) -> bool:
        """Whether values are written."""
        return self._file is not None

    def now_ms(self) -> int:
        """Return the time in Unix ms."""
        return int(self._now_s() * 1000)

    def put(
        self,
        namespace: str,
        values: Mapping[str, float],
        dimensions: Dimensions,
        *,
        at_ms: int | None = None,
    ) -> None:
        """Write values by metric name.

        Args:
            namespace: The namespace of the metrics.
            values: The values; a name that ends in ``Latency`` or is ``Duration`` or
                ``AsyncEventAge`` is in ms, every other one is a count.
            dimensions: Their dimensions.
            at_ms: Their timestamp; None for now. Readers see no datum before it is written.
        """
        if self._file is None:
            return
        now_ms = self.now_ms()
        stamp = now_ms if at_ms is None else at_ms
        lines = []
        for name, value in values.items():
            fields: dict[str, Any] = {
                "namespace": namespace,
                "name": name,
                "dimensions": dimensions,
                "at_ms": stamp,
                "value": value,
                "unit": "Milliseconds" if name in _IN_MS else "Count",
            }
            if stamp != now_ms:
                fields["seen_ms"] = now_ms
            lines.append(json.dumps(fields) + "\n")
        self._file.write("".join(lines).encode())

    def close(self) -> None:
        """Close the file; later values are dropped."""
        if self._file is not None:
            self._file.close()
        self._file = None


_IN_MS = frozenset({"Duration", "AsyncEventAge", "IntegrationLatency", "Latency"})


@dataclass(slots=True)
class LambdaMetrics:
    """Metrics of functions, in ``AWS/Lambda`` by ``FunctionName``.

    Source: Lambda developer guide, "Types of metrics for Lambda functions". ``Invocations``,
    ``Errors`` and ``Duration`` have the timestamp of the invocation's start, and come at its end.
    A throttled request is in ``Throttles`` alone. ``ConcurrentExecutions`` without a dimension is
    the account's. ``AsyncEventsDropped`` counts events that never ran to a success, also those
    that went to a destination.
    """

    metrics: AwsMetrics
    _running: Counter[str] = field(default_factory=Counter)

    def started(self, function: str) -> int:
        """Count a new invocation; return its timestamp."""
        self._running[function] += 1
        self._put(function, {"ConcurrentExecutions": self._running[function]})
        self._put_account()
        return self.metrics.now_ms()

    def withdrawn(self, function: str) -> None:
        """Take back an invocation that has not begun."""
        self._running[function] -= 1

    def finished(self, function: str, started_at_ms: int, *, is_error: bool) -> None:
        """Count an invocation that has ended."""
        self._running[function] -= 1
        values = {"Invocations": 1, "Errors": int(is_error), "Throttles": 0}
        self._put(function, values, at_ms=started_at_ms)

    def measured(self, function: str, started_at_ms: int, duration_ms: float) -> None:
        """Record the duration of an invocation."""
        self._put(function, {"Duration": duration_ms}, at_ms=started_at_ms)

    def throttled(self, function: str) -> None:
        """Count a request that found no free concurrency."""
        self._put(function, {"Throttles": 1})

    def sample(self) -> None:
        """Record the concurrency of the functions that run."""
        for function, running in self._running.items():
            if running:
                self._put(function, {"ConcurrentExecutions": running})
        if self._running.total():
            self._put_account()

    def event_received(self, function: str) -> None:
        """Count an asynchronous event that was queued."""
        self._put(function, {"AsyncEventsReceived": 1})

    def event_started(self, function: str, age_ms: float) -> None:
        """Record the time that an event waited in the queue."""
        self._put(function, {"AsyncEventAge": age_ms})

    def event_dropped(self, function: str) -> None:
        """Count an event that is given up."""
        self._put(function, {"AsyncEventsDropped": 1})

    def delivery_failed(self, function: str) -> None:
        """Count a destination that did not take its message."""
        self._put(function, {"DestinationDeliveryFailures": 1})

    def _put(self, function: str, values: Mapping[str, float], *, at_ms: int | None = None) -> None:
        self.metrics.put("AWS/Lambda", values, {"FunctionName": function}, at_ms=at_ms)

    def _put_account(self) -> None:
        self.metrics.put("AWS/Lambda", {"ConcurrentExecutions": self._running.total()}, {})


@dataclass(frozen=True, slots=True)
class WebSocketMetrics:
    """Metrics of a WebSocket API, in ``AWS/ApiGateway`` by ``ApiId`` and ``Stage``.

    Source: API Gateway developer guide, "Monitor WebSocket API execution with CloudWatch metrics".
    It does not say where a failed authorizer or a function's error belongs: here a failed
    authorizer is in no metric of the API, and a function's error is an ``ExecutionError``.
    """

    metrics: AwsMetrics
    dimensions: Dimensions

    def message(self) -> None:
        """Count a message from or to a client."""
        self._put({"MessageCount": 1})

    def refused(self) -> None:
        """Count a request that API Gateway refused before any integration."""
        self._put({"ClientError": 1})

    def integrated(self, route_key: str, latency_ms: float | None, *, status: int | None) -> None:
        """Count a request that reached an integration.

        Args:
            route_key: The route.
            latency_ms: The time until the integration's answer; None without an answer.
            status: The status of its answer; None if it could not be called or failed.
        """
        values: dict[str, float] = {
            "IntegrationError": int(status is not None and status >= 400),
            "ExecutionError": int(status is None),
        }
        if route_key == "$connect":
            values["ConnectCount"] = 1
        if latency_ms is not None:
            values["IntegrationLatency"] = latency_ms
        self._put(values)

    def _put(self, values: Mapping[str, float]) -> None:
        self.metrics.put("AWS/ApiGateway", values, self.dimensions)


@dataclass(frozen=True, slots=True)
class HttpApiMetrics:
    """Metrics of an HTTP API, in ``AWS/ApiGateway`` by ``ApiId``.

    Source: API Gateway developer guide, "Working with metrics for HTTP APIs".
    """

    metrics: AwsMetrics
    dimensions: Dimensions

    def answered(
        self, status: int, latency_ms: float, integration_latency_ms: float | None
    ) -> None:
        """Count a request; the second latency is None if no function was called."""
        values: dict[str, float] = {
            "Count": 1,
            "4xx": int(400 <= status < 500),
            "5xx": int(status >= 500),
            "Latency": latency_ms,
        }
        if integration_latency_ms is not None:
            values["IntegrationLatency"] = integration_latency_ms
        self.metrics.put("AWS/ApiGateway", values, self.dimensions)


@dataclass(slots=True)
class QueueMetrics:
    """Metrics of queues that nobody reads, in ``AWS/SQS`` by ``QueueName``.

    Source: SQS developer guide, "Available CloudWatch metrics for Amazon SQS".
    """

    metrics: AwsMetrics
    _visible: Counter[str] = field(default_factory=Counter)

    def sent(self, queue: str) -> None:
        """Count a message that was added to a queue."""
        self._visible[queue] += 1
        values = {
            "NumberOfMessagesSent": 1,
            "ApproximateNumberOfMessagesVisible": self._visible[queue],
        }
        self.metrics.put("AWS/SQS", values, {"QueueName": queue})


@dataclass(frozen=True, slots=True)
class TableMetrics:
    """Metrics of tables, in ``AWS/DynamoDB`` by ``TableName``, requests also by ``Operation``.

    Source: DynamoDB developer guide, "DynamoDB metrics and dimensions". ``ThrottledRequests`` and
    ``SystemErrors`` have data only when one happens.
    """

    metrics: AwsMetrics

    @property
    def is_on(self) -> bool:
        """Whether requests are counted."""
        return self.metrics.is_on

    def throttled(self, table: str, operation: str) -> None:
        """Count a request that was throttled."""
        dimensions = {"TableName": table, "Operation": operation}
        self.metrics.put("AWS/DynamoDB", {"ThrottledRequests": 1}, dimensions)

    def consumed(self, table: str, *, read_units: float, write_units: float) -> None:
        """Record the capacity that a request has used."""
        values = {
            "ConsumedReadCapacityUnits": read_units,
            "ConsumedWriteCapacityUnits": write_units,
        }
        dimensions = {"TableName": table}
        self.metrics.put(
            "AWS/DynamoDB", {name: value for name, value in values.items() if value}, dimensions
        )
