"""Reads the metrics of a run: the functions' metric lines, and the metrics that AWS would count.

The functions write metric lines in CloudWatch's embedded metric format (EMF) to their logs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from local.cloudwatch.metric_store import MetricId, MetricStore

AWS_METRICS = "aws-metrics.jsonl"
"""The file of a run that holds the metrics that AWS's services would publish."""


def read_run(run_directory: Path) -> MetricStore:
    """Return all metrics of a run so far.

    Args:
        run_directory: The folder with ``logs/`` and ``aws-metrics.jsonl``; both may be missing.
    """
    store = MetricStore()
    for log in sorted((run_directory / "logs").glob("*.log")):
        add_metric_lines(store, log.read_text(errors="replace").splitlines())
    counted = run_directory / AWS_METRICS
    if counted.exists():
        for line in counted.read_text().splitlines():
            _add_datum(store, json.loads(line))
    return store


def add_metric_lines(store: MetricStore, lines: Iterable[str]) -> None:
    """Add the values of all metric lines among the lines of a log.

    Source: "Specification: Embedded metric format", CloudWatch user guide, read 2026-12-01.
    """
    for line in lines:
        if '"_aws"' not in line or (fields := _object(line)) is None:
            continue
        at_ms = int(fields["_aws"]["Timestamp"])
        for directive in fields["_aws"]["CloudWatchMetrics"]:
            for name, values in _values(directive["Metrics"], fields):
                for names in directive["Dimensions"]:
                    dimensions = {each: str(fields[each]) for each in names}
                    metric = MetricId.of(directive["Namespace"], name, dimensions)
                    store.add(metric, at_ms, values)


def _object(line: str) -> dict[str, Any] | None:
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and isinstance(fields.get("_aws"), dict) else None


def _values(
    metrics: Iterable[Mapping[str, str]], fields: Mapping[str, Any]
) -> Iterator[tuple[str, list[float]]]:
    for metric in metrics:
        value = fields[metric["Name"]]
        numbers = value if isinstance(value, list) else [value]
        yield metric["Name"], [float(number) for number in numbers]


def _add_datum(store: MetricStore, fields: Mapping[str, Any]) -> None:
    metric = MetricId.of(fields["namespace"], fields["name"], fields["dimensions"])
    store.add(metric, fields["at_ms"], [fields["value"]], fields.get("seen_ms"))
