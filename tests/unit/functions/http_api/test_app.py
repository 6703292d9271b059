"""The HTTP API's routes and its problem documents."""

import base64
import json

import pytest

from repartee.domain.errors import StoreUnavailable
from tests.event_files import load_event
from tests.unit.functions.http_api.harness import HttpApiHarness

pytestmark = pytest.mark.unit


def test_a_body_that_is_not_json_is_explained() -> None:
    status, problem, _ = HttpApiHarness().call("POST", "/sessions", "{")

    assert (status, problem["code"]) == (422, "not_json")


@pytest.mark.parametrize("body", [b'{"conversation_id": "\xff"}', b"\xff\xfe", b"[" * 16_000])
def test_bytes_that_are_no_json_are_a_client_error(body: bytes) -> None:
    api = HttpApiHarness()
    event = load_event("http_api.create_session")
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    event["headers"]["content-length"] = str(len(body))

    answer = api.application.handle(event, None)

    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (422, "not_json")
    assert api.log.lines == []


def test_the_user_is_taken_from_the_verified_token_alone() -> None:
    api = HttpApiHarness()

    for path in ("/conversations", "/conversations/some-id/turns"):
        status, problem, _ = api.call("GET", path, user=None)
        assert (status, problem["code"]) == (401, "not_signed_in")
    status, problem, _ = api.call("POST", "/sessions", {}, user=None)
    assert (status, problem["code"]) == (401, "not_signed_in")


def test_health_needs_no_user_and_no_table() -> None:
    api = HttpApiHarness()
    api.reader.fails_with = StoreUnavailable("set to fail")
    api.signer.failing = True

    status, body, _ = api.call("GET", "/health", user=None)

    assert (status, body) == (200, {"status": "ok", "persona": "front_desk"})


def test_an_overloaded_table_is_answered_503_with_a_time_to_wait() -> None:
    api = HttpApiHarness()
    api.reader.fails_with = StoreUnavailable("set to fail")

    status, problem, headers = api.call("GET", "/conversations")

    assert (status, problem["code"]) == (503, "unavailable")
    assert int(headers["retry-after"]) > 0
    assert api.log.lines[0]["message"] == "request failed"


def test_an_internal_error_shows_the_client_nothing_and_the_log_everything() -> None:
    api = HttpApiHarness()
    api.reader.fails_with = RuntimeError("the reason")

    status, problem, _ = api.call("GET", "/conversations")

    assert (status, problem["code"]) == (500, "internal_error")
    assert "reason" not in json.dumps(problem)
    assert "the reason" in api.log.lines[0]["exception"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "path_unknown"),
        ("GET", "/sessions", 405, "method_not_allowed"),
        ("DELETE", "/conversations", 405, "method_not_allowed"),
    ],
)
def test_an_unknown_path_gets_a_problem_document(
    method: str, path: str, status: int, code: str
) -> None:
    answered, problem, _ = HttpApiHarness().call(method, path)

    assert (answered, problem["code"], problem["status"]) == (status, code, status)


@pytest.mark.parametrize(
    ("name", "status"),
    [("health", 200), ("create_session", 201), ("list_conversations", 200), ("list_turns", 404)],
)
def test_each_event_file_is_answered(name: str, status: int) -> None:
    answer = HttpApiHarness().application.handle(load_event(f"http_api.{name}"), None)

    assert answer["statusCode"] == status
