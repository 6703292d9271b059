"""Checks the state of the CloudFormation stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.doctor.deployment import Deployment
from ops.finding import Finding, ok, unknown, wrong

if TYPE_CHECKING:
    from types_boto3_cloudformation.client import CloudFormationClient

_SERVING = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A deployed stack.

    Attributes:
        name: The stack's name.
        status: The stack's status in CloudFormation.
        parameters: The parameters of its last deployment.
        physical: Names or ARNs of its resources, by logical id.
        types: CloudFormation's types of its resources, by logical id.
    """

    name: str
    status: str
    parameters: Mapping[str, str]
    physical: Mapping[str, str]
    types: Mapping[str, str]

    @property
    def is_serving(self) -> bool:
        """Whether the stack's resources should exist."""
        return self.status in _SERVING or self.status.startswith("UPDATE_")

    def alarm_names(self) -> list[str]:
        """Return the names of the stack's alarms, sorted."""
        return sorted(
            self.physical[name]
            for name, kind in self.types.items()
            if kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        )


def read_stack(client: "CloudFormationClient", name: str) -> DeployedStack | None:
    """Return the stack; None if it does not exist.

    Raises:
        ClientError: CloudFormation refused the request.
    """
    try:
        found = client.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        # CloudFormation has no error code for a missing stack, only a message.
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [
        resource
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceStatus"] != "DELETE_COMPLETE" and "PhysicalResourceId" in resource
    ]
    return DeployedStack(
        name=name,
        status=found["StackStatus"],
        parameters={
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in found.get("Parameters", [])
        },
        physical={
            resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources
        },
        types={resource["LogicalResourceId"]: resource["ResourceType"] for resource in resources},
    )


def judge_stack(stack: DeployedStack | None, deployment: Deployment) -> Finding:
    """Check whether the stack exists and its last deployment succeeded."""
    subject = f"stack {deployment.settings.stack_name}"
    if stack is None:
        return ok(
            subject,
            f"not deployed yet, so only the account was checked; {deployment.deploy_command} "
            "deploys it",
        )
    if stack.status.endswith("_IN_PROGRESS"):
        return unknown(subject, f"{stack.status}: a deployment is running; try again after it")
    if stack.status in _SERVING:
        return ok(subject, stack.status)
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        return wrong(
            subject,
            f"{stack.status}: the last deployment failed, and the version before it serves",
            f"aws cloudformation describe-stack-events --stack-name {stack.name}, then "
            f"{deployment.deploy_command}",
        )
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        return wrong(
            subject,
            f"{stack.status}: an update and its rollback both failed",
            f"aws cloudformation continue-update-rollback --stack-name {stack.name}",
        )
    return wrong(
        subject,
        f"{stack.status}: it does not serve and cannot be updated",
        f"aws cloudformation describe-stack-events --stack-name {stack.name}, then "
        f"aws cloudformation delete-stack --stack-name {stack.name}, then "
        f"{deployment.deploy_command}",
    )
