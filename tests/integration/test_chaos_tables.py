"""The faulty proxy before the tables, as seen by the functions' SDK."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import boto3
import pytest
from aiohttp import web
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from local.hosting.aws_resources import client_options
from local.hosting.servers import serving
from local.hosting.table_faults import TableFault, TableFaultProxy, TableRequest, TableRule

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Table:
    """A stand-in for DynamoDB that accepts and counts all requests."""

    def __init__(self) -> None:
        self.operations: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.operations.append(request.headers["X-Amz-Target"].rpartition(".")[2])
        await request.read()
        return web.json_response({}, content_type="application/x-amz-json-1.0")


@asynccontextmanager
async def line(faults: TableFaultProxy) -> AsyncIterator[tuple[Table, "DynamoDBClient"]]:
    table = Table()
    application = web.Application()
    application.router.add_post("/", table.handle)
    async with (
        serving(application, 0) as port,
        faults.serving(f"http://127.0.0.1:{port}") as proxy,
    ):
        once = Config(retries={"total_max_attempts": 1}, user_agent_extra="app/Worker-1")
        options = {**client_options(f"http://127.0.0.1:{proxy}"), "config": once}
        client = boto3.session.Session().client("dynamodb", **options)
        yield table, client
        client.close()


async def put(client: "DynamoDBClient") -> None:
    await asyncio.to_thread(client.put_item, TableName="table", Item=KEY)


async def transact(client: "DynamoDBClient") -> None:
    writes = [{"Put": {"TableName": "table", "Item": KEY}}] * 2
    await asyncio.to_thread(client.transact_write_items, TransactItems=writes)  # type: ignore[arg-type]


async def read(client: "DynamoDBClient") -> None:
    await asyncio.to_thread(client.get_item, TableName="table", Key=KEY)


async def refusal(call: "Callable[[DynamoDBClient], object]", client: "DynamoDBClient"):
    with pytest.raises(ClientError) as caught:
        await call(client)  # type: ignore[misc]
    return caught.value.response


async def test_without_rules_everything_passes():
    faults = TableFaultProxy()
    async with line(faults) as (table, client):
        await put(client)
        await read(client)
    assert table.operations == ["PutItem", "GetItem"]
    assert not faults.happened


async def test_a_throttled_request_does_not_reach_the_table():
    faults = TableFaultProxy()
    faults.use(1, TableRule(TableFault.THROTTLED, 1.0, 2))
    async with line(faults) as (table, client):
        codes = [(await refusal(put, client))["Error"]["Code"] for _ in range(2)]
        await put(client)
    assert codes == ["ProvisionedThroughputExceededException", "ThrottlingException"]
    assert table.operations == ["PutItem"]
    assert faults.happened == {TableFault.THROTTLED: 2}


async def test_a_conflict_names_its_reasons_one_for_each_write():
    faults = TableFaultProxy()
    faults.use(1, TableRule(TableFault.CONFLICT, 1.0, 2))
    async with line(faults) as (table, client):
        await read(client)
        cancelled = await refusal(transact, client)
        single = await refusal(put, client)
    assert cancelled["Error"]["Code"] == "TransactionCanceledException"
    reasons = [reason["Code"] for reason in cancelled["CancellationReasons"]]
    assert reasons == ["TransactionConflict", "None"]
    assert single["Error"]["Code"] == "TransactionConflictException"
    assert table.operations == ["GetItem"]


@pytest.mark.parametrize(
    ("fault", "reached"), [(TableFault.UNREACHED, []), (TableFault.AMBIGUOUS, ["PutItem"])]
)
async def test_a_broken_line_leaves_open_whether_the_write_happened(
    fault: TableFault, reached: list[str]
):
    faults = TableFaultProxy()
    faults.use(1, TableRule(fault, 1.0, 1))
    async with line(faults) as (table, client):
        with pytest.raises(ConnectionClosedError):
            await put(client)
        assert table.operations == reached
        await put(client)
    assert faults.happened == {fault: 1}


async def test_the_watcher_sees_a_write_before_its_caller_does():
    seen: list[TableRequest] = []
    looked, go_on = asyncio.Event(), asyncio.Event()

    async def watch(request: TableRequest) -> None:
        seen.append(request)
        looked.set()
        await go_on.wait()

    faults = TableFaultProxy(watcher=watch)
    async with line(faults) as (table, client):
        await read(client)
        writing = asyncio.create_task(put(client))
        await asyncio.wait_for(looked.wait(), 10)
        assert table.operations == ["GetItem", "PutItem"]
        assert not writing.done()
        go_on.set()
        await writing
    (request,) = seen
    assert (request.operation, request.caller) == ("PutItem", "Worker-1")
    assert json.loads(request.body)["Item"] == KEY


async def test_the_seed_decides_which_requests_fail():
    async def struck(seed: int) -> list[bool]:
        faults = TableFaultProxy()
        faults.use(seed, TableRule(TableFault.THROTTLED, 0.5, 100))
        found: list[bool] = []
        async with line(faults) as (_, client):
            for _ in range(12):
                before = faults.happened.total()
                with suppress(ClientError):
                    await read(client)
                found.append(faults.happened.total() > before)
        return found

    first = await struck(1)
    assert first == await struck(1)
    assert first != await struck(2)
