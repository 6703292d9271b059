"""A write that was prepared before the tombstone was set is refused after it."""

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import ConnectionRefused, ConversationErased, UserErased
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.session.state import Spending, TurnAmendment
from tests.contract.scenes import (
    CONVERSATION,
    SESSION,
    USER,
    commit,
    opening,
    served_session,
    turn,
)
from tests.contract.servers import Servers
from tests.contract.stores import Order, Stores, TableNames, all_items, dynamodb_stores
from tests.fakes.clock import NOON_MS

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

THREE = Slot(date(2026, 11, 27), time(15))
SPENDING = Spending(USER, SESSION, "run-1", NOON_MS, TokenUsage(text_in=9), Decimal("0.01"))


class EraseAfterRead:
    """A client whose user is erased between a read and the following write."""

    def __init__(self, client: "DynamoDBClient", erase: Callable[[], object]) -> None:
        self._client = client
        self._erase = erase

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        self._erase()
        return self._client.transact_write_items(**arguments)


WRITERS: dict[str, Callable[[Stores], object]] = {
    "a new connection": lambda stores: stores.openings.open(
        opening(connection="late", session="late")
    ),
    "a connection come back": lambda stores: stores.openings.open(opening(connection="late")),
    "a turn": lambda stores: stores.writer.commit_turn(commit(turn(3))),
    "a summary": lambda stores: stores.summaries.fold_summary(
        SummaryFold(USER, CONVERSATION, read_through=0, through=1, summary="Likes tea.")
    ),
    "a late transcript": lambda stores: stores.writer.amend_turn(
        TurnAmendment(USER, CONVERSATION, SESSION, 1, turn(2, heard="Friday, please."))
    ),
    "a first note": lambda stores: stores.notes.add(USER, "Likes tea.", noted_at_ms=NOON_MS),
    "a bill": lambda stores: stores.usage.add(SPENDING),
    "a tool's record": lambda stores: stores.orders.put(USER, "42", Order(state="shipped")),
    "a booking": lambda stores: stores.desk.book(USER, THREE, reason="", booked_at_ms=NOON_MS),
}


def everything(client: "DynamoDBClient", names: TableNames) -> dict[tuple[str, str], Any]:
    return {
        (item["pk"]["S"], item["sk"]["S"]): item
        for item in all_items(client, names.live, names.memory, names.desk)
    }


def refused_during_erasure(
    client: "DynamoDBClient", names: TableNames, write: Callable[[Stores], object]
) -> None:
    """Set the tombstone during ``write``; check that it is refused and leaves nothing."""
    stores = dynamodb_stores(client, names)
    kept = everything(client, names)
    late = EraseAfterRead(client, lambda: stores.erasures.begin(USER, now_ms=NOON_MS))

    with pytest.raises((UserErased, ConnectionRefused)) as refused:
        write(dynamodb_stores(cast("DynamoDBClient", late), names))

    assert getattr(refused.value, "reason", "user_erased") == "user_erased"
    found = everything(client, names)
    tombstone = found.pop((f"user#{USER}", "profile"))
    assert tombstone["erased_at_ms"] == {"N": f"{NOON_MS}"}
    kept.pop((f"user#{USER}", "profile"), None)
    assert found == kept


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_during_an_erasure_is_refused_and_leaves_nothing(
    servers: Servers, dynamodb_name: str, table_names: TableNames, name: str
) -> None:
    client = servers.dynamodb(dynamodb_name)
    stores = dynamodb_stores(client, table_names)
    served_session(stores)
    for number in (1, 2):
        stores.writer.commit_turn(commit(turn(number)))

    refused_during_erasure(client, table_names, WRITERS[name])


OF_THE_CONVERSATION = (
    "a new connection",
    "a connection come back",
    "a turn",
    "a summary",
    "a late transcript",
)


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_during_the_erasure_of_its_conversation_leaves_nothing_in_it(
    servers: Servers, dynamodb_name: str, table_names: TableNames, name: str
) -> None:
    client = servers.dynamodb(dynamodb_name)
    stores = dynamodb_stores(client, table_names)
    served_session(stores)
    for number in (1, 2):
        stores.writer.commit_turn(commit(turn(number)))
    kept = everything(client, table_names)
    late = EraseAfterRead(
        client,
        lambda: stores.erasures.begin(USER, now_ms=NOON_MS, conversation_id=CONVERSATION),
    )
    racing = dynamodb_stores(cast("DynamoDBClient", late), table_names)

    if name not in OF_THE_CONVERSATION:
        # The user's notes, appointments and usage are still written.
        WRITERS[name](racing)
    elif name in ("a summary", "a late transcript"):
        assert not WRITERS[name](racing)
    else:
        with pytest.raises((ConversationErased, ConnectionRefused)) as refused:
            WRITERS[name](racing)
        reason = getattr(refused.value, "reason", "conversation_erased")
        assert reason == "conversation_erased"

    found = everything(client, table_names)
    header = (f"user#{USER}", f"conv#{CONVERSATION}")
    assert found.pop(header)["erased_at_ms"] == {"N": f"{NOON_MS}"}
    del kept[header]
    if name in OF_THE_CONVERSATION:
        assert found == kept
    else:
        assert {place for place in found if place[0] == f"conv#{CONVERSATION}"} == {
            place for place in kept if place[0] == f"conv#{CONVERSATION}"
        }
        assert found != kept


def test_a_second_note_during_an_erasure_is_not_stored(
    servers: Servers, dynamodb_name: str, table_names: TableNames
) -> None:
    client = servers.dynamodb(dynamodb_name)
    dynamodb_stores(client, table_names).notes.add(USER, "Likes mornings.", noted_at_ms=NOON_MS)

    refused_during_erasure(client, table_names, WRITERS["a first note"])
