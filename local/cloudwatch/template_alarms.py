"""Reads the alarms of a template, after its intrinsic functions are resolved."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local.cloudwatch.alarms import MetricAlarm, MetricQuery
from local.cloudwatch.metric_store import MetricId
from local.template.intrinsics import TemplateError
from local.template.reader import resolved_resources

_CHILD = re.compile(r'ALARM\("([^"]+)"\)')


def read_alarms(
    template: Path, parameters: Mapping[str, str] | None = None
) -> dict[str, MetricAlarm]:
    """Return the metric alarms of a template by logical id.

    Args:
        template: The template, as SAM's source or as CloudFormation gets it.
        parameters: Values of parameters; the others have their defaults.

    Raises:
        TemplateError: The template is wrong, or a parameter is unknown or has no value.
    """
    found = resolved_resources(template, "AWS::CloudWatch::Alarm", parameters)
    return {name: _metric_alarm(name, properties) for name, properties in found.items()}


def read_composite_alarms(
    template: Path, parameters: Mapping[str, str] | None = None
) -> dict[str, Sequence[str]]:
    """Return the alarms of which one is enough for each composite alarm, by logical id.

    Raises:
        TemplateError: A rule is not of the form ``ALARM("a") OR ALARM("b")``.
    """
    found = resolved_resources(template, "AWS::CloudWatch::CompositeAlarm", parameters)
    return {name: _children(name, properties["AlarmRule"]) for name, properties in found.items()}


def _children(name: str, rule: str) -> Sequence[str]:
    parts = [_CHILD.fullmatch(part.strip()) for part in rule.split(" OR ")]
    children = [part[1] for part in parts if part is not None]
    if len(children) != len(parts):
        raise TemplateError(f"{name}: the rule {rule!r} is not supported locally")
    return children


def _metric_alarm(name: str, properties: Mapping[str, Any]) -> MetricAlarm:
    queries, expressions, watched = {}, {}, "metric"
    if "Metrics" not in properties:
        statistic = properties.get("Statistic") or properties["ExtendedStatistic"]
        queries[watched] = _query(properties, statistic, properties["Period"])
    for metric in properties.get("Metrics", ()):
        if "Expression" in metric:
            expressions[metric["Id"]] = str(metric["Expression"])
        else:
            stat = metric["MetricStat"]
            queries[metric["Id"]] = _query(stat["Metric"], stat["Stat"], stat["Period"])
        if metric.get("ReturnData", True):
            watched = metric["Id"]
    periods = int(properties["EvaluationPeriods"])
    return MetricAlarm(
        name=name,
        queries=queries,
        expressions=expressions,
        watched=watched,
        comparison=properties["ComparisonOperator"],
        threshold=float(properties["Threshold"]),
        evaluation_periods=periods,
        datapoints_to_alarm=int(properties.get("DatapointsToAlarm", periods)),
        missing_data=properties.get("TreatMissingData", "missing"),
    )


def _query(metric: Mapping[str, Any], statistic: str, period: Any) -> MetricQuery:
    dimensions = {each["Name"]: str(each["Value"]) for each in metric.get("Dimensions", ())}
    identity = MetricId.of(metric["Namespace"], metric["MetricName"], dimensions)
    return MetricQuery(identity, statistic, int(period))
