"""Checks whether users can sign in to the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from ops.doctor.deployment import Deployment
from ops.doctor.stack import DeployedStack
from ops.finding import Finding, ok, wrong

SIGN_IN = "sign-in to the page"
_CLIENT = "UserPoolClient"
_POOL = "UserPool"
_DOMAIN = "UserPoolDomain"


class UserPools(Protocol):
    """What the check needs of boto3's client of Cognito."""

    def describe_user_pool_client(self, *, UserPoolId: str, ClientId: str) -> dict[str, Any]:  # noqa: N803 - names of AWS
        """Return the app client."""

    def describe_user_pool_domain(self, *, Domain: str) -> dict[str, Any]:  # noqa: N803 - names of AWS
        """Return the domain; its description is empty if it does not exist."""


@dataclass(frozen=True, slots=True)
class PoolSignIn:
    """How the user pool signs users in to pages.

    Attributes:
        callbacks: The addresses to which it returns users.
        allows_code: Whether the client may use the authorization code flow.
        domain_status: The status of its domain; "" without one.
    """

    callbacks: tuple[str, ...]
    allows_code: bool
    domain_status: str


def read_pool(client: UserPools, physical: Mapping[str, str]) -> PoolSignIn | None:
    """Return how the stack's user pool signs users in; None if its client does not exist.

    Raises:
        ClientError: Cognito refused a request.
    """
    if not {_POOL, _CLIENT} <= physical.keys():
        return None
    try:
        answer = client.describe_user_pool_client(
            UserPoolId=physical[_POOL], ClientId=physical[_CLIENT]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    found = answer["UserPoolClient"]
    domain: dict[str, Any] = {}
    if name := physical.get(_DOMAIN):
        domain = client.describe_user_pool_domain(Domain=name)["DomainDescription"]
    is_enabled = found.get("AllowedOAuthFlowsUserPoolClient", False)
    return PoolSignIn(
        callbacks=tuple(found.get("CallbackURLs", ())),
        allows_code=is_enabled and "code" in found.get("AllowedOAuthFlows", ()),
        domain_status=domain.get("Status", ""),
    )


def judge_other_issuer(parameters: Mapping[str, str]) -> Finding:
    """Say where users sign in, without asking that issuer."""
    if not (address := parameters.get("SignInAuthorizeUrl", "")):
        return ok(SIGN_IN, "off: SignInAuthorizeUrl is empty")
    host = urlsplit(address).netloc
    return ok(SIGN_IN, f"at {host}, which must know the output PageAddress; it was not asked")


def judge_pool(seen: PoolSignIn | None, stack: DeployedStack, deployment: Deployment) -> Finding:
    """Check whether the user pool signs users in and returns them to the page.

    Args:
        seen: The user pool; None if its client is missing.
        stack: The deployed stack.
        deployment: The deployment.
    """
    deploy = deployment.deploy_command
    page = stack.parameters.get("PageUrl", "")
    if seen is None:
        return wrong(SIGN_IN, f"{_CLIENT} is missing", deploy)
    if not page:
        return wrong(SIGN_IN, "the user pool does not know the page: PageUrl is empty", deploy)
    host = urlsplit(page).netloc
    if ".execute-api." in host and host.partition(".")[0] != stack.physical.get("HttpApi"):
        return wrong(
            SIGN_IN,
            f"PageUrl is {page}, which is not the stack's HTTP API",
            f"remove PageUrl from {deployment.parameter_source}, then {deploy}",
        )
    if page not in seen.callbacks or not seen.allows_code:
        return wrong(SIGN_IN, f"{_CLIENT} does not return users to PageUrl {page}", deploy)
    if seen.domain_status != "ACTIVE":
        status = seen.domain_status or "missing"
        return wrong(SIGN_IN, f"the domain with the sign-in pages is {status}", deploy)
    return ok(SIGN_IN, f"the user pool returns users to {page}")
