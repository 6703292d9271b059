"""Erasing a user, and what they are answered afterwards."""

from dataclasses import replace
from typing import Any

import pytest

from http_api.handler import Application
from repartee.domain.errors import ErasureUnderWay
from tests.fakes.erasure_store import FakeErasureStore
from tests.unit.http_calls import USER, Api
from tests.unit.http_document import served_requests

pytestmark = pytest.mark.unit


def test_erasing_answers_with_what_was_deleted() -> None:
    api = Api()
    api.begin()

    status, erasure, _ = api.call("DELETE", "/me")

    assert status == 200
    assert erasure == {
        "erased_at": "2026-11-20T12:00:00.000Z",
        "finished": True,
        "deleted": {
            "active_sessions": 1,
            "connections": 1,
            "conversations": 1,
            "openings": 1,
            "sessions": 1,
        },
    }
    assert api.tables.conversations == {}
    (line,) = api.log.lines
    assert line["message"] == "user erased"
    assert (line["finished"], line["deleted"]) == (True, erasure["deleted"])
    assert USER not in str(line)


def test_erasing_can_be_asked_for_again_and_answers_the_same() -> None:
    api = Api()
    api.begin()
    first = api.call("DELETE", "/me")

    assert api.call("DELETE", "/me") == first


# Who is not known yet, and who asks for the erasure itself.
STILL_ANSWERED = {("GET", "/health"): 200, ("DELETE", "/me"): 200}


def test_every_other_request_of_an_erased_user_is_refused() -> None:
    api = Api()
    api.call("DELETE", "/me")
    routes = served_requests()
    assert set(STILL_ANSWERED) < set(routes)
    assert len(routes) >= 9

    for method, path in routes:
        body: Any = {} if method in ("POST", "PUT") else None
        status, answer, _ = api.call(method, path, body)
        if (method, path) in STILL_ANSWERED:
            assert status == STILL_ANSWERED[method, path]
            continue
        assert (status, answer.get("code")) == (403, "user_erased"), (method, path)
        _, other, _ = api.call(method, path, body, user="somebody else")
        assert other.get("code") != "user_erased", (method, path)


def test_what_takes_longer_than_a_request_is_asked_for_again() -> None:
    api = Api()
    api.begin()

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 5_000

    api.context = Context()

    status, erasure, headers = api.call("DELETE", "/me")

    assert (status, erasure["finished"], headers["retry-after"]) == (202, False, "2")
    assert [line["finished"] for line in api.log.lines] == [False]


def test_two_erasures_at_once_are_told_apart() -> None:
    api = Api()

    class Overtaken(FakeErasureStore):
        def advance(self, *arguments: Any, **named: Any) -> Any:
            raise ErasureUnderWay(USER)

    deps = replace(api.deps, eraser=replace(api.deps.eraser, store=Overtaken(api.tables)))
    api.application = Application(deps)

    status, problem, headers = api.call("DELETE", "/me")

    assert (status, problem["code"]) == (409, "erasure_under_way")
    assert headers["retry-after"] == "2"
