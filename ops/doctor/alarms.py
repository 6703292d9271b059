"""Checks whether anybody hears the stack's alarms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.doctor.deployment import Deployment
from ops.finding import Finding, ok, wrong

if TYPE_CHECKING:
    from types_boto3_cloudwatch.client import CloudWatchClient
    from types_boto3_sns.client import SNSClient

ALARMS = "alarms"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm in CloudWatch.

    Attributes:
        name: The alarm's name.
        is_enabled: Whether its actions are enabled.
        actions: ARNs of its actions.
        rule: The rule of a composite alarm, which names other alarms; "" for others.
    """

    name: str
    is_enabled: bool
    actions: tuple[str, ...]
    rule: str = ""


def read_alarms(client: "CloudWatchClient", names: Sequence[str]) -> list[Alarm]:
    """Return the existing alarms among at most 100 names."""
    found = client.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return [
        Alarm(
            one["AlarmName"],
            one.get("ActionsEnabled", True),
            tuple(one.get("AlarmActions", ())),
            str(one.get("AlarmRule", "")),
        )
        for one in (*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ()))
    ]


def topics_of(alarms: Iterable[Alarm]) -> list[str]:
    """Return the ARNs of the SNS topics that the alarms notify."""
    arns = {action for alarm in alarms for action in alarm.actions}
    return sorted(arn for arn in arns if arn.split(":")[2:3] == ["sns"])


def read_subscriptions(client: "SNSClient", topics: Iterable[str]) -> dict[str, int | None]:
    """Return the number of confirmed subscriptions of each topic; None for a missing topic.

    Raises:
        ClientError: SNS refused.
    """
    subscriptions: dict[str, int | None] = {}
    for topic in topics:
        try:
            attributes = client.get_topic_attributes(TopicArn=topic)["Attributes"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NotFound", "NotFoundException"}:
                raise
            subscriptions[topic] = None
        else:
            subscriptions[topic] = int(attributes.get("SubscriptionsConfirmed", 0))
    return subscriptions


def judge_alarms(
    expected: Sequence[str],
    seen: Sequence[Alarm],
    subscriptions: Mapping[str, int | None],
    deployment: Deployment,
) -> Finding:
    """Check whether every alarm exists and has a receiver, its own or a composite alarm's.

    Args:
        expected: Names of the stack's alarms.
        seen: The existing alarms.
        subscriptions: Confirmed subscriptions by topic; None for a missing topic.
        deployment: The deployment.
    """
    missing = sorted(set(expected) - {alarm.name for alarm in seen})
    if missing or not expected:
        return wrong(ALARMS, f"missing: {', '.join(missing) or 'all'}", deployment.deploy_command)
    paging = " ".join(alarm.rule for alarm in seen if alarm.actions)
    silent = [alarm.name for alarm in seen if not alarm.actions and f'"{alarm.name}"' not in paging]
    if silent:
        return wrong(
            ALARMS,
            f"{len(silent)} of {len(seen)} have no receiver",
            f'add "AlarmTopicArn=TOPIC_ARN" to {deployment.parameter_source}, then '
            f"{deployment.deploy_command}",
        )
    disabled = [alarm.name for alarm in seen if not alarm.is_enabled]
    if disabled:
        return wrong(
            ALARMS,
            f"{len(disabled)} of {len(seen)} are switched off",
            f"aws cloudwatch enable-alarm-actions --alarm-names {' '.join(disabled)}",
        )
    for topic, count in subscriptions.items():
        if count is None:
            return wrong(
                ALARMS,
                f"their topic {topic} does not exist",
                f"aws sns create-topic --name {topic.rsplit(':', 1)[-1]}",
            )
        if count == 0:
            return wrong(
                ALARMS,
                f"nobody has confirmed a subscription to their topic {topic}",
                f"aws sns subscribe --topic-arn {topic} --protocol email "
                "--notification-endpoint YOU@EXAMPLE.COM",
            )
    return ok(ALARMS, f"all {len(seen)} have a receiver")
