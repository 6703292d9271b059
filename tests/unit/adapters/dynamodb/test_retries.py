"""Requests to DynamoDB are retried where an error may pass."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)

from repartee.adapters.dynamodb.retries import (
    Backoff,
    TransactionRefused,
    transact,
    translate_errors,
)
from repartee.domain.conversation.conversation import Turn
from repartee.domain.errors import StoreUnavailable
from repartee.domain.session.state import TurnCommit
from tests.unit.adapters.dynamodb.failing_client import (
    COMMIT,
    FailingClient,
    Waits,
    as_client,
    cancelled,
    failure,
    name,
    writer_on,
)

pytestmark = pytest.mark.unit


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
