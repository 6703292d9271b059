"""A proxy between the functions and the tables that makes faults of DynamoDB."""

import asyncio
import contextlib
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp
from aiohttp import web

from local.cloudwatch.aws_metrics import AwsMetrics, TableMetrics
from local.hosting.servers import serving

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_CALLER = re.compile(r"\bapp/(\S+)")
_TABLE = re.compile(r'"TableName": ?"([^"]+)"')
_MAX_BODY_BYTES = 16 * 1024 * 1024
_NOT_PASSED_ON = frozenset({"host", "content-length", "connection", "transfer-encoding"})

SINGLE_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
WRITES = SINGLE_WRITES | {"TransactWriteItems", "BatchWriteItem"}
_MEASURED = WRITES | {"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"}


class TableFault(StrEnum):
    """The faults that can strike a request to a table."""

    THROTTLED = "throttled"
    CONFLICT = "conflict"  # another transaction holds the item; writes only
    UNREACHED = "unreached"  # the connection breaks before the table gets the request
    AMBIGUOUS = "ambiguous"  # the table executes it, and the connection breaks before the answer
    SLOW = "slow"


@dataclass(slots=True)
class TableRule:
    """The frequency of one fault.

    Attributes:
        fault: The fault.
        probability: The probability for each request that the fault can strike.
        at_most: The largest number of faults in all.
        delay_ms: The additional time of a slow request.
    """

    fault: TableFault
    probability: float
    at_most: int
    delay_ms: int = 300


@dataclass(frozen=True, slots=True)
class TableRequest:
    """A request that passes through the proxy.

    Attributes:
        operation: The operation, such as ``PutItem``.
        body: The parameters as JSON.
        caller: The environment that sent the request, "" if it does not identify itself.
    """

    operation: str
    body: bytes
    caller: str

    @property
    def takes_lease(self) -> bool:
        """Whether the request raises the session's epoch."""
        return b"epoch = epoch + :one" in self.body

    def tables(self) -> set[str]:
        """Return the names of the request's tables."""
        named = set(_TABLE.findall(self.body.decode(errors="replace")))
        # Requests in batches have the names as keys.
        return named or set(self.parameters().get("RequestItems", ()))

    def parameters(self) -> dict[str, Any]:
        """Return the parsed parameters."""
        fields: dict[str, Any] = json.loads(self.body)
        return fields


type Watcher = Callable[[TableRequest], Awaitable[None]]


async def _ignore_request(_request: TableRequest) -> None:
    """Do nothing; the default watcher."""


@dataclass(slots=True)
class TableFaultProxy:
    """Decides, makes and counts the faults.

    Attributes:
        happened: The number of each fault so far.
        metrics: Counts what DynamoDB would publish.
        watcher: Called with each write that the table has executed; the caller of the write gets
            its answer after the watcher returns.
    """

    happened: Counter[TableFault] = field(default_factory=Counter)
    metrics: TableMetrics = field(default_factory=lambda: TableMetrics(AwsMetrics()))
    watcher: Watcher = _ignore_request
    _rules: list[tuple[TableRule, random.Random]] = field(default_factory=list)

    def use(self, seed: int, *rules: TableRule) -> None:
        """Replace the rules; without rules every request passes."""
        self._rules = [
            (rule, random.Random(f"{seed}/{number}/{rule.fault}"))  # noqa: S311 - repeatable
            for number, rule in enumerate(rules)
        ]

    @contextlib.asynccontextmanager
    async def serving(self, upstream: str) -> AsyncIterator[int]:
        """Serve in front of DynamoDB at ``upstream``; yield the port."""
        application = web.Application(client_max_size=_MAX_BODY_BYTES)
        # Answers pass unchanged, compressed or not.
        async with aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as client:

            async def handle(request: web.Request) -> web.StreamResponse:
                return await self._pass(client, upstream, request)

            application.router.add_route("*", "/{path:.*}", handle)
            async with serving(application, 0) as port:
                yield port

    async def _pass(
        self, client: aiohttp.ClientSession, upstream: str, request: web.Request
    ) -> web.StreamResponse:
        body = await request.read()
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        caller = _CALLER.search(request.headers.get("User-Agent", ""))
        seen = TableRequest(operation, body, caller[1] if caller else "")
        if self.metrics.is_on and operation in _MEASURED:
            # Local programs do not check the signature, which covers the body.
            body = json.dumps({"ReturnConsumedCapacity": "TOTAL", **seen.parameters()}).encode()
        rule = self._decide(operation)
        if rule is not None:
            self.happened[rule.fault] += 1
        match rule:
            case TableRule(fault=TableFault.THROTTLED):
                for table in seen.tables():
                    self.metrics.throttled(table, operation)
                return _throttled(self.happened[TableFault.THROTTLED])
            case TableRule(fault=TableFault.CONFLICT):
                return _conflict(seen)
            case TableRule(fault=TableFault.UNREACHED):
                return _cut(request)
            case TableRule(fault=TableFault.SLOW, delay_ms=delay_ms):
                await asyncio.sleep(delay_ms / 1_000)
            case _:
                pass
        answer = await self._forward(client, upstream, request, body)
        if self.metrics.is_on and operation in _MEASURED and isinstance(answer.body, bytes):
            self._count_units(operation, answer.body)
        if operation in WRITES and answer.status == 200:
            await self.watcher(seen)
        if rule is not None and rule.fault is TableFault.AMBIGUOUS:
            return _cut(request)
        return answer

    def _count_units(self, operation: str, answer: bytes) -> None:
        consumed = json.loads(answer).get("ConsumedCapacity", [])
        for one in consumed if isinstance(consumed, list) else [consumed]:
            units = one["CapacityUnits"]
            is_write = operation in WRITES
            self.metrics.consumed(
                one["TableName"],
                read_units=0 if is_write else units,
                write_units=units if is_write else 0,
            )

    def _decide(self, operation: str) -> TableRule | None:
        for rule, chance in self._rules:
            if rule.at_most <= 0 or not _can_happen(rule.fault, operation):
                continue
            if chance.random() < rule.probability:
                rule.at_most -= 1
                return rule
        return None

    async def _forward(
        self, client: aiohttp.ClientSession, upstream: str, request: web.Request, body: bytes
    ) -> web.Response:
        headers = [
            (name, value)
            for name, value in request.headers.items()
            if name.lower() not in _NOT_PASSED_ON
        ]
        async with client.request(
            request.method, upstream + request.path_qs, headers=headers, data=body
        ) as response:
            kept = {
                name: value
                for name, value in response.headers.items()
                if name.lower() not in _NOT_PASSED_ON
            }
            return web.Response(status=response.status, headers=kept, body=await response.read())


def _can_happen(fault: TableFault, operation: str) -> bool:
    match fault:
        case TableFault.CONFLICT:
            return operation in SINGLE_WRITES or operation == "TransactWriteItems"
        case TableFault.AMBIGUOUS:
            return operation in WRITES
        case _:
            return bool(operation)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # the connection is closed, so no caller receives it


def _error(kind: str, message: str, **fields: object) -> web.Response:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "message": message, **fields}
    return web.Response(
        status=400, body=json.dumps(body).encode(), content_type="application/x-amz-json-1.0"
    )


def _throttled(number: int) -> web.Response:
    """Return a throttling error; DynamoDB's two names for it alternate."""
    if number % 2:
        return _error(
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
        )
    return _error("ThrottlingException", "Throughput exceeds the current capacity of your table.")


def _conflict(request: TableRequest) -> web.Response:
    message = "Transaction is ongoing for the item"
    if request.operation in SINGLE_WRITES:
        return _error("TransactionConflictException", message)
    count = len(request.parameters()["TransactItems"])
    reasons = [{"Code": "TransactionConflict", "Message": message}]
    reasons += [{"Code": "None"}] * (count - 1)
    codes = ", ".join(reason["Code"] for reason in reasons)
    # The specific fields of this error begin with capitals.
    text = f"Transaction cancelled, please refer cancellation reasons [{codes}]"
    return _error("TransactionCanceledException", text, Message=text, CancellationReasons=reasons)
