"""Single writes that meet a transaction on their item: the SDK gives up on them, we try again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from repartee.adapters.dynamodb.conversations.tool_call_store import DynamoToolCallStore
from repartee.adapters.dynamodb.retries import Backoff
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.profile_store import DynamoProfileStore
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import Acknowledged, Bye, Numbered, OutputPosition
from repartee.domain.tools.core_calls import CoreAnswer, Exchange, ToolCallKey, ToolCallStatus
from repartee.domain.users.preferences import PreferenceChanges
from repartee.domain.users.retention import KEEP_FOREVER
from tests.fakes.clock import FakeClock
from tests.fakes.ids import FakeIdSource

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = pytest.mark.unit

EXCHANGE = Exchange(
    ToolCallKey(1, 1), "ab" * 32, "q", CoreAnswer(ToolCallStatus.DONE, "a"), "[]", 5
)


def failure(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "told by the test"}}, "Operation")


class Client:
    """Refuses the first writes, then takes the rest."""

    def __init__(self, *failures: ClientError) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**_: Any) -> dict[str, Any]:
            self.calls += 1
            if self.failures:
                raise self.failures.pop(0)
            return {"Attributes": {"previous_ms": {"N": "-1"}}}

        return call


def writes(client: Client, waited_s: list[float]) -> dict[str, Callable[[], object]]:
    backoff = Backoff(attempts=4, first_cap_s=0.1, sleep=waited_s.append, jitter=lambda: 1.0)
    table = DynamoTable(cast("DynamoDBClient", client), "table", backoff)
    clock = FakeClock()
    sessions = DynamoSessionStore(session_table=table)
    mailbox = DynamoMailbox(session_table=table, clock=clock, ids=FakeIdSource())
    connections = DynamoConnectionStore(session_table=table)
    calls = DynamoToolCallStore(
        session_table=table, memory=table, clock=clock, retention=KEEP_FOREVER
    )
    profiles = DynamoProfileStore(memory=table)
    ack = Acknowledged(OutputPosition(1, 2), 1, 0)
    return {
        "renew a lease": lambda: sessions.renew_lease("S", epoch=1, until_ms=9, cursor=0),
        "elect a waker": lambda: sessions.elect_waker("S", 0),
        "keep a message": lambda: mailbox.append("S", Numbered(1, Bye(), "K", 0)),
        "keep an acknowledgement": lambda: mailbox.notify("S", ack, now_ms=0),
        "close a connection": lambda: connections.close("K"),
        "end a session": lambda: connections.end_session("U", "S"),
        "store an answer": lambda: calls.finish("C", EXCHANGE),
        "change a profile": lambda: profiles.change("U", PreferenceChanges("de-DE")),
    }


NAMES = tuple(writes(Client(), []))


@pytest.mark.parametrize("name", NAMES)
def test_a_write_that_meets_a_transaction_is_tried_again(name: str):
    conflict = failure("TransactionConflictException")
    client, waited_s = Client(conflict, conflict), list[float]()
    writes(client, waited_s)[name]()
    assert client.calls == 3
    assert waited_s == [0.1, 0.2]


@pytest.mark.parametrize("name", NAMES)
def test_a_transaction_that_does_not_end_makes_the_store_unavailable(name: str):
    client, waited_s = Client(*[failure("TransactionConflictException")] * 9), list[float]()
    with pytest.raises(StoreUnavailable, match="TransactionConflictException"):
        writes(client, waited_s)[name]()
    assert client.calls == 4


@pytest.mark.parametrize("name", NAMES)
def test_errors_that_the_sdk_retries_are_not_retried_again(name: str):
    client, waited_s = Client(failure("ThrottlingException")), list[float]()
    with pytest.raises(StoreUnavailable):
        writes(client, waited_s)[name]()
    assert client.calls == 1
    assert waited_s == []
