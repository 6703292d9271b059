"""Opens the resources of a deployed stack, or of the stack that runs on this machine."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.hosting.aws_resources import client_options
from local.hosting.ports import port_base_from
from local.stack.running import RUNNING
from ops.answers import settings_of
from ops.settings import DeployError, open_session

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_lambda.client import LambdaClient
    from types_boto3_sqs.client import SQSClient

LOCAL = "local"
"""The environment that names the running local stack with ports from REPARTEE_PORT_BASE."""

# The HTTP API's function may take 29 s.
_CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard"})


@dataclass(frozen=True, slots=True)
class StackAccess:
    """A stack and the operator's access to it.

    Attributes:
        name: The stack's name, for messages.
        outputs: The stack's outputs, as the template names them.
        open_client: Makes a boto3 client of a service.
    """

    name: str
    outputs: Mapping[str, str]
    open_client: Callable[[str], Any]

    def output(self, name: str) -> str:
        """Return an output.

        Raises:
            DeployError: The stack does not have it.
        """
        if name not in self.outputs:
            raise DeployError(f"the stack {self.name} has no output {name}; deploy it first")
        return self.outputs[name]

    def dynamodb(self) -> "DynamoDBClient":
        """Return a client of the tables."""
        client: DynamoDBClient = self.open_client("dynamodb")
        return client

    def lambdas(self) -> "LambdaClient":
        """Return a client of the functions."""
        client: LambdaClient = self.open_client("lambda")
        return client

    def sqs(self) -> "SQSClient":
        """Return a client of the queues."""
        client: SQSClient = self.open_client("sqs")
        return client


def open_stack(environment: str | None) -> StackAccess:
    """Open the stack of an environment.

    Args:
        environment: ``local``, an environment of samconfig.toml, or None for the kept answers.

    Raises:
        DeployError: The environment or its stack is missing.
    """
    if environment == LOCAL:
        return local_stack(RUNNING / str(port_base_from(os.environ)))
    settings = settings_of(environment)
    session = open_session(settings)
    name = settings.stack_name
    (stack,) = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def open_client(service: str) -> Any:
        # The services have one overload each, and a name that is known only here has none.
        make: Any = session.client
        return make(service, config=_CONFIG)

    return StackAccess(name, outputs, open_client)


def local_stack(folder: Path) -> StackAccess:
    """Open the local stack that runs in ``folder``.

    Raises:
        DeployError: None runs there.
    """
    try:
        written = json.loads((folder / "stack.json").read_text())
    except OSError:
        raise DeployError("no local stack runs: start one with make up") from None
    addresses = {"dynamodb": "dynamodb", "lambda": "lambdas", "sqs": "aws"}
    outputs = {
        "HttpApiFunctionName": "HttpApiFunction",
        **{f"{name}Name": table for name, table in written["tables"].items()},
        **{f"{name}Url": url for name, url in written["queues"].items()},
    }

    def open_client(service: str) -> Any:
        make: Any = boto3.session.Session().client
        options = client_options(written[addresses[service]], written["access_key"])
        return make(service, **{**options, "config": _CONFIG})

    return StackAccess(f"of {folder.name}", outputs, open_client)
