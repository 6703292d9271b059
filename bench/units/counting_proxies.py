"""Proxies that count what the functions ask of DynamoDB and of ``@connections``."""

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
from bench.units.purposes import purpose
from local.hosting.servers import serving
from local.lambdas.hosting_types import FunctionCode
from local.stack_options import SOURCE_CODE

# API Gateway bills a message for each 32 KB that it is begun.
MESSAGE_UNIT_BYTES = 32 * 1024
_READS = frozenset({"GetItem", "Query", "BatchGetItem", "TransactGetItems", "Scan"})
_HOP_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
# A refused condition is billed like the write, and its answer does not say how much that was.
_REFUSED = ("ConditionalCheckFailedException", "TransactionCanceledException")
# AWS's own variable would be overwritten by the host's, so the function's process sets it late.
_SITECUSTOMIZE = 'import os\n\nos.environ["AWS_ENDPOINT_URL_DYNAMODB"] = "{url}"\n'


@dataclass(slots=True)
class Counts:
    """What was counted so far.

    Attributes:
        operations: Calls of DynamoDB by what they are for.
        reads: Their read units, likewise.
        writes: Their write units, likewise.
        refused_writes: Conditions that did not hold, counted as one write unit each.
        posts: Messages to clients, by API Gateway's units.
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
        self, operation: str, what: str, status: int, answer: Mapping[str, Any], units: float
    ) -> None:
        """Count one call of DynamoDB, by its answer where a condition refused it."""
        self.operations[what] += 1
        billed = self.reads if operation in _READS else self.writes
        if status >= 400 and str(answer.get("__type", "")).endswith(_REFUSED):
            self.refused_writes += 1
            units = 1.0
        billed[what] = billed.get(what, 0.0) + units

    def add_post(self, size_bytes: int, kind: str) -> None:
        """Count one message to a client."""
        messages = max(1, ceil(size_bytes / MESSAGE_UNIT_BYTES))
        self.posts += messages
        self.posts_by_type[kind] += messages
        self.posted_bytes += size_bytes


class CountingProxies:
    """Two proxies on free ports; ``dynamodb`` and ``connections`` are set once those listen."""

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
        """Serve both while the context lasts."""
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
        """Return the source tree, with a hook that sends DynamoDB's calls here.

        Args:
            folder: A new folder for the hook.
        """
        folder.mkdir(parents=True)
        url = f"http://127.0.0.1:{self.dynamodb_port}"
        (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE.format(url=url))
        return replace(SOURCE_CODE, python_path=(folder, *SOURCE_CODE.python_path))

    async def _to_dynamodb(self, request: web.Request) -> web.Response:
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        asked = json.loads(await request.read())
        # The local table server does not check signatures, so the question may be extended.
        body = json.dumps({**asked, "ReturnConsumedCapacity": "TOTAL"}).encode()
        response, answer = await self._pass_on(request, self.dynamodb, body)
        told = json.loads(answer or b"{}")
        units = await self._units(request, operation, asked, told) if response.status == 200 else 0
        what = purpose(operation, asked)
        self.counts.add_dynamodb(operation, what, response.status, told, units)
        return response

    async def _units(
        self,
        request: web.Request,
        operation: str,
        asked: Mapping[str, Any],
        told: Mapping[str, Any],
    ) -> float:
        match operation:
            case "TransactWriteItems":
                keys = transaction_items(asked)
                items = [await self._look_up(request, table, key) for table, key in keys]
                return sum(map(transaction_item_units, items))
            case "BatchGetItem":
                return batch_read_units(asked, told)
            case _:
                return reported_units(told)

    async def _look_up(
        self, request: web.Request, table: str, key: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Read an item as the function that ``request`` came from would."""
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
    # What is counted has to be read.
    return {**passed, "Accept-Encoding": "identity"}
