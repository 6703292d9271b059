"""What the page says when something is refused, used up or taken over."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.integration.running import RunningStack

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage
    from tests.browser.talk_page import TalkPage

pytestmark = pytest.mark.browser


def test_a_refused_sign_in_is_explained_and_can_be_repeated(open_page: "OpenPage") -> None:
    page = open_page(signed_in=False)
    page.page.route(
        "**/authorize?*", lambda route: route.continue_(url=f"{route.request.url}&prompt=login")
    )
    page.press("Sign in")
    page.press("Refuse")

    page.page.get_by_role("alert").wait_for()
    assert "code=" not in page.page.url
    assert "error" not in page.page.url
    page.page.unroute_all()
    page.sign_in()


def test_without_permission_for_the_microphone_the_user_can_type(open_page: "OpenPage") -> None:
    page = open_page(microphone=False)

    page.start_call()

    page.see("The microphone is blocked")
    assert page.accessibility_faults() == []
    page.type("My name is Ada.")
    page.see("Hello Ada, how can I help you?")


def test_a_silent_microphone_is_reported_until_it_is_heard_again(page: "TalkPage") -> None:
    page.start_call()
    page.page.evaluate("instruments.silenceMicrophone(true)")
    page.see("We cannot hear you")

    page.page.evaluate("instruments.silenceMicrophone(false)")
    page.page.get_by_text("We cannot hear you").first.wait_for(state="hidden")


def test_a_daily_limit_ends_the_call_and_says_when_it_is_reset(
    page: "TalkPage", running: RunningStack
) -> None:
    page.expected_errors.append("429")
    running.dynamodb().update_item(
        TableName=running.stack.table_names["MemoryTable"],
        Key={"pk": {"S": f"user#{page.user}"}, "sk": {"S": "profile"}},
        UpdateExpression="SET max_usd_per_day = :usd",
        ExpressionAttributeValues={":usd": {"N": "0.000001"}},
    )
    page.start_call()
    page.type("My name is Ada.")

    page.see("Today's budget is used up")
    page.press("Done")
    page.press("Start talking")
    page.see("Today's budget is used up")
    assert page.accessibility_faults() == []


def test_a_second_device_takes_the_call_and_the_first_can_take_it_back(
    open_page: "OpenPage",
) -> None:
    first = open_page()
    first.start_call()
    first.type("My name is Ada.")
    first.see("Hello Ada, how can I help you?")
    second = open_page(first.user)

    second.start_call()

    first.see("Another device has the call")
    first.press("Bring it back here")
    second.see("Another device has the call")
    first.type("What is my name?")
    first.see(re.compile("Your name is Ada"))
