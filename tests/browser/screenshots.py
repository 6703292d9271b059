"""``python -m tests.browser.screenshots``: take the pictures of the docs from a real run."""

import re
import site
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.observer.trace_store import ReceivedTrace
from local.stack import PROJECT
from tests.browser import engines
from tests.browser.opening import launched, seeded_stack
from tests.browser.speech import spoken
from tests.integration.running import TEST_TIMEOUT_S, RunningStack, options_for_tests

site.addsitedir(str(engines.PACKAGES))

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.talk_page import TalkPage

IMAGES = PROJECT / "docs" / "images"
MOST_BYTES = 200_000
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
# A name of the file, the look, and what is open.
PICTURES: Mapping[str, tuple[Mapping[str, Any], str, str]] = {
    "page-desktop-light": (DESKTOP, "light", ""),
    "page-desktop-dark-drawer": (DESKTOP, "dark", "Developer drawer"),
    "page-phone-light": (PHONE, "light", ""),
    "page-phone-dark": (PHONE, "dark", ""),
}


@contextmanager
def conversation(
    browser: "Browser", running: RunningStack, user: str, **options: Any
) -> "Iterator[TalkPage]":
    """Hold a spoken conversation on a page, up to the middle of its last reply."""
    from tests.browser.talk_page import talk_page

    page = talk_page(browser, running, user, **options)
    page.page.goto(page.url)
    page.sign_in()
    page.start_call()
    page.say(spoken(running, "Hello, my name is Linda."))
    page.see("Hello Linda, how can I help you?")
    page.wait_until_played()
    page.say(spoken(running, "I'd like to see the doctor on Tuesday at eleven in the morning."))
    page.see(re.compile("Your appointment is booked"))
    page.wait_for_frame("turn_end", 2)
    page.wait_until_played()
    page.say(spoken(running, "Do you remember my name and the time of my appointment?"))
    page.see(re.compile("Your name is Linda"))
    yield page
    page.page.context.close()


def take(browser: "Browser", running: RunningStack, name: str) -> None:
    """Take one picture."""
    options, scheme, opened = PICTURES[name]
    running.clear_desk()
    with conversation(browser, running, name, color_scheme=scheme, **options) as page:
        if opened:
            page.press("Menu")
            page.press(opened)
            page.press("Close")
        page.page.wait_for_timeout(600)
        save(page.page, name)


def take_trace(browser: "Browser", running: RunningStack) -> None:
    """Take a picture of the turn that booked, from the conversations before."""
    give_up_at_s = time.monotonic() + TEST_TIMEOUT_S
    while not (booked := list(traces_of_bookings(running))):
        if time.monotonic() > give_up_at_s:
            sys.exit("no booking was traced")
        time.sleep(0.1)
    page = browser.new_page(viewport={"width": 1280, "height": 560}, color_scheme="light")
    page.goto(f"{running.stack.addresses.observer}/traces/{booked[0].trace_id}")
    save(page, "trace-booking")


def traces_of_bookings(running: RunningStack) -> "Iterator[ReceivedTrace]":
    """Yield the traces in which the tool ``book`` ran, newest first."""
    for trace in running.stack.observer.traces.newest_first():
        if any(span.name == "execute_tool book" for span in trace.spans.values()):
            yield trace


def save(page: "Page", name: str) -> None:
    """Write a picture of a page."""
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    print(f"{path.relative_to(PROJECT)}: {path.stat().st_size:,} bytes")  # noqa: T201 - a program
    if path.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{path} is larger than {MOST_BYTES:,} bytes")


def main() -> None:
    """Take all pictures."""
    if problem := engines.missing():
        sys.exit(problem)
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        options = replace(options_for_tests(Path(folder)), gemini_pace="human")
        with seeded_stack(options) as running, launched(playwright) as browser:
            for name in PICTURES:
                take(browser, running, name)
            take_trace(browser, running)


if __name__ == "__main__":
    main()
