"""Every sample event gets the expected answer from its function under the Lambda host."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest

from local import invoke as local_invoke
from local.invoke import EVENTS, function_of
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


@dataclass(frozen=True, slots=True)
class Answer:
    """A function's answer."""

    error: str | None
    value: Any

    @property
    def body(self) -> Any:
        """Return the JSON body of an HTTP answer."""
        return json.loads(self.value["body"])


def is_deny(answer: Answer) -> bool:
    (statement,) = answer.value["policyDocument"]["Statement"]
    return answer.error is None and statement["Effect"] == "Deny"


def is_ok(answer: Answer) -> bool:
    return answer.error is None and bool(answer.value["statusCode"] == 200)


def is_answered(answer: Answer) -> bool:
    return (
        answer.error is None and answer.value["status"] == "done" and bool(answer.value["answer"])
    )


def is_ticket(answer: Answer) -> bool:
    claims = jwt.decode(answer.body["ticket"], options={"verify_signature": False})
    same: bool = claims["sid"] == answer.body["session_id"]
    return same and bool(answer.value["statusCode"] == 201)


EXPECTED: dict[str, Callable[[Answer], bool]] = {
    "authorizer.expired_ticket": is_deny,
    "authorizer.missing_ticket": is_deny,
    "connect.new_session": is_ok,
    "core_agent.book": lambda one: is_answered(one) and "Friday" in one.value["answer"],
    "core_agent.opening_hours": lambda one: is_answered(one) and "Monday" in one.value["answer"],
    "disconnect.client_closed": is_ok,
    "http_api.create_session": is_ticket,
    "http_api.export": lambda one: is_ok(one) and bool(one.body["conversations"]),
    "http_api.health": lambda one: is_ok(one) and one.body["status"] == "ok",
    "http_api.list_conversations": lambda one: is_ok(one) and bool(one.body["conversations"]),
    "http_api.list_turns": lambda one: is_ok(one) and one.body["turns"] == [],
    "http_api.read_usage": lambda one: is_ok(one) and one.body["today"]["turns"] == 0,
    "message.ack": is_ok,
    "message.audio": is_ok,
    # The client gets the error on its connection; API Gateway gets a success.
    "message.bad_json": is_ok,
    "message.hello": is_ok,
    "message.ping": is_ok,
    "stream_agent.unknown_session": lambda one: one == Answer(None, {"left": None}),
}


CALL = ("connect.new_session", "message.hello")
"""The events that start the call for the events of core_agent and message."""


def invoke(running: RunningStack, name: str) -> Answer:
    payload = EVENTS[name].read_bytes()
    result = running.run(running.stack.lambdas.invoke(function_of(name), payload))
    return Answer(result.function_error, json.loads(result.payload))


def wait_for_a_worker(running: RunningStack, question: dict[str, Any]) -> None:
    """Wait until the worker that ``hello`` woke holds the session of a question."""
    state = {"pk": {"S": f"session#{question['session_id']}"}, "sk": {"S": "state"}}
    give_up_at_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at_s:
        item = running.dynamodb().get_item(
            TableName=running.stack.table_names["LiveTable"], Key=state, ConsistentRead=True
        )["Item"]
        if item["epoch"] == {"N": str(question["epoch"])}:
            return
        time.sleep(0.1)
    raise AssertionError("no worker took the session's lease")


@pytest.fixture(scope="module")
def answers(running: RunningStack) -> dict[str, Answer]:
    """Return each event's answer; events that start a call come first, as in README.md."""
    running.clear_desk()
    collected = {name: invoke(running, name) for name in CALL}
    question = EVENTS["core_agent.opening_hours"].read_text()
    wait_for_a_worker(running, json.loads(question))
    for name in EVENTS:
        if name not in CALL:
            collected[name] = invoke(running, name)
    return collected


@pytest.mark.parametrize("name", EVENTS)
def test_a_sample_event_gets_the_expected_answer(name: str, answers: dict[str, Answer]):
    assert EXPECTED[name](answers[name]), answers[name]


def test_every_function_has_a_sample_event(running: RunningStack):
    functions = {name.partition(".")[0] for name in EVENTS}
    wanted = {
        function.handler.partition(".")[0]
        for function in running.stack.application.functions.values()
    }
    assert functions == wanted


def test_the_messages_of_the_samples_are_kept_or_refused(
    running: RunningStack, answers: dict[str, Answer]
):
    assert is_ok(answers["message.bad_json"])
    sample = json.loads(EVENTS["message.hello"].read_text())
    session_id = sample["requestContext"]["authorizer"]["session_id"]
    kept = {
        str(item["sk"]["S"])
        for item in running.items("LiveTable")
        if str(item["pk"]["S"]) == f"session#{session_id}"
    }
    numbers = sorted(int(sort.removeprefix("in#")) for sort in kept if sort.startswith("in#0"))
    assert numbers == [1, 2], "hello and audio; the broken text is not stored"


def test_local_invoke_opens_a_new_session_with_each_command(
    running: RunningStack,
    answers: dict[str, Answer],  # The sample's ticket is spent.
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    base = str(urlsplit(running.stack.addresses.websocket).port)
    (tmp_path / base).symlink_to(running.stack.run_directory)
    monkeypatch.setattr(local_invoke, "RUNNING", tmp_path)
    monkeypatch.setenv("REPARTEE_PORT_BASE", base)
    monkeypatch.setattr(sys, "argv", ["invoke", *CALL, CALL[0], "core_agent.opening_hours"])

    assert local_invoke.main() == 0

    output = capsys.readouterr().out
    assert 'ConnectFunction: {"statusCode": 200' in output
    assert '"reason":"ticket_spent"' in output
    assert 'CoreAgentFunction: {"status": "done"' in output
    assert output.count("REPORT RequestId") == 4
