"""Reading one's notes, and deleting one of them."""

import pytest

from repartee.adapters.cursors import Listing
from repartee.domain.protocol.messages import NoteForgotten, Notified
from repartee.domain.users.notes import MAX_NOTES
from tests.fakes.clock import NOON_MS
from tests.unit.functions.http_api.harness import USER, HttpApiHarness

pytestmark = pytest.mark.unit


def note(api: HttpApiHarness, text: str, user: str = USER) -> str:
    api.tables.clock.advance(1_000)
    return api.notes.add(user, text, noted_at_ms=api.tables.clock.now_ms()).note_id


def test_notes_are_listed_newest_first_and_only_ones_own() -> None:
    api = HttpApiHarness()
    tea, rain = note(api, "Likes tea."), note(api, "Hates rain.")
    note(api, "Has a dog.", user="user-2")

    status, page, _ = api.call("GET", "/me/notes")

    assert status == 200
    assert page == {
        "notes": [
            {"note_id": rain, "text": "Hates rain.", "noted_at": "2026-11-20T12:00:02.000Z"},
            {"note_id": tea, "text": "Likes tea.", "noted_at": "2026-11-20T12:00:01.000Z"},
        ],
        "next_after": None,
    }


@pytest.mark.parametrize("limit", [1, 33, 99, 100])
def test_each_of_many_notes_is_on_exactly_one_page_though_some_are_deleted_between(
    limit: int,
) -> None:
    api = HttpApiHarness()
    wanted = [note(api, f"Fact {number}.") for number in range(MAX_NOTES)][::-1]
    found: list[str] = []
    query = f"limit={limit}"
    while True:
        _, page, _ = api.call("GET", "/me/notes", query=query)
        ids = [one["note_id"] for one in page["notes"]]
        found += ids
        # The one that the cursor stands at.
        api.call("DELETE", f"/me/notes/{ids[-1]}")
        if page["next_after"] is None:
            break
        query = f"limit={limit}&after={page['next_after']}"

    assert found == wanted


@pytest.mark.parametrize("whose", ["made up", "another user's", "another list's"])
def test_a_cursor_that_is_not_of_this_list_and_user_is_refused(whose: str) -> None:
    api = HttpApiHarness()
    cursor = {
        "made up": "01ABC",
        "another user's": api.deps.cursors.seal(Listing.NOTES, "user-2", "01ABC"),
        "another list's": api.deps.cursors.seal(Listing.CONVERSATIONS, USER, "01ABC"),
    }[whose]

    status, problem, _ = api.call("GET", "/me/notes", query=f"after={cursor}")

    assert (status, problem["code"], problem["field"]) == (422, "invalid_request", "after")


def test_a_deleted_note_is_gone_from_list_and_export_and_cannot_be_deleted_again() -> None:
    api = HttpApiHarness()
    tea, rain = note(api, "Likes tea."), note(api, "Hates rain.")

    status, content, _ = api.call("DELETE", f"/me/notes/{tea}")

    assert status == 204
    assert not content
    for page in (
        api.call("GET", "/me/notes")[1],
        api.call("GET", "/me/export")[1]["account"],
    ):
        assert [one["note_id"] for one in page["notes"]] == [rain]
    status, problem, _ = api.call("DELETE", f"/me/notes/{tea}")
    assert (status, problem["code"], problem["field"]) == (404, "note_unknown", "note_id")


def test_somebody_elses_note_and_none_at_all_get_the_same_answer() -> None:
    api = HttpApiHarness()
    theirs = note(api, "Has a dog.", user="user-2")

    answers = [api.call("DELETE", f"/me/notes/{one}")[:2] for one in (theirs, "unknown")]

    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert len(api.notes.newest("user-2", limit=9)) == 1


def test_every_open_session_of_the_user_and_no_other_gets_a_notice_of_a_deleted_note() -> None:
    api = HttpApiHarness()
    running = {api.begin("new")["session_id"] for _ in range(2)}
    theirs = api.begin("new", user="user-2")["session_id"]
    tea = note(api, "Likes tea.")

    api.call("DELETE", f"/me/notes/{tea}")
    api.call("DELETE", "/me/notes/unknown")

    for session_id in running:
        (notified,) = api.mailbox.read_after(session_id, 0)
        assert isinstance(notified, Notified)
        assert notified.notice == NoteForgotten(tea)
    assert list(api.mailbox.read_after(theirs, 0)) == []
    assert api.log.lines == []


def test_a_note_is_deleted_though_a_session_cannot_get_the_notice() -> None:
    api = HttpApiHarness()
    api.begin("new")
    tea = note(api, "Likes tea.")
    api.mailbox.takes_notices = False

    assert api.call("DELETE", f"/me/notes/{tea}")[0] == 204

    assert api.call("GET", "/me/notes")[1]["notes"] == []
    (line,) = api.log.lines
    assert line["message"] == "sessions not told of a note"
    assert not any(secret in str(line) for secret in (USER, tea, "tea"))


def test_the_account_is_erased_with_its_notes() -> None:
    api = HttpApiHarness()
    api.notes.add(USER, "Likes tea.", noted_at_ms=NOON_MS)
    api.call("DELETE", "/me")

    assert api.call("GET", "/me/notes")[1]["code"] == "user_erased"
    assert not api.tables.notes[USER]
