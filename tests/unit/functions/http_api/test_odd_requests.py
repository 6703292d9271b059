"""Requests that no well-behaved client sends: each is answered, and a refusal says why."""

import base64
import json
from typing import Any

import pytest

from tests.event_files import load_event
from tests.unit.functions.http_api.harness import HttpApiHarness

pytestmark = pytest.mark.unit

SURROGATE = "\udcff"  # The JSON form of a byte that is not UTF-8.


def ask(api: HttpApiHarness, name: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    """Answer an event file with changes: ``headers`` are added, the rest is replaced."""
    event = load_event(f"http_api.{name}")
    event["headers"] |= changes.pop("headers", {})
    event["requestContext"]["http"] |= changes.pop("http", {})
    answer = api.application.handle(event | changes, None)
    assert len(answer["headers"]) >= 1
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize(
    "headers",
    [
        {"x-odd": SURROGATE},
        {"x-odd\udcff": "1"},
        {"user-agent": SURROGATE, "accept": SURROGATE},
        {"host": "a:b:c"},
        {"host": "[::1]:8701"},
        {"host": "example.com:port"},
        {"host": SURROGATE},
        {"x-forwarded-port": "many"},
        {"x-forwarded-proto": SURROGATE},
        {"content-length": "-1"},
        {"content-length": "many"},
        {"x-long": "x" * 100_000},
        {"x-nothing": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["health", "list_conversations"])
def test_headers_that_the_api_does_not_read_change_nothing(name: str, headers: Any) -> None:
    api = HttpApiHarness()

    status, _ = ask(api, name, headers=headers, cookies=[SURROGATE, "a=\udcff", ";;="])

    assert (status, api.log.lines) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        "limit=%zz",
        "limit=%",
        "limit=%ff",
        "limit=" + SURROGATE,
        "limit=" + "9" * 5_000,
        "limit=1e999",
        "limit=NaN",
        "limit=%00",
        "limit=1&limit=x",
        "limit=",
    ],
)
def test_a_query_that_cannot_be_used_is_named(query: str) -> None:
    api = HttpApiHarness()

    status, problem = ask(api, "list_conversations", rawQueryString=query)

    assert (status, problem["code"], problem["field"]) == (422, "invalid_request", "limit")
    assert api.log.lines == []


@pytest.mark.parametrize("query", ["%zz=1", "&&&=", "a" * 20_000, "%ff=%ff", "x=" + SURROGATE])
def test_a_query_that_no_route_reads_changes_nothing(query: str) -> None:
    assert ask(HttpApiHarness(), "list_conversations", rawQueryString=query)[0] == 200


@pytest.mark.parametrize(
    "written",
    [
        "%00",
        "a%0Ab",
        "a%0A",
        "%1b[2J",
        "%ff",
        "%zz",
        "a%23b",
        SURROGATE,
        "..%5c",
        "x" * 65,
        "x" * 100_000,
        "%E2%80%AE",
        "turn%23",
    ],
)
def test_an_id_that_cannot_be_one_is_named(written: str) -> None:
    api = HttpApiHarness()
    path = f"/conversations/{written}/turns"

    status, problem = ask(api, "list_turns", rawPath=path, http={"path": path})

    assert (status, problem["code"]) == (422, "invalid_request")
    assert problem["field"] == "conversation_id"
    assert api.log.lines == []


@pytest.mark.parametrize(
    "path",
    [
        "/sessions/",
        "/me/",
        "/health/",
        "/conversations/",
        "//",
        "/%2e%2e/",
        "/" + SURROGATE,
        "/%ff",
        "/conversations/a%2Fb/turns",
        "/x" * 50_000,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
def test_there_is_no_redirect_but_a_problem(method: str, path: str) -> None:
    event = load_event("http_api.create_session")
    event |= {"rawPath": path}
    event["headers"]["host"] = "evil.example"
    event["requestContext"]["http"] |= {"method": method, "path": path}

    answer = HttpApiHarness().application.handle(event, None)

    assert answer["statusCode"] == 404
    assert "location" not in answer["headers"]
    assert "evil" not in json.dumps(answer)


BODIES: dict[str, tuple[Any, str]] = {
    "nothing": (b" ", "not_json"),
    "cut off": (b'{"conversation_id": ', "not_json"),
    "no UTF-8": (b'{"conversation_id": "\xff"}', "not_json"),
    "UTF-16": ('{"conversation_id": "new"}'.encode("utf-16"), "not_json"),
    "too deep": (b"[" * 10_000, "not_json"),
    "deep in an object": (b'{"a":' * 2_000 + b"1" + b"}" * 2_000, "invalid_request"),
    "not a number": (b'{"conversation_id": NaN}', "not_json"),
    "infinite": (b"-Infinity", "not_json"),
    "named twice": (b'{"session_id": "a", "session_id": "b"}', "not_json"),
    "named twice, deeper": (b'{"session_id": {"a": 1, "a": 1}}', "not_json"),
    "half a character": (b'{"conversation_id": "\\ud800"}', "invalid_request"),
    "half a character as a name": (b'{"\\ud800": 1}', "invalid_request"),
    "a long number": (b'{"session_id": ' + b"9" * 5_000 + b"}", "not_json"),
    "a huge number": (b'{"session_id": 1e999}', "invalid_request"),
    "another type": (b'{"session_id": 5}', "invalid_request"),
    "a list": (b"[]", "invalid_request"),
    "a text": (b'"new"', "invalid_request"),
    "a control character": (b'{"session_id": "a\\u0000"}', "invalid_request"),
    "a line break": (b'{"session_id": "a\\n"}', "invalid_request"),
    "a field too many": (b'{"session": "a"}', "invalid_request"),
    "a long name": (b'{"' + b"x" * 10_000 + b'": 1}', "invalid_request"),
    "too large": (b'{"session_id": "' + b"x" * 20_000 + b'"}', "body_too_large"),
    "too large and not JSON": (b" " * 16_385, "body_too_large"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_used_is_refused_with_what_is_wrong(name: str) -> None:
    body, code = BODIES[name]
    api = HttpApiHarness()
    text = base64.b64encode(body).decode()

    status, problem = ask(api, "create_session", body=text, isBase64Encoded=True)

    assert (status, problem["code"]) == (413 if code == "body_too_large" else 422, code)
    assert problem["field"]
    assert len(json.dumps(problem)) < 2_000
    assert api.log.lines == []


@pytest.mark.parametrize("body", ["!!!!", "abc", "{}", "\udcff", "é"])
def test_a_body_that_is_said_to_be_base64_and_is_not_is_no_json(body: str) -> None:
    status, problem = ask(HttpApiHarness(), "create_session", body=body, isBase64Encoded=True)

    assert (status, problem["code"]) == (422, "not_json")


@pytest.mark.parametrize("said", ["text/plain", "", "application/x-www-form-urlencoded", SURROGATE])
def test_a_body_of_another_type_is_refused_with_the_type_to_send(said: str) -> None:
    status, problem = ask(HttpApiHarness(), "create_session", headers={"content-type": said})

    assert (status, problem["code"], problem["field"]) == (
        415,
        "unsupported_media_type",
        "content-type",
    )
    assert "application/json" in problem["message"]


@pytest.mark.parametrize(
    "said", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"]
)
def test_json_by_another_spelling_is_taken(said: str) -> None:
    assert ask(HttpApiHarness(), "create_session", headers={"content-type": said})[0] == 201


def test_a_request_without_a_body_needs_no_type() -> None:
    event = load_event("http_api.create_session")
    del event["body"], event["headers"]["content-type"]

    assert HttpApiHarness().application.handle(event, None)["statusCode"] == 201


@pytest.mark.parametrize("name", ["health", "list_conversations"])
def test_a_body_where_none_is_read_changes_nothing(name: str) -> None:
    assert ask(HttpApiHarness(), name, body="x" * 100_000)[0] == 200


@pytest.mark.parametrize(
    ("route", "proxy", "path", "status"),
    [
        ("ANY /", None, "/talk/", 200),
        ("ANY /settings", None, "/one/two/settings", 200),
        ("ANY /web/{proxy+}", "current/repartee.js", "/talk/web/current/repartee.js", 200),
        ("ANY /{proxy+}", "me/usage", "/talk/me/usage", 200),
        # The page's relative addresses would lead elsewhere.
        ("ANY /", None, "/talk", 404),
    ],
)
def test_a_path_of_an_api_mapping_is_left_out(
    route: str, proxy: str | None, path: str, status: int
) -> None:
    event = load_event("http_api.read_usage") | {"routeKey": route, "rawPath": path}
    event["pathParameters"] = {"proxy": proxy} if proxy else None
    event["requestContext"]["http"]["path"] = path

    assert HttpApiHarness().application.handle(event, None)["statusCode"] == status
