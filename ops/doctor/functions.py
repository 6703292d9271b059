"""Checks the stack's functions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.doctor.deployment import Deployment
from ops.finding import Finding, ok, unknown, wrong

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """The configuration of a function in Lambda.

    Attributes:
        name: The function's name.
        state: The function's state.
        update: The status of its last update.
        reason: The reason for the state or the status.
        architecture: The processor architecture.
        reserved: The reserved concurrency; None without a reservation.
    """

    name: str
    state: str
    update: str
    reason: str
    architecture: str
    reserved: int | None


def read_function(client: "LambdaClient", name: str) -> DeployedFunction | None:
    """Return the function; None if it does not exist.

    Raises:
        ClientError: Lambda refused the request.
    """
    try:
        found = client.get_function_configuration(FunctionName=name)
        reserved = client.get_function_concurrency(FunctionName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    return DeployedFunction(
        name=name,
        state=found.get("State", "Active"),
        update=found.get("LastUpdateStatus", "Successful"),
        reason=found.get("LastUpdateStatusReason") or found.get("StateReason") or "no reason given",
        architecture=",".join(found.get("Architectures", ["x86_64"])),
        reserved=reserved.get("ReservedConcurrentExecutions"),
    )


def judge_function(
    logical_id: str,
    seen: DeployedFunction | None,
    architecture: str,
    reserved: int,
    deployment: Deployment,
) -> Finding:
    """Check whether a function can run.

    Args:
        logical_id: The function's name in the template.
        seen: The function in Lambda; None if it is missing.
        architecture: The architecture of the deployed stack.
        reserved: The function's reservation by the parameters, which restores a function that was
            stopped by hand.
        deployment: The deployment.
    """
    deploy = deployment.deploy_command
    if seen is None:
        return wrong(logical_id, "the function is missing", deploy)
    if seen.reserved == 0:
        back = (
            f"put-function-concurrency --function-name {seen.name} "
            f"--reserved-concurrent-executions {reserved}"
            if reserved
            else f"delete-function-concurrency --function-name {seen.name}"
        )
        return wrong(logical_id, "stopped: its reserved concurrency is 0", f"aws lambda {back}")
    if seen.state == "Failed" or seen.update == "Failed":
        return wrong(logical_id, f"Lambda could not set it up: {seen.reason}", deploy)
    if seen.state == "Pending" or seen.update == "InProgress":
        return unknown(logical_id, "Lambda is still setting it up; try again in a minute")
    if seen.architecture != architecture:
        return wrong(
            logical_id,
            f"it is {seen.architecture}, and its layers are {architecture}",
            deploy,
        )
    return ok(logical_id, f"{seen.state}, {seen.architecture}")
