"""The running stack: its addresses, its parts and its folder."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.gateway.chaos import GatewayChaos
from local.gateway.websocket_api import WebSocketGateway
from local.hosting.aws_resources import CreatedResources, dynamodb_client
from local.hosting.private_folders import make_private, write_private
from local.hosting.programs import GeminiSimulator
from local.issuer import TokenIssuer
from local.lambdas.host import LambdaHost
from local.observer import Observer
from local.stack.options import Addresses
from local.stack.run_folders import LOCAL
from local.template.model import REGION, Application

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


RUNNING = LOCAL / "running"


@dataclass(frozen=True, slots=True)
class Stack:
    """The running stack.

    Args:
        addresses: The addresses of the servers.
        application: The template with local values.
        run_directory: Logs and records of this run: ``logs/<Function>.log``, ``gemini/``.
        data_directory: The folder that keeps the tables; None when they end with the stack.
        resources: Secret ARNs and queue URLs by logical id.
        lambdas: The Lambda host and its controls.
        gateway: The WebSocket gateway and its connections.
        chaos: The gateway's faults; ``settings`` may be replaced.
        issuer: Issues tokens.
        observer: Serves operators' pages, and keeps traces.
        simulator: The Gemini simulator, or None.
        start_s: The duration of each step of the start, in order.
    """

    addresses: Addresses
    application: Application
    run_directory: Path
    data_directory: Path | None
    resources: CreatedResources
    lambdas: LambdaHost
    gateway: WebSocketGateway
    chaos: GatewayChaos
    issuer: TokenIssuer
    observer: Observer
    simulator: GeminiSimulator | None
    start_s: Mapping[str, float]

    def dynamodb(self) -> "DynamoDBClient":
        """Return a client of the tables, which bypasses their faults."""
        return dynamodb_client(self.addresses.dynamodb, self.addresses.access_key)

    @property
    def table_names(self) -> Mapping[str, str]:
        """Table names by logical id."""
        return {name: table.name for name, table in self.application.tables.items()}

    def log_path(self, function: str) -> Path:
        """Return the log file of a function, which holds its output and report lines."""
        return self.run_directory / "logs" / f"{function}.log"

    async def restart_gemini(self) -> None:
        """Restart the Gemini simulator, which loses its state.

        Raises:
            RuntimeError: There is no simulator.
        """
        if self.simulator is None:
            raise RuntimeError("no Gemini simulator runs")
        await self.simulator.restart()


def write_addresses(stack: Stack) -> None:
    """Write the addresses and the access key into the run's folder, for the owner's programs.

    ``stack.json`` has all of them; a shell can source ``aws.env`` for the AWS CLI.
    """
    addresses, folder = stack.addresses, stack.run_directory
    fields = {name: getattr(addresses, name) for name in Addresses.__dataclass_fields__}
    core_agent = stack.application.functions.get("CoreAgentFunction")
    more = {
        "tables": dict(stack.table_names),
        "queues": dict(stack.resources.queue_urls),
        "run_directory": str(folder),
        # The settings with which ``local.tool`` runs the tools.
        "core_agent": {} if core_agent is None else dict(core_agent.environment),
    }
    write_private(folder / "stack.json", json.dumps({**fields, **more}, indent=2) + "\n")
    variables = {
        "AWS_ACCESS_KEY_ID": addresses.access_key,
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": addresses.dynamodb,
    }
    lines = [f"export {name}={value}\n" for name, value in variables.items()]
    write_private(folder / "aws.env", "".join(lines))


@contextlib.asynccontextmanager
async def published(stack: Stack) -> AsyncIterator[None]:
    """Write the addresses, and link ``.local/running/PORT_BASE`` to the run during the context."""
    write_addresses(stack)
    link = RUNNING / str(urlsplit(stack.addresses.websocket).port)
    make_private(RUNNING)
    link.unlink(missing_ok=True)
    link.symlink_to(stack.run_directory)
    try:
        yield
    finally:
        if link.is_symlink() and link.readlink() == stack.run_directory:
            link.unlink()
