"""A user's usage of the day, and the answers at the limit."""

from decimal import Decimal

import pytest

from repartee.domain.cost.limits import OwnLimits, utc_day
from repartee.domain.cost.service_cap import ServiceSpending
from repartee.domain.users.preferences import Profile
from tests.event_files import load_event
from tests.fakes.clock import NOON_MS
from tests.unit.functions.http_api.harness import SERVICE_CAP_USD, USER, HttpApiHarness, use

pytestmark = pytest.mark.unit

TODAY = utc_day(NOON_MS)


def test_a_user_at_the_daily_limit_learns_when_it_ends_and_is_admitted_the_next_day() -> None:
    api = HttpApiHarness()
    use(api, talk_s=3_600)

    status, problem, headers = api.call("POST", "/sessions", {})

    assert (status, problem["code"]) == (429, "daily_limit_reached")
    assert (problem["kind"], problem["limit"]) == ("talk_seconds", 3_600)
    assert problem["resets_at"] == "2026-11-21T00:00:00.000Z"
    assert headers["retry-after"] == str(12 * 3_600)
    assert api.call("POST", "/sessions", {}, user="user|2")[0] == 201

    api.tables.clock.advance(12 * 3_600_000 - 1)
    status, _, headers = api.call("POST", "/sessions", {})
    assert (status, headers["retry-after"]) == (429, "1")
    api.tables.clock.advance(1)
    assert api.call("POST", "/sessions", {})[0] == 201


def test_money_is_limited_too_and_an_operators_word_for_one_user_holds() -> None:
    api = HttpApiHarness()
    use(api, cost_usd="5")

    status, problem, _ = api.call("POST", "/sessions", {})
    assert (status, problem["kind"], problem["limit"]) == (429, "cost", 5)

    api.tables.profiles[USER] = Profile(USER, limits=OwnLimits(cost_usd=Decimal(0)))
    assert api.call("POST", "/sessions", {})[0] == 201


def test_the_deployments_cap_refuses_everybody_without_blame_and_shows_no_amount() -> None:
    api = HttpApiHarness()
    before = api.call("GET", "/me/usage")[1]
    api.spendings.add(ServiceSpending(TODAY, SERVICE_CAP_USD), source="of others")

    status, problem, headers = api.call("POST", "/sessions", {})

    assert (status, problem["code"]) == (429, "daily_limit_reached")
    assert (problem["kind"], problem["limit"]) == ("service", 0)
    assert "yours is not the cause" in problem["detail"]
    assert headers["retry-after"] == str(12 * 3_600)
    assert api.call("GET", "/me/usage")[1] == before

    api.tables.clock.advance(12 * 3_600_000)
    assert api.call("POST", "/sessions", {})[0] == 201


def test_tickets_are_refused_while_calls_are_stopped() -> None:
    api = HttpApiHarness()
    session = api.begin()
    api.switch.stopped = True

    status, problem, headers = api.call("POST", "/sessions", {})

    assert (status, problem["code"], headers["retry-after"]) == (503, "calls_stopped", "60")
    assert "the operator has stopped all calls" in problem["detail"]
    back = {"session_id": session["session_id"]}
    assert api.call("POST", "/sessions", back)[1]["code"] == "calls_stopped"
    assert api.call("GET", "/me/usage")[0] == 200
    assert api.log.lines == []
    api.switch.stopped = False
    assert api.call("POST", "/sessions", back)[0] == 201


def test_a_returning_client_is_admitted_to_hear_the_end_of_its_session() -> None:
    api = HttpApiHarness()
    session = api.begin()
    use(api, cost_usd="5")

    status, _, _ = api.call("POST", "/sessions", {"session_id": session["session_id"]})

    assert status == 201


def test_users_see_what_they_used_and_what_is_left() -> None:
    api = HttpApiHarness()
    use(api, talk_s=600, cost_usd="1.5")
    api.tables.clock.advance(86_400_000)
    use(api, talk_s=4_000, cost_usd="0.25")

    status, usage, _ = api.call("GET", "/me/usage")

    today = {
        "day": "2026-11-21",
        "turns": 1,
        "talk_s": 4_000,
        "tokens_in": 30,
        "tokens_out": 7,
        "cost_usd": 0.25,
    }
    assert status == 200
    assert usage == {
        "today": today,
        "limits": [
            {"kind": "talk_seconds", "limit": 3_600, "left": 0},
            {"kind": "cost", "limit": 5, "left": 4.75},
        ],
        "resets_at": "2026-11-22T00:00:00.000Z",
        "days": [today, {**today, "day": "2026-11-20", "talk_s": 600, "cost_usd": 1.5}],
    }
    assert api.call("GET", "/me/usage", query="days=1")[1]["days"] == [today]
    assert api.call("GET", "/me/usage", user="user|2")[1]["days"] == []


def test_usage_is_refused_for_the_erased_and_for_too_many_days() -> None:
    api = HttpApiHarness()
    status, problem, _ = api.call("GET", "/me/usage", query="days=101")
    assert (status, problem["field"]) == (422, "days")

    api.tables.profiles[USER] = Profile(USER, erased_at_ms=NOON_MS)
    assert api.call("GET", "/me/usage")[0] == 403


def test_the_sample_event_of_usage_is_answered() -> None:
    answer = HttpApiHarness().application.handle(load_event("http_api.read_usage"), None)

    assert answer["statusCode"] == 200
