"""A write that conflicts with a transaction is retried here, because the SDK does not do it."""

from collections.abc import Callable

import pytest

from repartee.adapters.dynamodb.conversations.tool_call_store import DynamoToolCallStore
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
from tests.unit.adapters.dynamodb.failing_client import FailingClient, Waits, as_client, failure

pytestmark = pytest.mark.unit

EXCHANGE = Exchange(
    ToolCallKey(1, 1), "ab" * 32, "q", CoreAnswer(ToolCallStatus.DONE, "a"), "[]", 5
)


def writes(failing: FailingClient, waits: Waits) -> dict[str, Callable[[], object]]:
    table = DynamoTable(as_client(failing), "table", waits.backoff)
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


TAKEN = {"Attributes": {"previous_ms": {"N": "-1"}}}
CONFLICT = failure("TransactionConflictException")
NAMES = tuple(writes(FailingClient(TAKEN), Waits()))


@pytest.mark.parametrize("name", NAMES)
def test_a_write_that_meets_a_transaction_is_tried_again(name: str):
    failing, waits = FailingClient(CONFLICT, CONFLICT, TAKEN), Waits()
    writes(failing, waits)[name]()
    assert len(failing.calls) == 3
    assert waits.seconds == [0.1, 0.2]


@pytest.mark.parametrize("name", NAMES)
def test_a_transaction_that_does_not_end_makes_the_store_unavailable(name: str):
    failing, waits = FailingClient(CONFLICT), Waits()
    with pytest.raises(StoreUnavailable, match="TransactionConflictException"):
        writes(failing, waits)[name]()
    assert len(failing.calls) == 4


@pytest.mark.parametrize("name", NAMES)
def test_errors_that_the_sdk_retries_are_not_retried_again(name: str):
    failing, waits = FailingClient(failure("ThrottlingException")), Waits()
    with pytest.raises(StoreUnavailable):
        writes(failing, waits)[name]()
    assert len(failing.calls) == 1
    assert waits.seconds == []
