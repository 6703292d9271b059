from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)

from repartee.adapters.dynamodb.conversations.reader import DynamoConversationReader
from repartee.adapters.dynamodb.conversations.summary_writer import DynamoSummaryWriter
from repartee.adapters.dynamodb.conversations.tool_call_store import DynamoToolCallStore
from repartee.adapters.dynamodb.conversations.writer import DynamoConversationWriter
from repartee.adapters.dynamodb.retries import (
    Backoff,
    TransactionRefused,
    transact,
    translate_errors,
)
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.opening_store import DynamoOpeningStore
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.profile_store import DynamoProfileStore
from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.errors import LeaseLost, StoreUnavailable
from repartee.domain.protocol.messages import Bye, Detached, Numbered
from repartee.domain.session.state import ConnectionOpening, TurnCommit
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

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = pytest.mark.unit

COMMIT = TurnCommit("user", "talk", "session", 1, Turn(1, "session", 0, 9), 4, 10)
FOLD = SummaryFold("user", "talk", 0, 3, "Ann called.")
OPENING = ConnectionOpening("conn", "user", "session", "talk", "ticket", 60_000, 0, 3)


def failure(code: str, status: int = 400, **more: Any) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "told by the test"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "Operation")


def cancelled(*codes: str) -> ClientError:
    return failure("TransactionCanceledException", CancellationReasons=[{"Code": c} for c in codes])


class FailingClient:
    """A DynamoDB client whose every operation takes the next outcome, the last one for ever.

    Attributes:
        calls: The parameters of every call, by operation, in order.
    """

    def __init__(self, *outcomes: Exception | dict[str, Any]) -> None:
        self._outcomes = list(outcomes)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**parameters: Any) -> dict[str, Any]:
            self.calls.append((operation, parameters))
            outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return call


def as_client(failing: FailingClient) -> "DynamoDBClient":
    return cast("DynamoDBClient", failing)


class Waits:
    """Records how long was waited instead of waiting; the jitter is always the whole cap."""

    def __init__(self, attempts: int = 4) -> None:
        self.seconds: list[float] = []
        self.backoff = Backoff(
            attempts=attempts, first_cap_s=0.1, sleep=self.seconds.append, jitter=lambda: 1.0
        )


def table(failing: FailingClient, name: str, waits: Waits | None = None) -> DynamoTable:
    return DynamoTable(as_client(failing), name, (waits or Waits()).backoff)


def writer_on(failing: FailingClient) -> DynamoConversationWriter:
    return DynamoConversationWriter(
        session_table=table(failing, "live"),
        memory=table(failing, "memory"),
        retention=KEEP_FOREVER,
    )


def mailbox_on(live: DynamoTable) -> DynamoMailbox:
    return DynamoMailbox(session_table=live, clock=FakeClock(), ids=FakeIdSource())


def run(failing: FailingClient, waits: Waits, token: str | None = None) -> None:
    transact(as_client(failing), [], backoff=waits.backoff, token=token)


PASSING = [
    cancelled("None", "TransactionConflict"),
    cancelled("ThrottlingError"),
    cancelled("ProvisionedThroughputExceeded", "None"),
    failure("TransactionInProgressException"),
    failure("ProvisionedThroughputExceededException"),
    failure("ThrottlingException"),
    failure("RequestLimitExceeded"),
    failure("InternalServerError", 500),
    failure("SomethingNew", 503),
    ConnectTimeoutError(endpoint_url="http://db"),
    ReadTimeoutError(endpoint_url="http://db"),
    EndpointConnectionError(endpoint_url="http://db"),
]


def name(error: object) -> str:
    if isinstance(error, ClientError):
        reasons = error.response.get("CancellationReasons", [])
        return "-".join([error.response["Error"]["Code"], *(r["Code"] for r in reasons)])
    return type(error).__name__


@pytest.mark.parametrize("error", PASSING, ids=name)
def test_a_transient_error_is_retried_with_the_same_token(error: Exception) -> None:
    failing, waits = FailingClient(error, error, {}), Waits()

    run(failing, waits)

    tokens = {parameters["ClientRequestToken"] for _, parameters in failing.calls}
    assert len(failing.calls) == 3
    assert len(tokens) == 1
    assert waits.seconds == [0.1, 0.2]


@pytest.mark.parametrize("error", PASSING, ids=name)
def test_an_error_that_does_not_pass_in_time_makes_the_store_unavailable(error: Exception) -> None:
    failing, waits = FailingClient(error), Waits(attempts=4)

    with pytest.raises(StoreUnavailable) as caught:
        run(failing, waits)

    assert caught.value.__cause__ is error
    assert len(failing.calls) == 4
    assert waits.seconds == [0.1, 0.2, 0.4]


def test_the_waits_are_jittered_under_their_caps() -> None:
    jitters = iter([0.5, 0.0, 0.25])
    waited: list[float] = []
    backoff = Backoff(4, 0.1, sleep=waited.append, jitter=lambda: next(jitters))

    with pytest.raises(StoreUnavailable):
        transact(as_client(FailingClient(cancelled("TransactionConflict"))), [], backoff=backoff)

    assert waited == [0.05, 0.0, 0.1]


def test_a_failed_condition_is_final_even_beside_a_conflict() -> None:
    stored = {"pk": {"S": "there"}}
    error = failure(
        "TransactionCanceledException",
        CancellationReasons=[
            {"Code": "TransactionConflict"},
            {"Code": "ConditionalCheckFailed", "Item": stored},
            {"Code": "None"},
        ],
    )
    failing = FailingClient(error)

    with pytest.raises(TransactionRefused) as caught:
        run(failing, Waits())

    refused = caught.value
    assert [refused.failed(index) for index in range(3)] == [False, True, False]
    assert (refused.item(0), refused.item(1)) == (None, stored)
    assert len(failing.calls) == 1


@pytest.mark.parametrize(
    "error",
    [
        failure("ValidationException"),
        failure("AccessDeniedException"),
        failure("IdempotentParameterMismatchException"),
        cancelled("ValidationError"),
        ParamValidationError(report="a mistake"),
    ],
    ids=name,
)
def test_our_own_mistakes_pass_through_at_once(error: Exception) -> None:
    failing = FailingClient(error)

    with pytest.raises(type(error)):
        run(failing, Waits())

    assert len(failing.calls) == 1


def test_a_request_that_was_signed_before_its_environment_was_frozen_is_signed_again() -> None:
    late = failure("InvalidSignatureException")
    late.response["Error"]["Message"] = "Signature expired: 20261120T120000Z is now earlier than"
    failing = FailingClient(late, {})

    run(failing, Waits())

    assert len(failing.calls) == 2
    with pytest.raises(StoreUnavailable), translate_errors():
        raise late
    with pytest.raises(ClientError):
        run(FailingClient(failure("InvalidSignatureException")), Waits())


def test_transactions_get_different_tokens() -> None:
    failing = FailingClient({})

    run(failing, Waits())
    run(failing, Waits())
    run(failing, Waits(), token="chosen")

    tokens = [parameters["ClientRequestToken"] for _, parameters in failing.calls]
    assert len(set(tokens)) == 3
    assert tokens[2] == "chosen"
    assert all(len(token) <= 36 for token in tokens)


def test_a_commit_keeps_its_token_over_conflicts_and_over_calls() -> None:
    failing = FailingClient(cancelled("TransactionConflict"), {})
    writer = writer_on(failing)

    writer.commit_turn(COMMIT)
    writer.commit_turn(COMMIT)
    writer.commit_turn(TurnCommit("user", "talk", "session", 2, Turn(1, "session", 0, 9), 4, 10))

    tokens = [parameters["ClientRequestToken"] for _, parameters in failing.calls]
    assert len(tokens) == 4
    assert tokens[0] == tokens[1] == tokens[2] != tokens[3]


def test_a_commit_whose_answer_was_lost_is_found_done() -> None:
    first = FailingClient({})
    writer_on(first).commit_turn(COMMIT)
    [(_, parameters)] = first.calls
    stored = parameters["TransactItems"][0]["Put"]["Item"]
    refusal = [
        {"Code": "ConditionalCheckFailed", "Item": stored},
        {"Code": "ConditionalCheckFailed"},
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed"},
    ]
    failing = FailingClient(
        ReadTimeoutError(endpoint_url="http://db"),
        failure("TransactionCanceledException", CancellationReasons=refusal),
    )

    writer_on(failing).commit_turn(COMMIT)

    assert len(failing.calls) == 2


def lost_then_mine(change: dict[str, Any]) -> FailingClient:
    """An update that worked, its answer lost: the SDK's repetition finds the condition false."""
    return FailingClient(failure("ConditionalCheckFailedException", Item=change), {})


def test_a_lease_whose_answer_was_lost_is_found_to_be_held() -> None:
    item = {
        "user_id": {"S": "user"},
        "conversation_id": {"S": "talk"},
        "epoch": {"N": "5"},
        "lease_owner": {"S": "me"},
        "previous_owner": {"S": "predecessor"},
        "lease_until_ms": {"N": "5000"},
        "input_cursor": {"N": "7"},
        "is_ended": {"BOOL": False},
        "pending_calls": {"L": []},
    }
    store = DynamoSessionStore(session_table=table(lost_then_mine(item), "live"))

    lease = store.acquire_lease("session", owner="me", now_ms=0, until_ms=5_000)

    assert lease is not None
    assert (lease.state.epoch, lease.is_takeover) == (5, True)


def test_an_election_whose_answer_was_lost_is_found_to_be_won() -> None:
    class Repeating(FailingClient):
        def update_item(self, **parameters: Any) -> dict[str, Any]:
            waker = parameters["ExpressionAttributeValues"][":waker"]
            item = {"waker": waker, "previous_ms": {"N": "17"}}
            raise failure("ConditionalCheckFailedException", Item=item)

    store = DynamoSessionStore(session_table=table(Repeating({}), "live"))

    election = store.elect_waker("session", 9_000)

    assert (election.won, election.unserved_since_ms) == (True, 17)


def test_a_wake_that_cannot_be_cleared_does_not_cost_the_lease() -> None:
    item = {
        "user_id": {"S": "user"},
        "conversation_id": {"S": "talk"},
        "epoch": {"N": "1"},
        "lease_owner": {"S": "me"},
        "previous_owner": {"S": ""},
        "lease_until_ms": {"N": "5000"},
        "input_cursor": {"N": "0"},
        "is_ended": {"BOOL": False},
        "pending_calls": {"L": []},
    }
    failing = FailingClient({"Attributes": item}, failure("ThrottlingException"))
    store = DynamoSessionStore(session_table=table(failing, "live"))

    lease = store.acquire_lease("session", owner="me", now_ms=0, until_ms=5_000)

    assert lease is not None
    assert not lease.is_takeover
    assert [operation for operation, _ in failing.calls] == ["update_item", "delete_item"]


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
