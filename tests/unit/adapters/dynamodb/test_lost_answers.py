"""A write whose answer was lost is found to be done."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from tests.unit.adapters.dynamodb.failing_client import (
    COMMIT,
    FailingClient,
    failure,
    table,
    writer_on,
)

pytestmark = pytest.mark.unit


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
        "previous_until_ms": {"N": "4000"},
        "lease_until_ms": {"N": "5000"},
        "input_cursor": {"N": "7"},
        "is_ended": {"BOOL": False},
        "pending_calls": {"L": []},
    }
    store = DynamoSessionStore(session_table=table(lost_then_mine(item), "live"))

    lease = store.acquire_lease("session", owner="me", now_ms=0, until_ms=5_000)

    assert lease is not None
    assert (lease.state.epoch, lease.is_takeover, lease.previous_until_ms) == (5, True, 4_000)


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
