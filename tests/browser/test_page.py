"""Every view of the page: accessible, usable by keyboard, under the page's own rules."""

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 800}}


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desktop", "dark")])
def test_no_view_has_a_fault_of_accessibility(
    open_page: "OpenPage", size: str, scheme: str
) -> None:
    page = open_page(signed_in=False, color_scheme=scheme, viewport=SIZES[size])
    page.button("Sign in").wait_for()
    faults = {"before the sign-in": page.accessibility_faults()}
    page.sign_in()
    faults["start"] = page.accessibility_faults()
    page.start_call("Type instead")
    page.type("My name is Ada.")
    page.see("Hello Ada, how can I help you?")
    faults["call"] = page.accessibility_faults()
    for name in page.menu():
        page.press(name)
        expect(page.page.locator(".panel-loading")).to_have_count(0)
        faults[name] = page.accessibility_faults()
        if page.button("Back to the menu").is_visible():
            page.press("Back to the menu")
    page.press("Close")
    page.press("Hang up")
    page.see("Call ended")
    faults["end"] = page.accessibility_faults()

    assert {view: found for view, found in faults.items() if found} == {}


def test_a_style_that_the_server_refuses_once_is_asked_for_again(open_page: "OpenPage") -> None:
    page = open_page(signed_in=False)
    page.expected_errors.append("503")
    page.page.route("**/base.css", lambda route: route.fulfill(status=503), times=1)
    page.page.reload()
    page.button("Sign in").wait_for()
    sheet = "[...document.styleSheets].find(({href}) => href?.endsWith('/base.css'))"
    page.until(f"{sheet}?.cssRules.length")


def test_a_conversation_needs_no_pointer(open_page: "OpenPage") -> None:
    page = open_page(signed_in=False)
    page.page.route("**/authorize?*", page.name_user)
    page.press_by_key("Sign in")
    page.button("Start talking").wait_for()
    page.press_by_key("Start talking")
    page.wait_for_frame("ready")
    page.tab_to("Type a message")
    page.page.keyboard.type("My name is Ada.")
    page.page.keyboard.press("Enter")
    page.see("Hello Ada, how can I help you?")

    page.press_by_key("Menu")
    page.page.keyboard.press("Escape")
    page.wait_for_focus("Menu")
    page.press_by_key("Hang up")
    page.see("Call ended")
