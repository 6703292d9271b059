"""Proxies that count the functions' calls of DynamoDB and of ``@connections``."""

import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from bench.units.consumed_units import (
    batch_read_units,
    reported_units,
    transaction_item_units,
    transaction_items,
)
from bench.units.purposes import purpose_of
from local.hosting.servers import serving
from local.lambdas.hosting_types import FunctionCode
from local.stack.options import SOURCE_CODE

# API Gateway bills one message for each started 32 KB.
MESSAGE_UNIT_BYTES = 32 * 1024
_READS = frozenset({"GetItem", "Query", "BatchGetItem", "TransactGetItems", "Scan"})
_HOP_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
# A refused condition is billed like the write, but its answer does not report the units.
_REFUSED = ("ConditionalCheckFailedException", "TransactionCanceledException")
# The host sets this variable itself, so the function's process replaces it at its start.
_SITECUSTOMIZE = 'import os\n\nos.environ["AWS_ENDPOINT_URL_DYNAMODB"] = "{url}"\n'


@dataclass(slots=True)
class Counts:
    """The counts so far.

    Attributes:
        operations: Calls of DynamoDB by purpose.
        reads: Read units by purpose.
        writes: Write units by purpose.
        refused_writes: Refused conditions, counted as one write unit each.
        posts: Messages to clients, in API Gateway's units.
        posts_by_type: The same messages by their ``type``.
    """

    operations: Counter[str] = field(default_factory=Counter)
    reads: dict[str, float] = field(default_factory=dict)
    writes: dict[str, float] = field(default_factory=dict)
    refused_writes: int = 0
    posts: int = 0
    posted_bytes: int = 0
    posts_by_type: Counter[str] = field(default_factory=Counter)

    def add_dynamodb(
        self, operation: str, purpose: str, status: int, answer: Mapping[str, Any], units: float
    ) -> None:
        """Count one call of DynamoDB; a refused condition counts as one unit."""
        self.operations[purpose] += 1
        billed = self.reads if operation in _READS else self.writes
        if status >= 400 and str(answer.get("__type", "")).endswith(_REFUSED):
            self.refused_writes += 1
            units = 1.0
        billed[purpose] = billed.get(purpose, 0.0) + units

    def add_post(self, size_bytes: int, kind: str) -> None:
        """Count one message to a client."""
        messages = max(1, ceil(size_bytes / MESSAGE_UNIT_BYTES))
        self.posts += messages
        self.posts_by_type[kind] += messages
        self.posted_bytes += size_bytes


class CountingProxies:
    """Two proxies on free ports; the caller sets ``dynamodb`` and ``connections`` later."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.counts = Counts()
        self.dynamodb = ""
        self.connections = ""
        self.dynamodb_port = 0
        self.connections_port = 0
        self._client = client

    @classmethod
    @contextlib.asynccontextmanager
    async def started(cls) -> AsyncIterator["CountingProxies"]:
        """Serve both proxies during the context."""
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, auto_decompress=False) as client,
            contextlib.AsyncExitStack() as stack,
        ):
            proxies = cls(client)
            applications = (web.Application(client_max_size=2**24) for _ in range(2))
            dynamodb, connections = applications
            dynamodb.router.add_route("*", "/{path:.*}", proxies._to_dynamodb)
            connections.router.add_route("*", "/{path:.*}", proxies._to_connections)
            proxies.dynamodb_port = await stack.enter_async_context(serving(dynamodb, 0))
            proxies.connections_port = await stack.enter_async_context(serving(connections, 0))
            yield proxies

    def code(self, folder: Path) -> FunctionCode:
        """Return the source tree with a hook that sends DynamoDB calls to the proxy.

        Args:
            folder: A new folder for the hook.
        """
        folder.mkdir(parents=True)
        url = f"http://127.0.0.1:{self.dynamodb_port}"
        (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE.format(url=url))
        return replace(SOURCE_CODE, python_path=(folder, *SOURCE_CODE.python_path))

    async def _to_dynamodb(self, request: web.Request) -> web.Response:
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        parameters = json.loads(await request.read())
        # DynamoDB Local does not check signatures, so the request may be extended.
        body = json.dumps({**parameters, "ReturnConsumedCapacity": "TOTAL"}).encode()
        response, answer = await self._pass_on(request, self.dynamodb, body)
        fields = json.loads(answer or b"{}")
        units = (
            await self._units(request, operation, parameters, fields)
            if response.status == 200
            else 0
        )
        purpose = purpose_of(operation, parameters)
        self.counts.add_dynamodb(operation, purpose, response.status, fields, units)
        return response

    async def _units(
        self,
        request: web.Request,
        operation: str,
        parameters: Mapping[str, Any],
        fields: Mapping[str, Any],
    ) -> float:
        match operation:
            case "TransactWriteItems":
                keys = transaction_items(parameters)
                items = [await self._look_up(request, table, key) for table, key in keys]
                return sum(map(transaction_item_units, items))
            case "BatchGetItem":
                return batch_read_units(parameters, fields)
            case _:
                return reported_units(fields)

    async def _look_up(
        self, request: web.Request, table: str, key: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Read an item with the credentials of ``request``."""
        question = {"TableName": table, "Key": key, "ConsistentRead": True}
        target = request.headers["X-Amz-Target"].rpartition(".")[0]
        headers = {**_passed_on(request.headers), "X-Amz-Target": f"{target}.GetItem"}
        async with self._client.post(self.dynamodb, json=question, headers=headers) as answer:
            item: Mapping[str, Any] = json.loads(await answer.read()).get("Item", {})
            return item

    async def _to_connections(self, request: web.Request) -> web.Response:
        body = await request.read()
        response, _ = await self._pass_on(request, self.connections, body)
        if request.method == "POST" and response.status == 200:
            self.counts.add_post(len(body), json.loads(body)["type"])
        return response

    async def _pass_on(
        self, request: web.Request, base_url: str, body: bytes
    ) -> tuple[web.Response, bytes]:
        headers = _passed_on(request.headers)
        url = str(URL(base_url).origin()).rstrip("/") + request.raw_path
        async with self._client.request(
            request.method, URL(url, encoded=True), data=body, headers=headers
        ) as answer:
            content = await answer.read()
            kept = {n: v for n, v in answer.headers.items() if n.lower() not in _HOP_HEADERS}
            return web.Response(status=answer.status, body=content, headers=kept), content


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    passed = {name: value for name, value in headers.items() if name.lower() not in _HOP_HEADERS}
    # The proxy reads the answers to count their units.
    return {**passed, "Accept-Encoding": "identity"}
