"""Check of the front desk's rules, which an operator may have written by hand."""

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ops.doctor.deployment import Deployment
from ops.doctor.finding import Finding, ok, unknown, wrong
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
    """Say whether the rules that are written hold, or calls ignore them.

    Raises:
        ClientError: DynamoDB refused.
    """
    rules = default_rules(ZoneInfo(time_zone))
    try:
        written = DeskTable(desk=DynamoTable(client, table), default_rules=rules).written_rules()
    except StoreUnavailable as error:
        return unknown(RULES, str(error))
    except RulesRefused as refused:
        mend = f'{deployment.deploy_command.replace("make deploy", "make desk")} SET="NAME=VALUE"'
        return wrong(RULES, f"ignored, so the defaults hold: {refused}", mend)
    return ok(RULES, "hold as written" if written else "nothing is written, the defaults hold")
