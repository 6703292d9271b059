"""Reading and changing one's own preferences."""

from typing import Any

import pytest

from repartee.domain.protocol.messages import PreferencesChanged
from repartee.domain.users.preferences import PreferenceChanges, Profile
from tests.fakes.clock import NOON_MS
from tests.unit.functions.http_api.harness import USER, HttpApiHarness

pytestmark = pytest.mark.unit


def test_preferences_begin_with_the_deployments_defaults() -> None:
    status, body, _ = HttpApiHarness().call("GET", "/me/preferences")

    assert (status, body) == (200, {"language": None, "voice": None, "style": None})


def test_preferences_that_are_left_out_stay_and_null_goes_back_to_the_default() -> None:
    api = HttpApiHarness()
    wanted = {"language": "ES-es", "voice": "puck", "style": " slowly\n and formally "}
    settled = {"language": "es-ES", "voice": "Puck", "style": "slowly and formally"}
    assert api.call("PUT", "/me/preferences", wanted)[:2] == (200, settled)

    status, body, _ = api.call("PUT", "/me/preferences", {"voice": "Kore", "style": None})

    assert (status, body) == (200, {"language": "es-ES", "voice": "Kore", "style": None})
    assert api.call("GET", "/me/preferences")[1] == body
    assert api.call("GET", "/me/preferences", user="user-2")[1]["voice"] is None


def test_the_running_sessions_get_a_notice_with_the_change() -> None:
    api = HttpApiHarness()
    session = api.begin()["session_id"]

    api.call("PUT", "/me/preferences", {"language": "ES-es", "voice": None})

    changes = PreferenceChanges(language="es-ES", voice="")
    ((notice, _),) = api.tables.mailboxes[session].notices.values()
    assert notice == PreferencesChanged(changes, NOON_MS)


def test_a_change_is_stored_and_answered_although_no_session_can_be_notified() -> None:
    api = HttpApiHarness()
    api.begin()
    api.mailbox.takes_notices = False

    status, body, _ = api.call("PUT", "/me/preferences", {"voice": "Puck"})

    assert (status, body["voice"]) == (200, "Puck")
    assert api.tables.profiles[USER].voice == "Puck"
    assert [(line["level"], line["message"]) for line in api.log.lines] == [
        ("WARNING", "sessions not told of preferences")
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"language": "Spanish"}, "language"),
        ({"language": "tlh-KL"}, "language"),
        ({"language": "es-419"}, "language"),
        ({"language": 7}, "language"),
        ({"voice": "Robert"}, "voice"),
        ({"style": "x" * 201}, "style"),
        ({"style": "be\x00calm"}, "style"),
        ({"style": "calm\u202e"}, "style"),
        ({"style": "calm\ud800"}, "style"),
        ({"language": "en\x00"}, "language"),
        ({"language": "es-\u0664\u0661\u0669"}, "language"),
        ({"user_id": "user-2"}, "user_id"),
    ],
)
def test_a_preference_that_cannot_be_had_is_named_and_nothing_changes(
    body: dict[str, Any], field: str
) -> None:
    api = HttpApiHarness()

    status, problem, _ = api.call("PUT", "/me/preferences", {"voice": "Puck", **body})

    assert (status, problem["code"], problem["field"]) == (422, "invalid_request", field)
    assert api.tables.profiles == {}


def test_a_refused_language_is_answered_with_the_tags_there_are() -> None:
    _, problem, _ = HttpApiHarness().call("PUT", "/me/preferences", {"language": "es-419"})

    assert "es-US, es-ES" in problem["message"]


def test_a_language_without_a_region_is_stored_as_its_default() -> None:
    _, body, _ = HttpApiHarness().call("PUT", "/me/preferences", {"language": "es"})

    assert body["language"] == "es-US"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (Profile(USER, language="es-419", voice="Puck"), ("es-US", "Puck")),
        (Profile(USER, language="tlh", voice="Robert"), (None, None)),
    ],
)
def test_preferences_that_the_model_lacks_are_shown_as_they_are_spoken(
    stored: Profile, shown: tuple[str | None, str | None]
) -> None:
    api = HttpApiHarness()
    api.tables.profiles[USER] = stored

    _, body, _ = api.call("GET", "/me/preferences")

    assert (body["language"], body["voice"]) == shown
    assert api.tables.profiles[USER] == stored


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", {"voice": "Puck"})])
def test_an_erased_user_has_no_preferences(method: str, body: Any) -> None:
    api = HttpApiHarness()
    api.tables.profiles[USER] = Profile(USER, erased_at_ms=NOON_MS)

    status, problem, _ = api.call(method, "/me/preferences", body)

    assert (status, problem["code"]) == (403, "user_erased")
