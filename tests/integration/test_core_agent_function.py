"""core_agent as Lambda runs it: its entry point with real tables and a scripted model."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import time
from pathlib import Path
from typing import Any

import pytest

import core_agent.handler
from core_agent.handler import build, lambda_handler
from repartee.adapters.aws.core_agent_event import SummaryEvent
from repartee.adapters.aws.secrets_manager import MAX_AGE_MS
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb import keys
from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.tools.core_calls import ToolCallKey
from tests.contract.scenes import CONVERSATION, SESSION, USER, commit, turn
from tests.contract.servers import DYNAMODB_LOCAL, MINISTACK, Servers
from tests.exchanges import stored_exchange
from tests.integration.deployed_core_agent import (
    DeployedCoreAgent,
    deployed_core_agent,
    next_weekday,
)
from tests.integration.scripted_gemini import Body, Part, call, say

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
BOOKED = "You are booked."


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = Servers(tmp_path_factory.mktemp("servers"))
    try:
        yield running
    finally:
        running.stop()


def book_what_is_asked(body: Body) -> list[Part]:
    """Book three o'clock, or four if the question names it; then confirm it."""
    asked = max(i for i, one in enumerate(body["contents"]) if "text" in one["parts"][0])
    if any("functionResponse" in one["parts"][0] for one in body["contents"][asked:]):
        return say(BOOKED)
    hour = "16:00" if "four" in body["contents"][asked]["parts"][0]["text"] else "15:00"
    return [call("book", date=f"{next_weekday()}", time=hour, reason="check-up")]


@pytest.fixture(params=[DYNAMODB_LOCAL, MINISTACK])
def deployed(servers: Servers, request: pytest.FixtureRequest) -> Iterator[DeployedCoreAgent]:
    with deployed_core_agent(servers, request.param, [book_what_is_asked]) as deployed:
        yield deployed


def test_a_question_books_a_slot_and_is_stored(deployed: DeployedCoreAgent) -> None:
    answer = lambda_handler(deployed.event("book me in at three"), None)

    assert (answer["status"], answer["answer"]) == ("done", BOOKED)
    assert deployed.booked() == [deployed.slot]
    stored = stored_exchange(deployed.stores.calls, CONVERSATION, ToolCallKey(1, 1))
    assert stored is not None
    assert stored.question == "book me in at three"
    assert (stored.answer.bill.usage.text_in, stored.answer.bill.usage.text_out) == (18, 6)
    assert f"{stored.answer.bill.cost_usd}" == answer["cost_usd"]
    (used,) = deployed.stores.usage.days(USER, limit=10)
    assert (used.turns, used.tokens, used.cost_usd) == (
        0,
        stored.answer.bill.usage,
        stored.answer.bill.cost_usd,
    )


def test_a_repeated_question_is_billed_once(deployed: DeployedCoreAgent) -> None:
    answers = [lambda_handler(deployed.event("book me in at three"), None) for _ in range(2)]

    assert answers[0] == answers[1]
    (used,) = deployed.stores.usage.days(USER, limit=10)
    assert f"{used.cost_usd}" == answers[0]["cost_usd"]
    state = deployed.stores.sessions.load(SESSION)
    assert state is not None
    assert state.cost_usd == used.cost_usd


def test_stored_messages_return_to_the_model_with_their_thought_signatures(
    deployed: DeployedCoreAgent,
) -> None:
    lambda_handler(deployed.event("book me in at three"), None)
    build.cache_clear()

    lambda_handler(deployed.event("and at four", index=2), None)

    contents = deployed.gemini.requests[-2]["contents"]
    assert contents[1]["parts"][0]["thoughtSignature"] == "c2lnbmVk"
    assert contents[1]["parts"][0]["functionCall"]["name"] == "book"
    assert contents[2]["parts"][0]["functionResponse"]["response"]["status"] == "done"
    assert contents[3]["parts"] == [{"text": BOOKED}]
    assert contents[4]["parts"] == [{"text": "and at four"}]


def test_the_same_call_twice_at_once_runs_the_model_once(deployed: DeployedCoreAgent) -> None:
    second_asks = threading.Event()
    # The model answers the first request only after the second has arrived.
    deployed.gemini.on_request = lambda: second_asks.wait(10)

    def again() -> dict[str, Any]:
        second_asks.set()
        return lambda_handler(deployed.event("book me in at three"), None)

    build()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda_handler, deployed.event("book me in at three"), None)
        second = pool.submit(again)
        answers = [first.result(60), second.result(60)]

    assert answers[0] == answers[1]
    assert answers[0]["answer"] == BOOKED
    assert len(deployed.gemini.requests) == 2
    assert deployed.booked() == [deployed.slot]


def test_two_concurrent_calls_of_one_turn_are_both_run_and_stored(
    deployed: DeployedCoreAgent,
) -> None:
    both_ask = threading.Barrier(2, timeout=10)
    first_requests = iter([both_ask.wait, both_ask.wait])
    deployed.gemini.on_request = lambda: next(first_requests, lambda: None)()

    build()
    with ThreadPoolExecutor(2) as pool:
        asked = [("book me in at three", 1), ("book me in at four", 2)]
        runs = [
            pool.submit(lambda_handler, deployed.event(question, index=index), None)
            for question, index in asked
        ]
        answers = [run.result(60) for run in runs]

    assert [answer["status"] for answer in answers] == ["done", "done"]
    assert deployed.booked() == [deployed.slot, Slot(deployed.slot.day, time(16))]
    kept = deployed.stores.calls.recent(CONVERSATION, limit=9)
    assert [one.question for one in kept] == ["book me in at three", "book me in at four"]
    for one in kept:
        (human, *_) = json.loads(one.messages_json)
        assert human["data"]["content"] == one.question

    lambda_handler(deployed.event("and again at three", index=3), None)
    texts = [part.get("text") for one in last_contents(deployed) for part in one["parts"]]
    assert {"book me in at three", "book me in at four"} <= set(texts)


def last_contents(deployed: DeployedCoreAgent) -> list[Any]:
    contents: list[Any] = deployed.gemini.requests[-1]["contents"]
    return contents


@pytest.mark.parametrize("again", ["book me in at three", "I would like to come at three"])
def test_a_turn_replayed_after_its_booking_books_nothing_new(
    deployed: DeployedCoreAgent, again: str
) -> None:
    # The worker died before the commit; its successor, with epoch 2, asks again.
    first = lambda_handler(deployed.event("book me in at three"), None)
    before = deployed.desk.bookings("user-ann")
    take_over(deployed)

    replayed = lambda_handler(deployed.event(again, epoch=2), None)

    assert (replayed["status"], replayed["answer"]) == (first["status"], first["answer"])
    assert deployed.desk.bookings("user-ann") == before
    # The same words cost no model call; other words run the model again.
    assert len(deployed.gemini.requests) == (2 if again == "book me in at three" else 4)


class LaterClock(SystemClock):
    """The machine's clocks, and what a test adds to them."""

    later_ms = 0

    def monotonic_ms(self) -> int:
        return super().monotonic_ms() + self.later_ms


def test_a_new_gemini_key_is_used_within_five_minutes_by_the_same_process(
    deployed: DeployedCoreAgent, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_agent.handler, "SystemClock", LaterClock)
    build.cache_clear()
    lambda_handler(deployed.event("book me in at three"), None)
    first = build()
    servers.secrets_manager().put_secret_value(
        SecretId=deployed.environment["GEMINI_KEY_SECRET_ARN"], SecretString="a-new-key"
    )
    lambda_handler(deployed.event("and at four", index=2), None)
    assert build() is first
    assert set(deployed.gemini.api_keys) == {"made-up-key"}

    monkeypatch.setattr(LaterClock, "later_ms", MAX_AGE_MS)
    lambda_handler(deployed.event("are you there", index=3), None)

    assert deployed.gemini.api_keys[-1] == "a-new-key"


def take_over(deployed: DeployedCoreAgent) -> None:
    """Let a second worker take the session's lease."""
    later_ms = deployed.stores.clock.now_ms() + 60_000
    assert deployed.stores.sessions.acquire_lease(
        "session-1", owner="worker-2", now_ms=later_ms, until_ms=later_ms + 5_000
    )


@pytest.mark.parametrize("again", ["book me in at three", "I would like to come at three"])
def test_a_run_killed_after_its_booking_is_replayed_without_a_second_one(
    deployed: DeployedCoreAgent, again: str
) -> None:
    kill_after_booking(deployed, "book me in at three")
    (before,) = deployed.desk.bookings("user-ann")
    assert stored_exchange(deployed.stores.calls, CONVERSATION, ToolCallKey(1, 1)) is None
    deployed.client.update_item(  # as if the dead run's claim had expired
        TableName=deployed.names.memory,
        Key=keys.call(CONVERSATION, ToolCallKey(1, 1)),
        UpdateExpression="SET claimed_until_ms = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )

    replayed = lambda_handler(deployed.event(again), None)

    assert (replayed["status"], replayed["answer"]) == ("done", BOOKED)
    assert deployed.desk.bookings("user-ann") == (before,)
    told = deployed.gemini.requests[-1]["systemInstruction"]["parts"][0]["text"]
    assert "This turn was cut off" in told
    assert f'Begun: book {{"date":"{deployed.slot.day}","time":"15:00"' in told


def kill_after_booking(deployed: DeployedCoreAgent, question: str) -> None:
    """Run the function in a separate process; SIGKILL it when it sends a tool's result."""
    has_booked, is_dead = threading.Event(), threading.Event()

    def on_request() -> None:
        if len(deployed.gemini.requests) == 2:
            has_booked.set()
            is_dead.wait(30)

    deployed.gemini.on_request = on_request
    program = (
        "import json, sys; from core_agent.handler import lambda_handler as run; "
        "run(json.loads(sys.argv[1]), None)"
    )
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program, json.dumps(deployed.event(question))],
        cwd=ROOT,
        env={
            **os.environ,  # noqa: TID251 - the test's own, with the function's variables
            **deployed.environment,
            "PYTHONPATH": f"{ROOT}/functions:{ROOT}/layers/shared",
        },
    )
    try:
        assert has_booked.wait(60), "the function never came to its booking"
    finally:
        process.kill()
        process.wait(20)
        is_dead.set()
        deployed.gemini.on_request = lambda: None


def test_the_fallback_model_of_the_settings_answers_when_the_first_is_withdrawn(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_CORE_FALLBACK_MODEL", "gemini-3.5-flash-lite")
    with deployed_core_agent(servers, MINISTACK, [404, say("Here I am.")]) as deployed:
        answer = lambda_handler(deployed.event("are you there"), None)

        assert answer["answer"] == "Here I am."
        assert deployed.gemini.models == ["gemini-3.8-flash", "gemini-3.5-flash-lite"]
        assert thinking(deployed) == ["LOW"] * 2


def thinking(deployed: DeployedCoreAgent) -> list[str | None]:
    """Return the thinking level of each request."""
    return [
        request.get("generationConfig", {}).get("thinkingConfig", {}).get("thinking_level")
        for request in deployed.gemini.requests
    ]


def test_a_summary_uses_the_thinking_level_and_its_whole_time(
    servers: Servers,
) -> None:
    with deployed_core_agent(servers, MINISTACK, [say("Ann asked much.")]) as deployed:
        for number in (1, 2, 3):
            deployed.stores.writer.commit_turn(commit(turn(number, heard="What now? " * 300)))
        event = SummaryEvent.of(SummaryRequest(USER, CONVERSATION, SESSION))

        assert lambda_handler(event.model_dump(), None) == {}

        assert thinking(deployed) == ["LOW"]
        (server_timeout_s,) = deployed.gemini.server_timeouts_s
        assert server_timeout_s > 10
        header = deployed.stores.reader.load_header(USER, CONVERSATION)
        assert header is not None
        assert header.summary == "Ann asked much."


def test_an_empty_thinking_level_leaves_it_to_the_model(
    deployed: DeployedCoreAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_CORE_THINKING", "")

    lambda_handler(deployed.event("are you there"), None)

    assert set(thinking(deployed)) == {None}


def test_a_stale_worker_changes_nothing(deployed: DeployedCoreAgent) -> None:
    answer = lambda_handler(deployed.event("book me in at three", epoch=0), None)

    assert answer["status"] == "refused"
    assert deployed.gemini.requests == []
    assert deployed.booked() == []
