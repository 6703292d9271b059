"""Starts the stack and the browser of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from local.demo.front_desk import FrontDesk
from local.gateway.http_api import HttpGateway
from local.gateway.http_events import HttpRequest, HttpResponse
from local.stack import StackOptions
from tests.browser import engines
from tests.integration.running import RunningStack, stack_in_thread

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

INSTRUMENTS = Path(__file__).parent / "instruments"


def launched(playwright: "Playwright", *arguments: str) -> "Browser":
    """Start Chromium with a fake audio device, and with more arguments."""
    return playwright.chromium.launch(
        executable_path=engines.browser("chromium"),
        args=["--use-fake-device-for-media-stream", "--no-sandbox", *arguments],
    )


@contextmanager
def seeded_stack(options: StackOptions) -> Iterator[RunningStack]:
    """Start a stack with an open front desk, which serves the instruments too."""
    with stack_in_thread(options) as running, instruments_served():
        running.run(FrontDesk(running.stack).seed())
        yield running


@contextmanager
def instruments_served() -> Iterator[None]:
    """Serve the modules of the instruments at the page's origin.

    The policy of the page allows no other origin, and Playwright does not see what a worklet loads.
    """
    usual = HttpGateway.handle

    async def handle(gateway: HttpGateway, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/instruments/"):
            return await usual(gateway, request)
        module = INSTRUMENTS / Path(request.path).name
        return HttpResponse(200, [("content-type", "text/javascript")], module.read_bytes())

    with patch.object(HttpGateway, "handle", handle):
        yield
