"""Loading memory costs the same at any length of a conversation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING, Any

import pytest

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import turn_attributes
from repartee.domain.conversation.history_budget import MemoryBudget, prompt_characters
from tests.contract.scenes import CONVERSATION, USER, served_session, turn
from tests.contract.servers import Servers
from tests.contract.stores import TableNames, dynamodb_stores

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import WriteRequestTypeDef

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

ROOM = MemoryBudget().characters
SENTENCE = "I would like to come on Friday, if there is a place in the morning. " * 2


@dataclass(slots=True)
class Asked:
    """The requests to DynamoDB.

    Attributes:
        operations: Their names, in order.
        items_read: How many items the queries read.
    """

    operations: list[str] = field(default_factory=list)
    items_read: int = 0

    def note(self, event_name: str, parsed: dict[str, Any], **_rest: object) -> None:
        self.operations.append(event_name.rpartition(".")[2])
        self.items_read += parsed.get("ScannedCount", 0)


@contextmanager
def asking(client: "DynamoDBClient") -> Iterator[Asked]:
    asked = Asked()
    client.meta.events.register("after-call.dynamodb", asked.note)
    try:
        yield asked
    finally:
        client.meta.events.unregister("after-call.dynamodb", asked.note)


def hold(client: "DynamoDBClient", names: TableNames, turns: int) -> None:
    """Write this many turns to the empty conversation."""
    items = [
        {
            **keys.turn(CONVERSATION, number),
            **turn_attributes(turn(number, heard=SENTENCE, said=SENTENCE)),
        }
        for number in range(1, turns + 1)
    ]
    for some in batched(items, 25, strict=False):
        puts: list[WriteRequestTypeDef] = [{"PutRequest": {"Item": item}} for item in some]
        client.batch_write_item(RequestItems={names.memory: puts})
    client.update_item(
        TableName=names.memory,
        Key=keys.header(USER, CONVERSATION),
        UpdateExpression="SET turn_count = :turns",
        ExpressionAttributeValues={":turns": {"N": f"{turns}"}},
    )


@pytest.mark.parametrize("turns", [50, 400])
def test_memory_is_loaded_by_one_query_of_constant_size(
    servers: Servers, dynamodb_name: str, table_names: TableNames, turns: int
):
    client = servers.dynamodb(dynamodb_name)
    stores = dynamodb_stores(client, table_names)
    served_session(stores)
    hold(client, table_names, turns)

    with asking(client) as asked:
        memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=ROOM)

    assert memory.turns[-1].number == turns
    assert ROOM - len(SENTENCE) * 2 < prompt_characters(memory.turns) <= ROOM
    assert asked.operations == ["BatchGetItem", "Query"]
    assert asked.items_read <= 2 * len(memory.turns)
