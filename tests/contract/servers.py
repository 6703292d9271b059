"""The servers of the contract tests, which start on demand, once per test process."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from local.hosting.ports import free_port
from local.hosting.processes import ChildProcess
from local.hosting.programs import (
    NotInstalledError,
    RunPaths,
    dynamodb_local,
    start_dynamodb,
    start_ministack,
    wait_until_ministack_ready,
)
from local.hosting.servers import wait_until_answering

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient

DYNAMODB_LOCAL = "dynamodb-local"
MINISTACK = "ministack"

_ROOT = Path(__file__).resolve().parents[2]
_READY_WITHIN_S = 60.0
_MINISTACK_SERVICES = (
    "apigateway",
    "cloudformation",
    "dynamodb",
    "iam",
    "lambda",
    "monitoring",
    "secretsmanager",
    "sns",
    "sts",
)


class Servers:
    """Starts servers on demand; they end with ``stop`` or with this process."""

    def __init__(self, run_directory: Path) -> None:
        self._place = RunPaths(_ROOT, run_directory, _READY_WITHIN_S)
        self._loop = asyncio.new_event_loop()
        self._children: list[ChildProcess] = []
        self._endpoints: dict[str, str] = {}
        self._session = boto3.session.Session("test", "test", region_name="us-east-1")
        self._clients: dict[str, DynamoDBClient] = {}

    def endpoint(self, name: str) -> str:
        """Return the URL of ``dynamodb-local`` or ``ministack``; start the server if needed.

        Raises:
            NotInstalledError: Its program is not on this machine.
        """
        if name not in self._endpoints:
            port = free_port()
            start = self._start_dynamodb if name == DYNAMODB_LOCAL else self._start_ministack
            self._run(start(port))
            self._endpoints[name] = f"http://127.0.0.1:{port}"
        return self._endpoints[name]

    def _run(self, work: Coroutine[None, None, None]) -> None:
        self._loop.run_until_complete(work)

    async def _start_dynamodb(self, port: int) -> None:
        folder = dynamodb_local(_ROOT)
        if folder is None:
            raise NotInstalledError("DynamoDB Local is missing: run `make setup` where npm is")
        child = await start_dynamodb(self._place, folder, port, data=None)
        self._children.append(child)
        await wait_until_answering(child, f"http://127.0.0.1:{port}/", _READY_WITHIN_S)

    async def _start_ministack(self, port: int) -> None:
        child = await start_ministack(self._place, port, _MINISTACK_SERVICES)
        self._children.append(child)
        await wait_until_ministack_ready(self._place, child, port)

    def dynamodb(self, name: str) -> "DynamoDBClient":
        """Return a client of that server, the same for every test; threads may share it."""
        if name not in self._clients:
            # Not the product's client, whose timeouts are too short for a busy machine.
            self._clients[name] = self._session.client(
                "dynamodb",
                endpoint_url=self.endpoint(name),
                config=Config(max_pool_connections=32, read_timeout=30),
            )
        return self._clients[name]

    def secrets_manager(self) -> "SecretsManagerClient":
        """Return a client of MiniStack's Secrets Manager."""
        return self._session.client("secretsmanager", endpoint_url=self.endpoint(MINISTACK))

    def stop(self) -> None:
        """End every server."""
        for client in self._clients.values():
            client.close()
        for child in self._children:
            self._run(child.stop())
        self._loop.close()


def require(servers: Servers, name: str) -> None:
    """Start the server; skip the test if it is not installed, fail without any DynamoDB."""
    try:
        servers.endpoint(name)
    except NotInstalledError as missing:
        other = MINISTACK if name == DYNAMODB_LOCAL else DYNAMODB_LOCAL
        try:
            servers.endpoint(other)
        except NotInstalledError as also_missing:
            pytest.fail(f"contract tests need a DynamoDB: {missing}; {also_missing}")
        pytest.skip(f"{missing}; the suites run on {other}")
