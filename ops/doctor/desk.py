"""Checks the front desk's rules, which an operator may have written by hand."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ops.doctor.deployment import Deployment
from ops.finding import Finding, ok, unknown, wrong
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.errors import StoreUnavailable
from repartee.domain.front_desk.rules import RulesRefused, default_rules

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

RULES = "desk rules"


def judge_rules(
    client: "DynamoDBClient", table: str, time_zone: str, deployment: Deployment
) -> Finding:
    """Check whether the stored rules are valid; voice sessions ignore invalid rules.

    Raises:
        ClientError: DynamoDB refused the request.
    """
    rules = default_rules(ZoneInfo(time_zone))
    try:
        written = DeskTable(desk=DynamoTable(client, table), default_rules=rules).written_rules()
    except StoreUnavailable as error:
        return unknown(RULES, str(error))
    except RulesRefused as refused:
        advice = f'{deployment.deploy_command.replace("make deploy", "make desk")} SET="NAME=VALUE"'
        return wrong(RULES, f"invalid, so the defaults apply: {refused}", advice)
    return ok(RULES, "valid" if written else "no rules are stored, so the defaults apply")
