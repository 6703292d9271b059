"""What users see and do about their data: conversations, notes, usage, settings, erasure."""

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from repartee_client.access import get_token
from repartee_client.commands.answers import ANSWER_TIMEOUT_S, Listener
from repartee_client.connect import connect
from repartee_client.errors import AccessRefusedError
from repartee_client.events import Ready
from repartee_client.user_data import UserData
from tests.integration.running import RunningStack, new_user

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.conftest import OpenPage
    from tests.browser.talk_page import TalkPage

pytestmark = pytest.mark.browser

HoldCall = Callable[..., str]


@pytest.fixture
def user() -> str:
    return new_user("data")


@pytest.fixture
def hold_call(running: RunningStack, user: str) -> HoldCall:
    """Return a function that types to the agent in a new conversation, and returns its id."""

    async def held(*texts: str) -> Ready:
        addresses = running.stack.addresses
        token = await get_token(addresses.issuer, user)
        async with (
            connect(addresses.http, token=token, conversation="new") as call,
            Listener(call, lambda _: None) as listener,
        ):
            for text in texts:
                call.say(text)
                await listener.answer(ANSWER_TIMEOUT_S)
            return call.ready

    def hold(*texts: str) -> str:
        ready = running.run(held(*texts))
        running.until_ended(ready.session_id)
        return ready.conversation_id

    return hold


@pytest.fixture
def stored(running: RunningStack, user: str) -> Callable[[str], Any]:
    """Return a function that gets the user's data of a path from the API."""

    async def get(path: str) -> Any:
        return await (await running.api_of(user)).request("data", "GET", path)

    return lambda path: running.run(get(path))


def open_panel(page: "TalkPage", label: str) -> None:
    """Open a panel by the menu; every panel that a test opens must be accessible."""
    if not page.page.get_by_role("heading", name="Menu").is_visible():
        page.press("Menu")
    page.press(label)
    page.page.locator(".sheet .panel").wait_for()
    assert page.accessibility_faults() == []


def in_dialog(page: "TalkPage", heading: str, button: str) -> "Locator":
    """Return a button of a dialog that asks."""
    return page.page.get_by_role("dialog", name=heading).get_by_role("button", name=button)


def test_a_past_conversation_is_read_and_continued(
    open_page: "OpenPage", user: str, hold_call: HoldCall
) -> None:
    conversation_id = hold_call("Good morning, my name is Robert")
    hold_call("When do you open on Monday?")
    page = open_page(user)

    open_panel(page, "Past conversations")
    rows = page.page.locator(".panel-row")
    expect(rows).to_have_count(2)
    page.press(re.compile("my name is Robert.* 1 turn"))
    page.see("Hello Robert, how can I help you?")
    page.wait_for_focus(re.compile("Good morning.*"))
    assert page.accessibility_faults() == []
    page.press("All conversations")
    page.wait_for_focus(re.compile(".*my name is Robert.*", re.DOTALL))

    page.press(re.compile("my name is Robert"))
    page.press("Continue")
    ready = page.wait_for_frame("ready")
    assert ready["frame"]["conversation_id"] == conversation_id
    page.type("What is my name?")
    page.see(re.compile("Your name is Robert"))


def test_a_deleted_conversation_ends_its_call_and_is_gone(
    open_page: "OpenPage", user: str, hold_call: HoldCall, stored: Callable[[str], Any]
) -> None:
    hold_call("When do you open on Monday?")
    page = open_page(user)
    page.start_call("Type instead")
    page.type("Thank you")
    page.wait_for_frame("turn_end")

    open_panel(page, "Past conversations")
    page.press(re.compile("When do you open.*in this call"))
    page.press("Delete")
    page.see("The running call is in it, and ends.")
    page.page.keyboard.press("Escape")
    page.wait_for_focus("Delete")
    page.press("Delete")
    assert page.accessibility_faults() == []
    in_dialog(page, "Delete this conversation?", "Delete").click()

    page.wait_for_focus(
        re.compile(r"“When do you open.*” is deleted\. There are no conversations.*")
    )
    assert page.wait_for_frame("closed")["frame"]["reason"] == "erased"
    assert stored("/conversations")["conversations"] == []


def test_older_conversations_come_in_pages(
    open_page: "OpenPage", user: str, hold_call: HoldCall
) -> None:
    for text in ("Thank you", "Good morning", "When do you open on Monday?"):
        hold_call(text)
    page = open_page(user)
    page.page.route(
        re.compile(r"/conversations(\?|$)"),
        lambda route: route.continue_(url=with_limit(route.request.url, 2)),
    )

    open_panel(page, "Past conversations")
    rows = page.page.locator(".panel-row")
    expect(rows).to_have_count(2)
    page.press("Show older")
    page.see("Thank you")
    expect(rows).to_have_count(3)
    expect(page.button("Show older")).to_have_count(0)


def with_limit(url: str, limit: int) -> str:
    return f"{url}{'&' if '?' in url else '?'}limit={limit}"


def test_a_note_is_deleted(
    open_page: "OpenPage", user: str, hold_call: HoldCall, stored: Callable[[str], Any]
) -> None:
    hold_call("Remember that I like mornings")
    page = open_page(user)

    open_panel(page, "Remembered notes")
    page.press("Delete the note: I like mornings")
    in_dialog(page, "Delete this note?", "Delete").click()

    page.see("“I like mornings” is deleted.")
    page.see("No notes yet.")
    page.see(re.compile("Remember that I like mornings"))
    assert stored("/me/notes")["notes"] == []


def test_a_panel_says_why_it_is_empty_and_tries_again(open_page: "OpenPage", user: str) -> None:
    page = open_page(user)
    page.expected_errors.append("503")
    problem = {"code": "unavailable", "message": "a table failed: try again in a second"}
    page.page.route(
        "**/me/usage*",
        lambda route: route.fulfill(
            status=503, content_type="application/problem+json", body=json.dumps(problem)
        ),
    )

    open_panel(page, "Usage")
    page.see("A table failed: try again in a second")
    page.page.unroute("**/me/usage*")
    page.press("Try again")

    page.see("Limits per day")
    page.see(re.compile(r"1 h of 1 h left"))
    page.see(re.compile(r"A new day starts at .*, in "))


def test_the_export_is_that_of_the_api(
    open_page: "OpenPage", running: RunningStack, user: str, hold_call: HoldCall
) -> None:
    hold_call("Good morning, my name is Robert", "When do you open on Monday?")
    page = open_page(user)

    open_panel(page, "Your data")
    with page.page.expect_download() as download:
        page.press("Export my data")
    assert re.fullmatch(r"repartee-export-[\d-]{10}\.json", download.value.suggested_filename)
    page.see(re.compile("with 1 conversation, [23] turns, 0 notes and 0 appointments"))

    async def exported() -> dict[str, Any]:
        return await UserData(await running.api_of(user)).export()

    saved = json.loads(Path(download.value.path()).read_text())
    expected = running.run(exported())
    assert {**saved, "exported_at": ""} == {**expected, "exported_at": ""}


def test_an_erased_user_is_signed_out(
    open_page: "OpenPage", user: str, hold_call: HoldCall, stored: Callable[[str], Any]
) -> None:
    hold_call("Remember that I like mornings")
    page = open_page(user)

    open_panel(page, "Your data")
    page.press("Erase everything")
    assert page.accessibility_faults() == []
    confirm = in_dialog(page, "Erase everything?", "Erase everything")
    expect(confirm).to_be_disabled()
    page.page.get_by_label("Type erase to confirm").fill("erase")
    confirm.click()

    page.see("Your data is erased")
    page.see(re.compile("Deleted: 1 conversation, .*1 note"))
    page.press("Sign out")
    page.button("Sign in").wait_for()
    with pytest.raises(AccessRefusedError) as refused:
        stored("/me/notes")
    assert (refused.value.status, refused.value.code) == (HTTPStatus.FORBIDDEN, "user_erased")


def test_the_agent_speaks_another_language_after_a_change_in_a_call(
    open_page: "OpenPage", user: str, stored: Callable[[str], Any]
) -> None:
    page = open_page(user)
    page.start_call("Type instead")
    page.type("Good morning")
    page.see(re.compile("how can I help you"))
    page.wait_for_frame("turn_end")

    open_panel(page, "Settings")
    page.page.get_by_label("Language").select_option("es-ES")
    page.see("Saved. The running call changes at its next pause.")
    page.press("Close")
    page.type("Hola, buenos días")

    page.see(re.compile("en qué puedo ayudarle"))
    assert stored("/me/preferences")["language"] == "es-ES"


def test_a_call_without_the_detector_says_that_it_marks_no_speech(
    open_page: "OpenPage", user: str
) -> None:
    page = open_page(user)
    page.start_call()
    page.until("() => instruments.frames.some(({ frame }) => frame.marks_speech)")

    open_panel(page, "Settings")
    page.page.get_by_label("Send only speech").uncheck()

    page.until(
        """() => {
          const hellos = instruments.frames.filter(({ frame }) => frame.type === "hello");
          return !hellos.at(-1).frame.marks_speech;
        }"""
    )


def test_choices_of_the_device_stay_after_a_reload(open_page: "OpenPage", user: str) -> None:
    page = open_page(user)

    open_panel(page, "Settings")
    page.page.get_by_label("I use loudspeakers and hear echo").check()
    page.page.get_by_label("Start calls with push-to-talk").check()
    page.page.reload()
    open_panel(page, "Settings")

    expect(page.page.get_by_label("I use loudspeakers and hear echo")).to_be_checked()
    page.press("Close")
    page.start_call()
    page.button(re.compile("Hold to talk")).wait_for()


def test_the_drawer_saves_the_call_without_audio_and_tokens(
    open_page: "OpenPage", user: str
) -> None:
    page = open_page(user)
    page.start_call()
    page.type("Good morning, my name is Robert")
    page.wait_for_frame("turn_end")

    page.press("Menu")
    page.press("Developer drawer")
    page.see("Turn 1")
    assert page.accessibility_faults() == []
    page.page.get_by_role("tab", name="Frames").click()
    page.page.get_by_label("Filter the frames").fill("turn_end")
    page.see(re.compile(r"1 of \d+ frames"))
    with page.page.expect_download() as download:
        page.press("Save as JSON")

    text = Path(download.value.path()).read_text()
    saved = json.loads(text)
    types = [entry["frame"]["type"] for entry in saved["frames"]]
    assert {"hello", "ready", "text", "transcript", "audio", "turn_end"} <= set(types)
    audio = [entry["frame"] for entry in saved["frames"] if entry["frame"]["type"] == "audio"]
    assert all("data" not in frame and frame["data_bytes"] > 0 for frame in audio)
    (turn,) = saved["turns"]
    assert turn["input"]["kind"] == "text"
    assert turn["input"]["startMs"] < turn["firstAudioMs"] <= turn["endMs"]
    assert saved["audio"]["outputRateHz"] == 24_000
    assert "ticket" not in text
    assert "Bearer" not in text
    assert "my name is Robert" in text
