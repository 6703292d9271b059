"""A table that keeps failing is unavailable, for every operation."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from repartee.adapters.dynamodb.conversations.reader import DynamoConversationReader
from repartee.adapters.dynamodb.conversations.summary_writer import DynamoSummaryWriter
from repartee.adapters.dynamodb.conversations.tool_call_store import DynamoToolCallStore
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.opening_store import DynamoOpeningStore
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.profile_store import DynamoProfileStore
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.errors import LeaseLost, StoreUnavailable
from repartee.domain.protocol.messages import Bye, Detached, Numbered
from repartee.domain.session.state import ConnectionOpening
from repartee.domain.tools.core_calls import (
    BegunTool,
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.preferences import PreferenceChanges
from repartee.domain.users.retention import KEEP_FOREVER
from tests.fakes.clock import FakeClock
from tests.fakes.ids import FakeIdSource
from tests.unit.adapters.dynamodb.failing_client import (
    COMMIT,
    FailingClient,
    Waits,
    cancelled,
    failure,
    name,
    table,
    writer_on,
)

pytestmark = pytest.mark.unit

FOLD = SummaryFold("user", "talk", 0, 3, "Ann called.")
OPENING = ConnectionOpening("conn", "user", "session", "talk", "ticket", 60_000, 0, 3)


def mailbox_on(live: DynamoTable) -> DynamoMailbox:
    return DynamoMailbox(session_table=live, clock=FakeClock(), ids=FakeIdSource())


def test_deletions_that_were_not_processed_are_repeated() -> None:
    left = {"DeleteRequest": {"Key": {"pk": {"S": "session#s"}, "sk": {"S": "in#000000000002"}}}}
    failing = FailingClient({"UnprocessedItems": {"live": [left]}}, {"UnprocessedItems": {}})
    waits = Waits()
    mailbox = mailbox_on(table(failing, "live", waits))

    mailbox.delete("s", [1, 2], [])

    batches = [parameters["RequestItems"]["live"] for _, parameters in failing.calls]
    assert [len(batch) for batch in batches] == [2, 1]
    assert batches[1] == [left]
    assert waits.seconds == [0.1]


def test_deletions_that_are_never_processed_make_the_store_unavailable() -> None:
    left = {"DeleteRequest": {"Key": {"pk": {"S": "session#s"}, "sk": {"S": "in#000000000001"}}}}
    failing = FailingClient({"UnprocessedItems": {"live": [left]}})
    mailbox = mailbox_on(table(failing, "live"))

    with pytest.raises(StoreUnavailable):
        mailbox.delete("s", [1], [])


def every_operation(failing: FailingClient) -> Iterable[tuple[str, Callable[[], object]]]:
    live, memory, clock = table(failing, "live"), table(failing, "memory"), FakeClock()
    sessions = DynamoSessionStore(session_table=live)
    mailbox = mailbox_on(live)
    openings = DynamoOpeningStore(session_table=live, memory=memory, retention=KEEP_FOREVER)
    connections = DynamoConnectionStore(session_table=live)
    reader = DynamoConversationReader(memory=memory, clock=clock)
    writer = writer_on(failing)
    profiles = DynamoProfileStore(memory=memory)
    summaries = DynamoSummaryWriter(memory=memory, clock=clock, retention=KEEP_FOREVER)
    calls = DynamoToolCallStore(
        session_table=live, memory=memory, clock=clock, retention=KEEP_FOREVER
    )
    key = ToolCallKey(1, 1)
    request = CoreRequest("user", "talk", "session", 1, key, "ab" * 32, "?", "en-US", 9)
    exchange = Exchange(key, "ab" * 32, "?", CoreAnswer(ToolCallStatus.DONE, "!"), "[]", 3)
    return [
        ("load", lambda: sessions.load("s")),
        ("elect_waker", lambda: sessions.elect_waker("s", 1)),
        ("acquire", lambda: sessions.acquire_lease("s", owner="w", now_ms=1, until_ms=2)),
        ("renew", lambda: sessions.renew_lease("s", epoch=1, until_ms=2, cursor=0)),
        ("set_connection", lambda: sessions.set_connection("s", epoch=1, connection_id="c")),
        ("release", lambda: sessions.release_lease("s", epoch=1, cursor=0, ended=False)),
        ("append", lambda: mailbox.append("s", Numbered(1, Bye(), "c", 1))),
        ("notify", lambda: mailbox.notify("s", Detached("c"), now_ms=1)),
        ("read_after", lambda: mailbox.read_after("s", 0)),
        ("delete", lambda: mailbox.delete("s", [1], [])),
        ("open", lambda: openings.open(OPENING)),
        ("close", lambda: connections.close("c")),
        ("active", lambda: connections.active_sessions("user", now_ms=1)),
        (
            "lapse",
            lambda: connections.set_session_expiry("user", "s", connection_id="c", expires_at_ms=1),
        ),
        ("count_refusal", lambda: connections.count_refusal("c")),
        ("end_session", lambda: connections.end_session("user", "s")),
        ("load_memory", lambda: reader.load_memory("user", "talk", max_characters=3)),
        ("list_conversations", lambda: reader.list_conversations("user", limit=3)),
        ("list_turns", lambda: reader.list_turns("user", "talk", after=0, limit=3)),
        ("commit_turn", lambda: writer.commit_turn(COMMIT)),
        ("load_profile", lambda: profiles.load("user")),
        ("change_profile", lambda: profiles.change("user", PreferenceChanges("de-DE"))),
        ("load_header", lambda: reader.load_header("user", "talk")),
        ("fold_summary", lambda: summaries.fold_summary(FOLD)),
        ("claim", lambda: calls.claim(request, now_ms=1, until_ms=2)),
        ("attempts", lambda: calls.attempts("talk", 1)),
        ("begin_tool", lambda: calls.begin_tool("talk", key, "ab" * 32, BegunTool("t", "{}"))),
        ("finish", lambda: calls.finish("talk", exchange)),
        ("recent", lambda: calls.recent("talk", limit=3)),
    ]


OPERATIONS = [operation for operation, _ in every_operation(FailingClient({}))]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "error",
    [
        failure("ProvisionedThroughputExceededException"),
        failure("InternalServerError", 500),
        ReadTimeoutError(endpoint_url="http://db"),
    ],
    ids=name,
)
def test_a_table_that_keeps_failing_is_unavailable(operation: str, error: Exception) -> None:
    run_operation = dict(every_operation(FailingClient(error)))[operation]

    with pytest.raises(StoreUnavailable):
        run_operation()


def test_openings_that_others_always_forestall_are_given_up() -> None:
    class Forestalled(FailingClient):
        def get_item(self, **_: Any) -> dict[str, Any]:
            return {}

        def query(self, **_: Any) -> dict[str, Any]:
            return {"Items": []}

    reasons = ["None"] * 5 + ["ConditionalCheckFailed", "None"]
    waits = Waits()
    client = Forestalled(cancelled(*reasons))
    store = DynamoOpeningStore(
        session_table=table(client, "live", waits),
        memory=table(client, "memory"),
        retention=KEEP_FOREVER,
    )

    with pytest.raises(StoreUnavailable):
        store.open(OPENING)

    assert waits.seconds == [0.1, 0.2, 0.4]


def test_losing_the_epoch_is_no_failure_of_the_table() -> None:
    failing = FailingClient(failure("ConditionalCheckFailedException"))
    store = DynamoSessionStore(session_table=table(failing, "live"))

    with pytest.raises(LeaseLost):
        store.release_lease("session", epoch=1, cursor=0, ended=False)
