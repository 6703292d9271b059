"""Checks of the stack's functions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.doctor.deployment import Deployment
from ops.doctor.finding import Finding, ok, unknown, wrong

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """What Lambda says about a function.

    Attributes:
        name: Its name.
        state: Lambda's state of it.
        update: The status of its last update.
        reason: Why state or update are what they are.
        architecture: Its processor.
        reserved: Executions at once that are reserved for it; None where none are.
    """

    name: str
    state: str
    update: str
    reason: str
    architecture: str
    reserved: int | None


def read_function(client: "LambdaClient", name: str) -> DeployedFunction | None:
    """Return the function, None where there is none.

    Raises:
        ClientError: Lambda refused.
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
    pool: int,
    deployment: Deployment,
) -> Finding:
    """Say whether a function can serve.

    Args:
        logical_id: Its name in the template.
        seen: What Lambda says; None where the function is missing.
        architecture: The processor that the stack was deployed for.
        pool: ``StreamAgentConcurrency``: what a function stopped by hand gets back.
        deployment: What is to be deployed.
    """
    deploy = deployment.deploy_command
    if seen is None:
        return wrong(logical_id, "the function is missing", deploy)
    if seen.reserved == 0:
        back = (
            f"put-function-concurrency --function-name {seen.name} "
            f"--reserved-concurrent-executions {pool}"
            if pool and logical_id == "StreamAgentFunction"
            else f"delete-function-concurrency --function-name {seen.name}"
        )
        return wrong(logical_id, "stopped: it may run 0 times at once", f"aws lambda {back}")
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
