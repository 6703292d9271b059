"""Starting a session, or coming back to one."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS
from tests.fakes.session_store import FakeSessionStore
from tests.unit.functions.http_api.harness import USER, HttpApiHarness

pytestmark = pytest.mark.unit


def test_a_new_session_comes_with_a_ticket_that_names_it() -> None:
    api = HttpApiHarness()

    status, session, headers = api.call("POST", "/sessions", {"conversation_id": "new"})

    assert status == 201
    assert headers["content-type"] == "application/json"
    ticket = api.signer.verify(session["ticket"], now_ms=NOON_MS)
    assert ticket.user_id == USER
    assert ticket.session_id == session["session_id"]
    assert ticket.conversation_id == session["conversation_id"]
    assert ticket.expires_at_ms == NOON_MS + 60_000
    assert session["expires_at"] == "2026-11-20T12:01:00.000Z"
    assert len({ticket.ticket_id, ticket.session_id, ticket.conversation_id}) == 3


def test_the_url_is_ready_to_connect_to() -> None:
    _, session, _ = HttpApiHarness().call("POST", "/sessions", {})

    address = urlsplit(session["url"])

    assert (address.scheme, address.netloc, address.path) == ("wss", "voice.example", "/live")
    assert parse_qs(address.query) == {"ticket": [session["ticket"]]}


def test_starting_a_session_writes_nothing() -> None:
    api = HttpApiHarness()

    api.call("POST", "/sessions", {"conversation_id": "new"})

    assert api.tables.conversations == {}
    assert api.tables.states == {}


@pytest.mark.parametrize("body", [None, {}, {"conversation_id": None}])
def test_without_a_conversation_id_the_latest_one_continues(body: dict[str, Any] | None) -> None:
    api = HttpApiHarness()
    api.begin("new")
    api.tables.clock.advance(1_000)
    latest = api.begin("new")

    status, session, _ = api.call("POST", "/sessions", body)

    assert status == 201
    assert session["conversation_id"] == latest["conversation_id"]
    assert session["session_id"] != latest["session_id"]


def test_a_users_first_session_starts_a_conversation_by_default() -> None:
    api = HttpApiHarness()
    api.begin("new", user="user-2")

    status, session, _ = api.call("POST", "/sessions")

    assert status == 201
    assert (USER, session["conversation_id"]) not in api.tables.conversations


def test_an_older_conversation_can_be_named() -> None:
    api = HttpApiHarness()
    older = api.begin("new")["conversation_id"]
    api.tables.clock.advance(1_000)
    api.begin("new")

    _, session, _ = api.call("POST", "/sessions", {"conversation_id": older})

    assert session["conversation_id"] == older


def test_the_conversation_of_another_user_is_unknown() -> None:
    api = HttpApiHarness()
    foreign = api.begin("new", user="user-2")["conversation_id"]

    answers = [
        api.call("POST", "/sessions", {"conversation_id": each}) for each in (foreign, "never-was")
    ]

    assert answers[0] == answers[1]
    status, problem, headers = answers[0]
    assert status == 404
    assert problem["code"] == "conversation_unknown"
    assert problem["field"] == "conversation_id"
    assert headers["content-type"] == "application/problem+json"


def at_the_cap() -> tuple[HttpApiHarness, list[dict[str, Any]]]:
    """Two sessions, which is the limit, opened a minute ago and used since."""
    api = HttpApiHarness()
    sessions = [api.begin("new"), api.begin("new")]
    api.tables.clock.advance(60_000)
    for connection_id in api.tables.connections:
        api.channel.active_ms[connection_id] = api.tables.clock.now_ms() - 1_000
    return api, sessions


def retry_after_s(api: HttpApiHarness) -> int:
    """Return after how long a third session may be started, 0 where it may at once."""
    status, _, headers = api.call("POST", "/sessions", {"conversation_id": "new"})
    return int(headers["retry-after"]) if status == 429 else 0


def connection_of(api: HttpApiHarness, session: dict[str, Any]) -> str:
    return api.tables.active_sessions[USER, session["session_id"]].connection_id


def serve(api: HttpApiHarness, session: dict[str, Any]) -> None:
    """Let a worker hold the session's lease."""
    now_ms = api.tables.clock.now_ms()
    FakeSessionStore(api.tables).acquire_lease(
        session["session_id"], owner="worker", now_ms=now_ms, until_ms=now_ms + 5_000
    )


def test_a_session_whose_client_is_gone_makes_room_though_its_disconnect_was_lost() -> None:
    api, (first, _) = at_the_cap()
    api.channel.gone.add(connection_of(api, first))

    assert retry_after_s(api) == 0


def test_a_session_whose_client_is_gone_counts_while_its_worker_waits_for_the_client() -> None:
    api, (first, _) = at_the_cap()
    api.channel.gone.add(connection_of(api, first))
    serve(api, first)

    assert retry_after_s(api) == 30
    api.tables.clock.advance(10_000)
    serve(api, first)
    assert retry_after_s(api) == 20
    api.tables.clock.advance(20_000)
    assert retry_after_s(api) == 0


def test_a_session_that_is_over_makes_room_though_its_end_was_not_noted() -> None:
    api, (first, second) = at_the_cap()
    state = api.tables.states[first["session_id"]]
    api.tables.states[first["session_id"]] = replace(state, ended=True)

    assert retry_after_s(api) == 0
    assert api.connections.active_sessions(USER, now_ms=api.tables.clock.now_ms()).keys() == {
        second["session_id"]
    }


def test_a_connection_that_is_being_opened_does_not_pass_for_a_dead_one() -> None:
    api = HttpApiHarness()
    for _ in range(2):
        api.channel.gone.add(connection_of(api, api.begin("new")))

    assert retry_after_s(api) == 10
    api.tables.clock.advance(10_000)
    assert retry_after_s(api) == 0


def test_a_client_waits_until_an_idle_connection_would_be_closed() -> None:
    api, (first, _) = at_the_cap()
    api.channel.active_ms[connection_of(api, first)] -= 200_000

    assert retry_after_s(api) == 600 - 201


def test_an_api_gateway_that_does_not_answer_makes_no_room() -> None:
    api, _ = at_the_cap()
    api.channel.failing = True

    assert retry_after_s(api) == 2 * 3_600 + 900 - 60


def test_a_session_can_be_come_back_to_when_another_of_its_user_is_dead() -> None:
    api, (first, second) = at_the_cap()
    api.channel.gone.add(connection_of(api, second))
    api.connections.end_session(USER, first["session_id"])
    api.begin("new")

    status, _, _ = api.call("POST", "/sessions", {"session_id": first["session_id"]})

    assert status == 201


def test_one_session_too_many_is_refused_with_a_time_to_wait() -> None:
    api = HttpApiHarness()
    api.begin("new")
    api.tables.clock.advance(1_000)
    api.begin("new")

    status, problem, headers = api.call("POST", "/sessions", {"conversation_id": "new"})

    assert status == 429
    assert problem["code"] == "too_many_sessions"
    assert int(headers["retry-after"]) > 0


def test_a_full_user_may_still_take_over_one_of_the_conversations() -> None:
    api = HttpApiHarness()
    first = api.begin("new")
    api.tables.clock.advance(1_000)
    api.begin("new")

    again = api.begin(first["conversation_id"])

    assert again["session_id"] != first["session_id"]


def test_a_conversation_whose_session_has_ended_makes_no_room_for_another() -> None:
    api = HttpApiHarness()
    ended = api.begin("new")
    api.connections.end_session(USER, ended["session_id"])
    for _ in range(2):
        api.tables.clock.advance(1_000)
        api.begin("new")

    body = {"conversation_id": ended["conversation_id"]}
    assert api.call("POST", "/sessions", body)[0] == 429


def test_an_old_session_is_come_back_to_only_when_there_is_room_for_it() -> None:
    api = HttpApiHarness()
    old = api.begin("new")
    api.connections.end_session(USER, old["session_id"])
    for _ in range(2):
        api.tables.clock.advance(1_000)
        api.begin("new")

    assert api.call("POST", "/sessions", {"session_id": old["session_id"]})[0] == 429


def test_a_lost_connection_comes_back_to_its_session_even_when_the_user_is_full() -> None:
    api = HttpApiHarness()
    first = api.begin("new")
    api.tables.clock.advance(1_000)
    api.begin("new")

    status, session, _ = api.call("POST", "/sessions", {"session_id": first["session_id"]})

    assert status == 201
    assert session["session_id"] == first["session_id"]
    assert session["conversation_id"] == first["conversation_id"]
    assert session["ticket"] != first["ticket"]
    api.connect(session)


def test_the_session_of_another_user_is_unknown() -> None:
    api = HttpApiHarness()
    foreign = api.begin("new", user="user-2")

    status, problem, _ = api.call("POST", "/sessions", {"session_id": foreign["session_id"]})

    assert (status, problem["code"]) == (404, "session_unknown")


def test_a_session_of_another_conversation_is_unknown() -> None:
    api = HttpApiHarness()
    session = api.begin("new")
    body = {"session_id": session["session_id"], "conversation_id": "another"}

    status, problem, _ = api.call("POST", "/sessions", body)

    assert (status, problem["code"]) == (404, "session_unknown")


def test_a_session_that_has_ended_says_how_to_go_on() -> None:
    api = HttpApiHarness()
    session_id = api.begin("new")["session_id"]
    api.tables.states[session_id] = replace(api.tables.states[session_id], ended=True)

    status, problem, _ = api.call("POST", "/sessions", {"session_id": session_id})

    assert (status, problem["code"], problem["field"]) == (409, "session_ended", "session_id")


@pytest.mark.parametrize("way", ["new", "latest", "session"])
def test_an_erased_user_gets_no_ticket(way: str) -> None:
    api = HttpApiHarness()
    session_id = api.begin("new")["session_id"]
    api.tables.profiles[USER] = Profile(USER, erased_at_ms=NOON_MS)
    body = {
        "new": {"conversation_id": "new"},
        "latest": {},
        "session": {"session_id": session_id},
    }[way]

    status, problem, _ = api.call("POST", "/sessions", body)

    assert (status, problem["code"]) == (403, "user_erased")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"conversation_id": 7}, "conversation_id"),
        ({"conversation_id": "conv#1"}, "conversation_id"),
        ({"conversation_id": "x" * 65}, "conversation_id"),
        ({"conversation_id": ""}, "conversation_id"),
        ({"session_id": "a b"}, "session_id"),
        ({"user_id": "user-2"}, "user_id"),
        ([1], "body"),
    ],
)
def test_a_bad_body_is_explained_by_field(body: Any, field: str) -> None:
    status, problem, headers = HttpApiHarness().call("POST", "/sessions", body)

    assert status == 422
    assert problem["code"] == "invalid_request"
    assert problem.get("field", "") == field
    assert headers["content-type"] == "application/problem+json"
