"""Checks the stack's tables."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.doctor.deployment import Deployment, ExpectedTable
from ops.finding import Finding, ok, wrong

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DeployedTable:
    """A table in DynamoDB.

    Attributes:
        name: The table's name.
        status: The table's status.
        ttl_attribute: The attribute with an item's expiry; None where items do not expire.
        is_recoverable: Whether point-in-time recovery is on.
    """

    name: str
    status: str
    ttl_attribute: str | None
    is_recoverable: bool


def read_table(client: "DynamoDBClient", name: str) -> DeployedTable | None:
    """Return the table; None if it does not exist.

    Raises:
        ClientError: DynamoDB refused the request.
    """
    try:
        status = client.describe_table(TableName=name)["Table"]["TableStatus"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    is_expiring = expiry.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
    return DeployedTable(
        name=name,
        status=status,
        ttl_attribute=expiry.get("AttributeName") if is_expiring else None,
        is_recoverable=recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
    )


def judge_table(
    logical_id: str, seen: DeployedTable | None, plan: ExpectedTable, deployment: Deployment
) -> Finding:
    """Check a table's status, expiry and recovery against the template."""
    if seen is None:
        return wrong(logical_id, "the table is missing", deployment.deploy_command)
    problems: list[str] = []
    commands: list[str] = []
    if seen.status not in {"ACTIVE", "UPDATING"}:
        problems.append(f"its status is {seen.status}")
        commands.append(f"aws dynamodb wait table-exists --table-name {seen.name}")
    if plan.ttl_attribute and seen.ttl_attribute != plan.ttl_attribute:
        problems.append(f"items do not expire by {plan.ttl_attribute}")
        commands.append(
            f"aws dynamodb update-time-to-live --table-name {seen.name} "
            f"--time-to-live-specification Enabled=true,AttributeName={plan.ttl_attribute}"
        )
    if plan.is_recoverable and not seen.is_recoverable:
        problems.append("point-in-time recovery is off")
        commands.append(
            f"aws dynamodb update-continuous-backups --table-name {seen.name} "
            "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        )
    if problems:
        return wrong(logical_id, ", ".join(problems), " && ".join(commands))
    expiry = f", items expire by {plan.ttl_attribute}" if plan.ttl_attribute else ""
    recovery = ", point-in-time recovery" if plan.is_recoverable else ""
    return ok(logical_id, f"{seen.status}{expiry}{recovery}")
