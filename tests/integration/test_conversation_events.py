"""Every sample event, given to its function under the Lambda host, gets the answer it should."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from local.stack import PROJECT
from repartee.adapters.dynamodb.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.session_store import DynamoSessionStore
from repartee.domain.session_state import ConnectionOpening
from tests.integration.running import RunningStack

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

NOW_MS = 1_763_209_236_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered."""

    error: str | None
    value: Any

    @property
    def body(self) -> Any:
        """The JSON body of an HTTP answer."""
        return json.loads(self.value["body"])


def is_deny(answer: Answer) -> bool:
    (statement,) = answer.value["policyDocument"]["Statement"]
    return answer.error is None and statement["Effect"] == "Deny"


def is_unauthorized(answer: Answer) -> bool:
    return answer.error == "Unhandled" and answer.value["errorMessage"] == "Unauthorized"


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
    "authorizer.missing_ticket": is_unauthorized,
    "connect.new_session": is_ok,
    "core_agent.book_appointment": lambda one: is_answered(one) and "Friday" in one.value["answer"],
    "core_agent.opening_hours": lambda one: is_answered(one) and "Monday" in one.value["answer"],
    "disconnect.client_closed": is_ok,
    "http_api.create_session": is_ticket,
    "http_api.health": lambda one: is_ok(one) and one.body == {"status": "ok"},
    "http_api.list_conversations": lambda one: is_ok(one) and bool(one.body["conversations"]),
    "http_api.list_turns": lambda one: is_ok(one) and one.body["turns"] == [],
    "message.ack": is_ok,
    "message.audio": is_ok,
    # Bad input is told to the client over its connection; API Gateway hears that all is well.
    "message.bad_json": is_ok,
    "message.hello": is_ok,
    "message.ping": is_ok,
    "stream_agent.unknown_session": lambda one: one == Answer(None, {"left": None}),
}


def event_files() -> dict[str, Path]:
    return {path.stem: path for path in sorted((PROJECT / "events").glob("*.json"))}


def take_lease(running: RunningStack, question: dict[str, Any]) -> None:
    """Open and lease the session that a core_agent event names, as its stream agent would."""
    client, tables = running.dynamodb(), running.stack.table_names
    connections = DynamoConnectionStore(
        client, live_table=tables["LiveTable"], memory_table=tables["MemoryTable"]
    )
    connections.open(
        ConnectionOpening(
            connection_id="sample",
            user_id=question["user_id"],
            session_id=question["session_id"],
            conversation_id=question["conversation_id"],
            ticket_id="sample",
            ticket_expires_at_ms=NOW_MS,
            opened_at_ms=NOW_MS,
            max_sessions=3,
        )
    )
    sessions = DynamoSessionStore(client, live_table=tables["LiveTable"])
    lease = sessions.acquire_lease(
        question["session_id"], owner="sample", now_ms=NOW_MS, until_ms=question["deadline_ms"]
    )
    assert lease is not None
    assert lease.state.epoch == question["epoch"]


@pytest.fixture(scope="module")
def answers(running: RunningStack) -> dict[str, Answer]:
    """Each event's answer; a session's events come in the order of a call."""
    files = event_files()
    take_lease(running, json.loads(files["core_agent.opening_hours"].read_text()))
    collected: dict[str, Answer] = {}
    for name, path in files.items():
        function = "".join(part.capitalize() for part in name.partition(".")[0].split("_"))
        result = running.run(running.stack.lambdas.invoke(f"{function}Function", path.read_bytes()))
        collected[name] = Answer(result.function_error, json.loads(result.payload))
    return collected


@pytest.mark.parametrize("name", event_files())
def test_a_sample_event_gets_its_answer(name: str, answers: dict[str, Answer]):
    assert EXPECTED[name](answers[name]), answers[name]


def test_every_function_has_a_sample_event(running: RunningStack):
    functions = {name.partition(".")[0] for name in event_files()}
    wanted = {
        function.handler.partition(".")[0]
        for function in running.stack.application.functions.values()
    }
    assert functions == wanted


def test_the_messages_of_the_samples_are_kept_or_refused(
    running: RunningStack, answers: dict[str, Answer]
):
    assert is_ok(answers["message.bad_json"])
    sample = json.loads(event_files()["message.hello"].read_text())
    session_id = sample["requestContext"]["authorizer"]["session_id"]
    kept = {
        str(item["sk"]["S"])
        for item in running.items("LiveTable")
        if str(item["pk"]["S"]) == f"session#{session_id}"
    }
    numbers = sorted(int(sort.removeprefix("in#")) for sort in kept if sort.startswith("in#0"))
    assert numbers == [1, 2], "hello and audio; the broken text is not stored"
