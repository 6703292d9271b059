"""Erasing a user, and the answers after it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from http_api.handler import Application
from repartee.domain.conversation.conversation import Turn
from repartee.domain.errors import ConnectionRefused, ErasureUnderWay
from repartee.domain.protocol.messages import Bye, Numbered
from tests.fakes.clock import NOON_MS
from tests.fakes.erasure_store import FakeErasureStore
from tests.unit.functions.http_api.document import served_requests
from tests.unit.functions.http_api.harness import USER, HttpApiHarness, use

pytestmark = pytest.mark.unit


def test_erasing_answers_with_what_was_deleted() -> None:
    api = HttpApiHarness()
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
    api = HttpApiHarness()
    api.begin()
    first = api.call("DELETE", "/me")

    assert api.call("DELETE", "/me") == first


# The settings and the health check, which need no user, and the erasure itself.
STILL_ANSWERED = {("GET", "/settings"): 200, ("GET", "/health"): 200, ("DELETE", "/me"): 200}


def test_every_other_request_of_an_erased_user_is_refused() -> None:
    api = HttpApiHarness()
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


def test_an_erasure_that_outlasts_its_request_is_accepted_and_continued_by_another() -> None:
    api = HttpApiHarness()
    api.begin()

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 5_000

    api.context = Context()

    status, erasure, headers = api.call("DELETE", "/me")

    assert (status, erasure["finished"], headers["retry-after"]) == (202, False, "2")
    assert [line["finished"] for line in api.log.lines] == [False]


def test_the_second_of_two_erasures_at_once_is_a_conflict() -> None:
    api = HttpApiHarness()

    class Overtaken(FakeErasureStore):
        def advance(self, *arguments: Any, **named: Any) -> Any:
            raise ErasureUnderWay(USER)

    deps = replace(api.deps, eraser=replace(api.deps.eraser, store=Overtaken(api.tables)))
    api.application = Application(deps)

    status, problem, headers = api.call("DELETE", "/me")

    assert (status, problem["code"]) == (409, "erasure_under_way")
    assert headers["retry-after"] == "2"


# One conversation


def test_erasing_a_conversation_answers_with_what_was_deleted_and_ends_its_call() -> None:
    api = HttpApiHarness()
    kept = api.begin("new")["conversation_id"]
    session = api.begin("new")
    gone, session_id = session["conversation_id"], session["session_id"]
    talk(api, session)
    use(api, talk_s=600, cost_usd="1.5")

    status, erasure, _ = api.call("DELETE", f"/conversations/{gone}")

    assert status == 200
    assert erasure == {
        "erased_at": "2026-11-20T12:00:00.000Z",
        "finished": True,
        "deleted": {
            "active_sessions": 1,
            "connections": 1,
            "mailbox_entries": 1,
            "openings": 1,
            "sessions": 1,
            "turns": 1,
        },
    }
    (connection_id,) = api.channel.posts
    (closed,) = [json.loads(frame) for frame in api.channel.posts[connection_id]]
    assert (closed["type"], closed["reason"], closed["epoch"]) == ("closed", "erased", 1)
    assert api.channel.gone == {connection_id}
    assert session_id not in api.tables.states
    assert [one.conversation_id for one in api.tables.conversations.values()] == [kept]
    (line,) = api.log.lines
    assert line["message"] == "conversation erased"
    assert (line["finished"], line["deleted"]) == (True, erasure["deleted"])
    assert not any(name in str(line) for name in (USER, gone, session_id))


def test_an_erased_conversation_is_nowhere_and_cannot_be_continued() -> None:
    api = HttpApiHarness()
    session = api.begin("new")
    gone = session["conversation_id"]
    talk(api, session)
    _, late, _ = api.call("POST", "/sessions", {"conversation_id": gone})
    again = api.call("DELETE", f"/conversations/{gone}")

    assert api.call("DELETE", f"/conversations/{gone}") == again
    for method, path, body in (
        ("GET", f"/conversations/{gone}/turns", None),
        ("POST", "/sessions", {"conversation_id": gone}),
    ):
        status, problem, _ = api.call(method, path, body)
        assert (status, problem["code"]) == (404, "conversation_unknown")
    status, problem, _ = api.call("POST", "/sessions", {"session_id": session["session_id"]})
    assert (status, problem["code"]) == (404, "session_unknown")
    with pytest.raises(ConnectionRefused, match="conversation_erased"):
        api.connect(late)
    assert api.call("GET", "/conversations")[1]["conversations"] == []
    assert api.call("GET", "/me/export")[1]["conversations"] == []
    # A request without an id begins another conversation.
    assert api.begin()["conversation_id"] != gone


def test_usage_notes_and_preferences_stay() -> None:
    api = HttpApiHarness()
    gone = api.begin("new")["conversation_id"]
    use(api, talk_s=600, cost_usd="1.5")
    api.notes.add(USER, "likes mornings", noted_at_ms=NOON_MS)
    api.call("PUT", "/me/preferences", {"voice": "Puck"})
    before = api.call("GET", "/me/usage"), api.call("GET", "/me/export")[1]["account"]

    api.call("DELETE", f"/conversations/{gone}")

    api.tables.clock.advance(-11_000)
    assert (api.call("GET", "/me/usage"), api.call("GET", "/me/export")[1]["account"]) == before


def test_somebody_elses_conversation_and_none_at_all_get_the_same_answer() -> None:
    api = HttpApiHarness()
    theirs = api.begin("new", user="user-2")["conversation_id"]
    wanted = api.call("GET", f"/conversations/{theirs}/turns")

    for unknown in (theirs, "unknown", "new"):
        assert api.call("DELETE", f"/conversations/{unknown}")[:2] == wanted[:2]

    page = api.call("GET", "/conversations", user="user-2")[1]
    assert [one["conversation_id"] for one in page["conversations"]] == [theirs]
    assert api.channel.posts == {}


@pytest.mark.parametrize("odd", ["conv%23x", "a b", "x" * 65, "%00", ".", "*"])
def test_a_malformed_id_is_refused_before_any_table_is_read(odd: str) -> None:
    status, problem, _ = HttpApiHarness().call("DELETE", f"/conversations/{odd}")

    assert (status, problem["code"]) in ((422, "invalid_request"), (405, "method_not_allowed"))


def test_an_interrupted_erasure_of_a_conversation_continues_with_the_next_request() -> None:
    api = HttpApiHarness()
    session = api.begin("new")
    gone = session["conversation_id"]
    talk(api, session)
    left = [5_000]

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return left[0]

    api.context = Context()

    status, erasure, headers = api.call("DELETE", f"/conversations/{gone}")
    assert (status, erasure["finished"], headers["retry-after"]) == (202, False, "2")
    # Gone for its user from the first request on.
    assert api.call("GET", "/conversations")[1]["conversations"] == []
    assert api.call("GET", f"/conversations/{gone}/turns")[0] == 404

    left[0] = 29_000
    status, erasure, _ = api.call("DELETE", f"/conversations/{gone}")
    assert (status, erasure["finished"]) == (200, True)
    assert not api.tables.turns[gone]


def test_a_user_who_is_erased_while_a_conversation_is_keeps_no_tombstone_of_it() -> None:
    api = HttpApiHarness()
    gone = api.begin("new")["conversation_id"]
    api.call("DELETE", f"/conversations/{gone}")
    api.call("DELETE", "/me")

    status, problem, _ = api.call("DELETE", f"/conversations/{gone}")

    assert (status, problem["code"]) == (403, "user_erased")
    assert [place for place in api.tables.erasures if place[1] is not None] == []


def talk(api: HttpApiHarness, session: dict[str, Any]) -> None:
    """Leave a turn in memory and a message in the mailbox."""
    conversation_id, session_id = session["conversation_id"], session["session_id"]
    turn = Turn(1, session_id, NOON_MS, NOON_MS + 2_000, "hi", "ho")
    api.tables.turns[conversation_id] = {1: turn}
    api.mailbox.append(session_id, Numbered(1, Bye(), "connection-1", NOON_MS))
