"""Fixtures of the browser tests; `talk_page.py` says what a test can do with a page."""

import site
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pytest

from tests.browser import engines
from tests.browser.opening import launched, seeded_stack
from tests.integration.running import RunningStack, new_user, options_for_tests

# Playwright has a separate environment, which only the browser tests need.
site.addsitedir(str(engines.PACKAGES))

LONG_MODULES = ("test_user_data.py", "test_audio_economy.py")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

    from tests.browser.talk_page import TalkPage


class _SkippedModule(pytest.Module):
    """A module that is not imported, because a program is missing."""

    def collect(self) -> list[Any]:
        pytest.skip(str(engines.missing()), allow_module_level=True)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    # Other runs need not have the programs of these tests.
    marks = config.getoption("markexpr")
    return True if "browser" not in marks or "not browser" in marks else None


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    return _SkippedModule.from_parent(parent, path=module_path) if engines.missing() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A long module that starts last leaves the other process without work.
    items.sort(key=lambda item: item.path.name not in LONG_MODULES)


class Stacks:
    """Keeps one stack with the usual settings, and one with a module's own."""

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self._folder = folder
        self._usual = ExitStack()
        self._usual_stack: RunningStack | None = None

    @contextmanager
    def of(self, module: object) -> Iterator[RunningStack]:
        """Run the stack with the module's ``PARAMETERS`` of the template, and ``PACE``."""
        parameters = getattr(module, "PARAMETERS", {})
        pace: Literal["human", "instant"] = getattr(module, "PACE", "human")
        options = replace(
            options_for_tests(self._folder("stack")), gemini_pace=pace, parameters=parameters
        )
        if parameters or pace != "human":
            with seeded_stack(options) as running:
                yield running
        else:
            if self._usual_stack is None:
                self._usual_stack = self._usual.enter_context(seeded_stack(options))
            yield self._usual_stack

    def close(self) -> None:
        """Stop the usual stack."""
        self._usual.close()


@pytest.fixture(scope="session")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stacks]:
    """Return the stacks of this process."""
    stacks = Stacks(tmp_path_factory.mktemp)
    yield stacks
    stacks.close()


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest, stacks: Stacks) -> Iterator[RunningStack]:
    """Return the stack of this module: see ``Stacks.of``. Each test uses its own users."""
    with stacks.of(request.module) as running:
        running.clear_desk()
        yield running


@pytest.fixture(scope="session")
def playwright() -> "Iterator[Playwright]":
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


class OpenChromium(Protocol):
    """Starts Chromium with more arguments."""

    def __call__(self, *arguments: str) -> "Browser": ...


@pytest.fixture
def open_chromium(playwright: "Playwright") -> Iterator[OpenChromium]:
    """Return a function that starts one more Chromium, until the end of the test."""
    with ExitStack() as opened:
        yield lambda *arguments: opened.enter_context(launched(playwright, *arguments))


@pytest.fixture(scope="session")
def chromium(playwright: "Playwright") -> "Iterator[Browser]":
    """Return the browser that all tests share; each page has its own profile."""
    with launched(playwright) as browser:
        yield browser


class OpenPage:
    """Opens pages, each in a new profile."""

    def __init__(self, running: RunningStack, chromium: "Browser") -> None:
        self._running = running
        self._chromium = chromium
        self.pages: list[TalkPage] = []

    def __call__(
        self,
        user: str | None = None,
        *,
        path: str = "",
        signed_in: bool = True,
        browser: "Browser | None" = None,
        **options: Any,
    ) -> "TalkPage":
        """Open a page.

        Args:
            user: The user who signs in; a new one by default.
            path: The address below the stack's HTTP API.
            signed_in: Whether the page is signed in already.
            browser: Another browser than the shared one.
            options: Options of ``talk_page``.
        """
        from tests.browser.talk_page import talk_page

        page = talk_page(
            browser or self._chromium, self._running, user or new_user("browser"), **options
        )
        self.pages.append(page)
        page.page.goto(page.url + path)
        if signed_in:
            page.sign_in()
        return page


@pytest.fixture
def open_page(running: RunningStack, chromium: "Browser") -> Iterator[OpenPage]:
    """Return a function that opens pages; the test fails if one of them had faults."""
    opened = OpenPage(running, chromium)
    yield opened
    faults = [fault for page in opened.pages for fault in page.faults()]
    for page in opened.pages:
        page.page.context.close()
    assert faults == []


@pytest.fixture
def page(open_page: OpenPage) -> "TalkPage":
    """Return a page of a new user who is signed in."""
    return open_page()
