"""The whole stack for tests, running in a separate thread, and helpers to use it."""

import asyncio
import threading
import time
import uuid
from array import array
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.demo.front_desk import FrontDesk
from local.demo.recorded_script import Utterance, load_script
from local.gemini.live.records import RecordedConnection, read_records
from local.stack import PROJECT, Stack, StackOptions, running_stack
from repartee_client.access import HttpApiClient, get_token

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Items = list[dict[str, AttributeValueTypeDef]]

# Each wait inside has its own shorter limit with a better message; these keep a test from hanging.
START_TIMEOUT_S = 300.0
RECORDINGS = PROJECT / "local" / "recordings"
TEST_TIMEOUT_S = 300.0


class RunningStack:
    """A running stack; its servers run while a test does something else."""

    def __init__(self, stack: Stack, loop: asyncio.AbstractEventLoop) -> None:
        self.stack = stack
        self._loop = loop

    def run[T](self, work: Coroutine[Any, Any, T], timeout_s: float = TEST_TIMEOUT_S) -> T:
        """Run ``work`` in the stack's event loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    async def api_of(self, user: str) -> HttpApiClient:
        """Return an HTTP client with a token of ``user``."""
        addresses = self.stack.addresses
        return HttpApiClient(addresses.http, await get_token(addresses.issuer, user))

    def records(self) -> list[RecordedConnection]:
        """Return the simulator's records so far, by connection."""
        assert self.stack.simulator is not None
        return read_records(self.stack.simulator.record_directory)

    def log(self, function: str) -> str:
        """Return the log of a function so far."""

        async def pumped() -> None:
            # Output in the pipe reaches the file a few steps later.
            for _ in range(10):
                await asyncio.sleep(0)

        self.run(pumped())
        return self.stack.log_path(function).read_text()

    @contextmanager
    def changed(self, function: str, **variables: str) -> Iterator[None]:
        """Run a function with other variables until the end of the context.

        Its environments start again for both changes, which costs less than a separate stack.
        """

        async def change(others: Mapping[str, str]) -> Mapping[str, str]:
            return self.stack.lambdas.change_variables(function, others)

        usual = self.stack.application.functions[function].environment
        self.run(change({**usual, **variables}))
        try:
            yield
        finally:
            self.run(change(usual))

    def dynamodb(self) -> "DynamoDBClient":
        """Return a client of the stack's tables."""
        return self.stack.dynamodb()

    def until_ended(self, session_id: str) -> None:
        """Wait until a session's worker has written its last item, after the client's end.

        Raises:
            AssertionError: It goes on.
        """
        key = {"pk": {"S": f"session#{session_id}"}, "sk": {"S": "state"}}
        name, tables = self.stack.table_names["LiveTable"], self.dynamodb()
        give_up_at_s = time.monotonic() + TEST_TIMEOUT_S
        while time.monotonic() < give_up_at_s:
            state = tables.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
            if state["is_ended"]["BOOL"]:
                return
            time.sleep(0.05)
        raise AssertionError(f"session {session_id} never ended")

    def used(self, user: str) -> "Items":
        """Return the user's usage by day, because a test may run past midnight."""
        return [
            item
            for item in self.items("MemoryTable")
            if item["pk"] == {"S": f"user#{user}"} and item["sk"]["S"].startswith("usage#")
        ]

    def clear_desk(self) -> None:
        """Free every slot that other tests have booked, and fill the book again."""
        name, tables = self.stack.table_names["DeskTable"], self.dynamodb()
        for item in self.items("DeskTable"):
            tables.delete_item(TableName=name, Key={key: item[key] for key in ("pk", "sk")})
        self.run(FrontDesk(self.stack).seed())

    def items(self, table: str) -> "Items":
        """Return every item of a table, by the table's logical id."""
        pages = self.dynamodb().get_paginator("scan")
        name = self.stack.table_names[table]
        return [
            item
            for page in pages.paginate(TableName=name, ConsistentRead=True)
            for item in page["Items"]
        ]


@contextmanager
def stack_in_thread(options: StackOptions) -> Iterator[RunningStack]:
    """Start a stack, and stop it at the end of the context."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stack", daemon=True)
    thread.start()
    stopping = asyncio.Event()
    started: asyncio.Future[Stack] = loop.create_future()

    async def serve() -> None:
        try:
            async with running_stack(options) as stack:
                started.set_result(stack)
                await stopping.wait()
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    async def start() -> Stack:
        return await started

    serving = asyncio.run_coroutine_threadsafe(serve(), loop)
    try:
        stack = asyncio.run_coroutine_threadsafe(start(), loop).result(START_TIMEOUT_S)
        yield RunningStack(stack, loop)
    finally:
        loop.call_soon_threadsafe(stopping.set)
        try:
            serving.result(START_TIMEOUT_S)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def new_user(name: str) -> str:
    """Return a user that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:12]}"  # noqa: TID251 - a test's own id


def recordings(name: str) -> list[Utterance]:
    """Return one of the committed sets of recordings."""
    return load_script(RECORDINGS / name)


def options_for_tests(run_directory: Path) -> StackOptions:
    """Return options with free ports, and a simulator that answers at once, and traces."""
    return StackOptions(
        run_directory=run_directory,
        port_base=None,
        gemini_pace="instant",
        gemini_arguments=("--transcripts", str(RECORDINGS / "pizzeria")),
        tracing=True,
    )


def without_silence(pcm: bytes) -> bytes:
    """Drop the zero samples of 16-bit audio, so that speech compares equal with any silence."""
    return array("h", [sample for sample in array("h", pcm) if sample]).tobytes()
