"""The contract of stores of rolling summaries, and the wire format of a request for one."""

import json
from collections.abc import Iterator
from dataclasses import replace

import boto3
import pytest
from botocore.config import Config

from repartee.adapters.aws.core_agent_event import SummaryEvent
from repartee.adapters.aws.lambda_summary_requests import LambdaSummaryRequests
from repartee.domain.conversation.summary import SummaryFold, SummaryRequest
from repartee.domain.errors import ItemTooLarge, StoreUnavailable, UserErased
from tests.contract.aws_double import Answer, AwsDouble, aws_double
from tests.contract.scenes import CONVERSATION, USER, all_at_once, commit, served_session, turn
from tests.contract.stores import Stores
from tests.fakes.summary_requests import FakeSummaryRequests

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

FOLD = SummaryFold(USER, CONVERSATION, read_through=0, through=3, summary="Ann likes mornings. ☀")
REQUEST = SummaryRequest(USER, CONVERSATION, "session-1")


def conversation_of(stores: Stores, turns: int) -> None:
    served_session(stores)
    for number in range(1, turns + 1):
        stores.writer.commit_turn(commit(turn(number, heard=f"utterance {number}")))


def test_a_summary_replaces_the_turns_that_it_covers(stores: Stores) -> None:
    conversation_of(stores, 5)
    before = stores.reader.load_header(USER, CONVERSATION)
    assert before is not None

    assert stores.summaries.fold_summary(FOLD)

    memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=999)
    assert memory.conversation == replace(before, summary=FOLD.summary, summary_through=3)
    assert memory.conversation == stores.reader.load_header(USER, CONVERSATION)
    assert [one.number for one in memory.turns] == [4, 5]
    originals = stores.reader.list_turns(USER, CONVERSATION, after=0, limit=9)
    assert originals is not None
    assert [one.number for one in originals] == [1, 2, 3, 4, 5]


def test_with_a_summary_of_all_turns_memory_holds_no_turn(stores: Stores) -> None:
    conversation_of(stores, 2)

    assert stores.summaries.fold_summary(replace(FOLD, through=2))

    assert stores.reader.load_memory(USER, CONVERSATION, max_characters=999).turns == ()


def test_a_fold_of_an_outdated_summary_is_dropped(stores: Stores) -> None:
    conversation_of(stores, 5)
    stores.summaries.fold_summary(FOLD)

    assert not stores.summaries.fold_summary(replace(FOLD, through=4, summary="too late"))
    assert not stores.summaries.fold_summary(replace(FOLD, read_through=2, summary="too late"))
    assert stores.summaries.fold_summary(replace(FOLD, read_through=3, through=4, summary="next"))

    header = stores.reader.load_header(USER, CONVERSATION)
    assert header is not None
    assert (header.summary, header.summary_through) == ("next", 4)


def test_one_of_twenty_concurrent_folds_is_stored(stores: Stores) -> None:
    conversation_of(stores, 5)

    taken = all_at_once(
        20, lambda number: stores.summaries.fold_summary(replace(FOLD, summary=f"by {number}"))
    )

    assert sum(taken) == 1
    header = stores.reader.load_header(USER, CONVERSATION)
    assert header is not None
    assert header.summary == f"by {taken.index(True)}"


def test_concurrent_commits_and_folds_are_both_kept(stores: Stores) -> None:
    conversation_of(stores, 3)

    def act(number: int) -> bool:
        if number == 0:
            return stores.summaries.fold_summary(FOLD)
        stores.writer.commit_turn(commit(turn(4, heard="utterance 4")))
        return True

    assert all(all_at_once(8, act))

    header = stores.reader.load_header(USER, CONVERSATION)
    assert header is not None
    assert (header.turn_count, header.version, header.summary_through) == (4, 4, 3)


def test_a_summary_of_missing_turns_is_dropped(stores: Stores) -> None:
    conversation_of(stores, 2)

    assert not stores.summaries.fold_summary(FOLD)
    assert not stores.summaries.fold_summary(replace(FOLD, conversation_id="unknown"))
    assert not stores.summaries.fold_summary(replace(FOLD, user_id="user-bob"))

    assert stores.reader.load_header(USER, "unknown") is None
    assert stores.reader.load_header("user-bob", CONVERSATION) is None


def test_no_summary_is_written_for_an_erased_user(stores: Stores) -> None:
    conversation_of(stores, 5)
    stores.erase(USER, 1)

    with pytest.raises(UserErased):
        stores.summaries.fold_summary(FOLD)

    header = stores.reader.load_header(USER, CONVERSATION)
    assert header is not None
    assert (header.summary, header.summary_through) == ("", 0)


def test_a_summary_too_large_to_keep_is_refused(stores: Stores) -> None:
    conversation_of(stores, 5)

    with pytest.raises(ItemTooLarge) as refused:
        stores.summaries.fold_summary(replace(FOLD, summary="x" * 310_000))

    assert refused.value.field == "summary"


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsDouble]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with aws_double() as running:
        yield running


def requests_to(double: AwsDouble) -> LambdaSummaryRequests:
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("lambda", endpoint_url=double.url, config=config)
    return LambdaSummaryRequests(client, "stack-core-agent")


def test_a_request_queues_one_run_with_its_ids(double: AwsDouble) -> None:
    double.respond = lambda _request: Answer(202)

    requests_to(double).ask(REQUEST)

    (request,) = double.requests
    assert request.path == "/2015-03-31/functions/stack-core-agent/invocations"
    invocation = {name.lower(): value for name, value in request.headers.items()}
    assert invocation["x-amz-invocation-type"] == "Event"
    assert SummaryEvent.model_validate_json(request.body).request() == REQUEST
    assert json.loads(request.body)["kind"] == "summarise"


def test_a_run_that_cannot_be_queued_is_a_failure_of_the_store(double: AwsDouble) -> None:
    double.respond = lambda _request: Answer(429, "TooManyRequestsException")
    fake = FakeSummaryRequests()
    fake.failing = True

    for requests in (requests_to(double), fake):
        with pytest.raises(StoreUnavailable):
            requests.ask(REQUEST)


def test_the_fake_keeps_what_was_asked_for() -> None:
    fake = FakeSummaryRequests()
    fake.ask(REQUEST)
    assert fake.requests == [REQUEST]
