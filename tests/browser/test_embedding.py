"""The example of docs/clients.md, served by a static file server on another origin."""

import json
import re
import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from local.stack import PROJECT
from repartee_client.access import get_token
from tests.browser.conftest import Stacks
from tests.browser.opening import INSTRUMENTS
from tests.browser.speech import spoken
from tests.browser.talk_page import TalkPage, talk_page
from tests.documents import page
from tests.integration.running import RunningStack, new_user

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

SITE = PROJECT / "clients" / "web" / "site"


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a page of one's own, with what docs/clients.md names."""
    folder = tmp_path_factory.mktemp("embedding")
    shutil.copy(SITE / "repartee.js", folder)
    shutil.copytree(SITE / "repartee", folder / "repartee")
    shutil.copytree(SITE / "vendor" / "fvad", folder / "vendor" / "fvad")
    shutil.copytree(INSTRUMENTS, folder / "instruments")
    return folder


@pytest.fixture(scope="module")
def origin(folder: Path) -> Iterator[str]:
    """Serve the folder, and return the origin of the page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=folder))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def running(stacks: Stacks, origin: str) -> Iterator[RunningStack]:
    """Return a stack that allows the page's origin."""
    with stacks.of(SimpleNamespace(PARAMETERS={"AllowedOrigins": origin})) as running:
        yield running


@pytest.fixture
def own_page(
    chromium: "Browser", folder: Path, origin: str, running: RunningStack
) -> Iterator[TalkPage]:
    """Open the example, with the address of the stack and a user's token."""
    user = new_user("embedding")
    addresses = running.stack.addresses
    example = re.search(r"```html\n(.+?)```", page("docs/clients.md"), re.DOTALL)
    assert example is not None
    html = example[1].replace("https://api.example.com", addresses.http)
    assert html != example[1]
    (folder / "index.html").write_text(html)
    token = running.run(get_token(addresses.issuer, user))
    (folder / "token").write_text(json.dumps({"access_token": token}))
    opened = talk_page(chromium, running, user)
    opened.expected_errors.append("favicon")
    opened.page.goto(f"{origin}/")
    yield opened
    faults = opened.faults()
    opened.page.context.close()
    assert faults == [f"a request to the foreign host {origin.removeprefix('http://')}"]


def test_the_example_holds_a_spoken_conversation_from_another_origin(own_page: TalkPage) -> None:
    own_page.press("Talk")
    own_page.wait_for_frame("ready")
    own_page.say(spoken(own_page.running, "When do you open on Monday?"))
    own_page.wait_for_frame("turn_end")
    captions = own_page.page.locator("#captions").inner_text()

    assert re.search(r"open on monday.*we are open on monday", captions, re.IGNORECASE)
    own_page.wait_until_played()
    assert len(own_page.played().samples) > 0
    (hello,) = own_page.frames("hello")
    assert hello["frame"]["marks_speech"]


def test_the_example_has_about_ten_lines_of_script() -> None:
    script = re.search(
        r'<script type="module">\n(.+?)</script>', page("docs/clients.md"), re.DOTALL
    )
    assert script is not None
    assert len(script[1].splitlines()) <= 10
