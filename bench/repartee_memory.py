"""Measures loads and appends through Repartee's own stores."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bench.memory_results import COMMIT, WITHOUT_SUMMARY, Plan, Result, Sample
from bench.phrases import phrases
from bench.units.consumed_units import ConsumedUnits
from bench.units.dynamodb import make_table
from local.hosting.aws_resources import dynamodb_client
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import turn_attributes
from repartee.adapters.dynamodb.conversations.reader import DynamoConversationReader
from repartee.adapters.dynamodb.conversations.summary_writer import DynamoSummaryWriter
from repartee.adapters.dynamodb.conversations.writer import DynamoConversationWriter
from repartee.adapters.dynamodb.sessions.opening_store import DynamoOpeningStore
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.history_budget import MemoryBudget, newest_within
from repartee.domain.conversation.summary import WANTED_CHARACTERS, SummaryFold
from repartee.domain.session.state import ConnectionOpening, TurnCommit
from repartee.domain.users.retention import KEEP_FOREVER

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_NOW_MS = 1_795_176_000_000


class MeasuredConversation:
    """One conversation of Repartee, filled to a size.

    Args:
        client: A client of DynamoDB Local.
        tables: The names of LiveTable and MemoryTable.
        kind: One of the three kinds of Repartee's memory.
        name: The id of the conversation.
        size: The number of turns to fill in.
    """

    def __init__(
        self, client: "DynamoDBClient", tables: tuple[str, str], kind: str, name: str, size: int
    ) -> None:
        live, memory = (DynamoTable(client, name) for name in tables)
        clock = SystemClock()
        self._client = client
        self._kind = kind
        self._name = self._user = self._session = name
        self._next = size + 1
        self._reader = DynamoConversationReader(memory=memory, clock=clock)
        self._writer = DynamoConversationWriter(
            session_table=live, memory=memory, retention=KEEP_FOREVER
        )
        self._open(live, memory)
        turns = [self._turn(number) for number in range(1, size + 1)]
        self._put(memory.name, turns)
        if kind != WITHOUT_SUMMARY:
            self._sum_up(
                DynamoSummaryWriter(memory=memory, clock=clock, retention=KEEP_FOREVER), turns
            )

    def _open(self, live: DynamoTable, memory: DynamoTable) -> None:
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
        DynamoOpeningStore(session_table=live, memory=memory, retention=KEEP_FOREVER).open(opening)
        lease = DynamoSessionStore(session_table=live).acquire_lease(
            self._session, owner="bench", now_ms=_NOW_MS, until_ms=_NOW_MS + 5_000
        )
        if lease is None:
            raise RuntimeError("the lease of a new session is not free")

    def _put(self, memory: str, turns: Sequence[Turn]) -> None:
        """Write the items of earlier commits, 25 at a time."""
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

    def _sum_up(self, summaries: DynamoSummaryWriter, turns: Sequence[Turn]) -> None:
        """Write a summary that leaves the same number of turns uncovered as a fold does."""
        uncovered = newest_within(turns, MemoryBudget().kept)
        through = len(turns) - len(uncovered)
        if through:
            summary = " ".join(phrases(number)[1] for number in range(99))[:WANTED_CHARACTERS]
            fold = SummaryFold(self._user, self._name, 0, through, summary)
            if not summaries.fold_summary(fold):
                raise RuntimeError("the summary was not written")

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


def measure_repartee_memory(endpoint: str, kind: str, size: int, plan: Plan) -> Result:
    """Measure one kind of Repartee's memory at one size, in separate tables.

    Raises:
        RuntimeError: A conversation could not be filled to its size.
    """
    client = dynamodb_client(endpoint)
    prefix = f"{kind}-{size}".replace(",", "").replace(" ", "_")
    tables = (
        make_table(client, f"{prefix}-live", "pk", "sk"),
        make_table(client, f"{prefix}-memory", "pk", "sk"),
    )
    conversations = plan.conversations(size)
    with ThreadPoolExecutor(2) as pool:
        filled = list(
            pool.map(
                lambda index: MeasuredConversation(client, tables, kind, f"{prefix}-{index}", size),
                range(conversations),
            )
        )
    units = ConsumedUnits(client)
    samples = []
    for conversation in filled:
        for _ in range(plan.samples // conversations):
            started_s = time.perf_counter()
            conversation.turn()
            samples.append(Sample((time.perf_counter() - started_s) * 1_000, *units.take()))
    return Result(kind, size, tuple(samples))
