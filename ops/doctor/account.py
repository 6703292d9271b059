"""Checks the account's Lambda concurrency and API Gateway's log role; these need no stack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops.doctor.deployment import Deployment
from ops.finding import Finding, ok, wrong

if TYPE_CHECKING:
    from types_boto3_apigateway.client import APIGatewayClient
    from types_boto3_lambda.client import LambdaClient

CONCURRENCY = "Lambda concurrency"
LOG_ROLE = "API Gateway log role"
# Lambda refuses a reservation that leaves less than this for all other functions. An account with a
# smaller quota may reserve nothing (awslabs/amazon-neptune-tools#324).
_UNRESERVED_MINIMUM = 100
# AWS's default quota; "Concurrent executions" of Service Quotas.
_USUAL_QUOTA = 1_000
_QUOTA_CODE = "L-B99A9384"
STREAM_AGENT = "StreamAgentFunction"
FRONT = (
    "AuthorizerFunction",
    "ConnectFunction",
    "MessageFunction",
    "DisconnectFunction",
    "HttpApiFunction",
)
"""The functions that each reserve ``FrontConcurrency``."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """Concurrent executions in the account and region.

    Attributes:
        quota: The account's quota.
        unreserved: The part that no function has reserved.
        own: The part that the stack's functions have reserved.
    """

    quota: int
    unreserved: int
    own: int


def read_concurrency(client: "LambdaClient", own: int) -> Concurrency:
    """Read the account's concurrency; ``own`` is what the stack's functions have reserved."""
    limit = client.get_account_settings()["AccountLimit"]
    return Concurrency(limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"], own)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a deployment reserves of the account's concurrency; 0 reserves nothing.

    Attributes:
        pool: ``StreamAgentConcurrency``.
        front: ``FrontConcurrency``, which each of the front functions reserves.
    """

    pool: int
    front: int

    @property
    def total(self) -> int:
        """The executions that are taken from the quota."""
        return self.pool + len(FRONT) * self.front

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Reservation":
        """Return the reservations of a deployment's parameters."""
        return cls(int(parameters["StreamAgentConcurrency"]), int(parameters["FrontConcurrency"]))

    def of_function(self, logical_id: str) -> int:
        """Return the reservation of one function."""
        if logical_id == STREAM_AGENT:
            return self.pool
        return self.front if logical_id in FRONT else 0


def judge_concurrency(
    seen: Concurrency, wanted: Reservation, watched: int | None, deployment: Deployment
) -> Finding:
    """Check whether ``StreamAgentConcurrency`` and ``FrontConcurrency`` can be reserved.

    Args:
        seen: The account's concurrency.
        wanted: The reservations of the deployment.
        watched: The quota for which ``FullPoolAlarm`` was deployed; None before a deployment.
        deployment: The deployment.
    """
    others = seen.quota - seen.unreserved - seen.own
    if wanted.pool == 0 and watched is not None and watched != seen.quota:
        return wrong(
            CONCURRENCY,
            f"FullPoolAlarm watches a quota of {watched}, and the account's is {seen.quota}",
            deployment.deploy_command,
        )
    if wanted.total == 0:
        few = f"; `{_raise_quota(others)}` raises it" if seen.quota < _UNRESERVED_MINIMUM else ""
        return ok(
            CONCURRENCY,
            f"{seen.quota} concurrent executions for all functions, and each voice session takes "
            f"one or more; StreamAgentConcurrency=0 reserves none{few}",
        )
    minimum = min(seen.quota, _UNRESERVED_MINIMUM)
    free = seen.quota - others - minimum
    if wanted.total <= free:
        return ok(CONCURRENCY, f"{wanted.total} can be reserved of a quota of {seen.quota}")
    names = f"StreamAgentConcurrency={wanted.pool}"
    smaller = f"StreamAgentConcurrency={max(free, 0)}"
    if wanted.front:
        names += f" and {len(FRONT)} x FrontConcurrency={wanted.front}"
        smaller = f"both to at most {max(free, 0)} in all"
    return wrong(
        CONCURRENCY,
        f"{names} cannot be reserved: the quota is {seen.quota}, other "
        f"functions have reserved {others}, and {minimum} must stay unreserved",
        f"{_raise_quota(others + wanted.total)}, or set {smaller} in {deployment.parameter_source}",
    )


def _raise_quota(reserved: int) -> str:
    value = max(_USUAL_QUOTA, reserved + _UNRESERVED_MINIMUM)
    return (
        "aws service-quotas request-service-quota-increase --service-code lambda "
        f"--quota-code {_QUOTA_CODE} --desired-value {value}"
    )


def read_log_role(client: "APIGatewayClient") -> str:
    """Return the ARN of API Gateway's log role, "" where there is none."""
    return client.get_account().get("cloudwatchRoleArn") or ""


def needs_log_role(parameters: Mapping[str, str]) -> bool:
    """Return whether the deployment needs the account's log role."""
    return parameters["WebSocketLogs"] == "true"


def judge_log_role(role: str, parameters: Mapping[str, str], deployment: Deployment) -> Finding:
    """Check whether API Gateway accepts ``WebSocketLogs=true``."""
    if role:
        return ok(LOG_ROLE, role)
    if parameters["ManageApiGatewayLogRole"] == "true":
        return ok(LOG_ROLE, "none yet; ManageApiGatewayLogRole=true creates it at deployment")
    return wrong(
        LOG_ROLE,
        "WebSocketLogs=true, but the account has no CloudWatch Logs role for API Gateway",
        f'add "ManageApiGatewayLogRole=true" to {deployment.parameter_source}, then '
        f"{deployment.deploy_command}",
    )
