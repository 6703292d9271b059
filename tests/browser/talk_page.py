"""A page of Repartee in a browser: what a user does, and what the page did."""

import base64
import json
import re
from array import array
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Route, WebSocket, expect

from tests.browser.engines import NODE_MODULES
from tests.browser.speech import RATE_HZ
from tests.integration.running import RunningStack

PLAYBACK_RATE_HZ = 24_000
# A reply takes some seconds on a busy machine.
TIMEOUT_MS = 30_000
_AXE = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"


@dataclass(frozen=True, slots=True)
class Played:
    """What a page has played.

    Attributes:
        first_frame: The number of the first sample in its audio context.
        samples: PCM16 at 24 kHz, without gaps.
    """

    first_frame: int
    samples: "array[int]"


@dataclass
class TalkPage:
    """One page, its requests and its faults.

    Args:
        page: The page in the browser.
        running: The stack that serves it.
        user: The user who signs in.
        expected_errors: Expressions for console errors that the test provokes.
    """

    page: Page
    running: RunningStack
    user: str
    expected_errors: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(TIMEOUT_MS)
        self.page.on("request", self._requested)
        self.page.on("websocket", self._connected)
        self.page.on("console", self._logged)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"{self.running.stack.addresses.http}/"

    def sign_in(self) -> None:
        """Sign in as the user of this page, at the issuer of the stack."""
        self.page.route("**/authorize?*", self._name_user)
        self.press("Sign in")
        self.button("Start talking").wait_for()

    def start_call(self, way: str = "Start talking") -> None:
        """Start a call from the first view, and wait until the server is ready."""
        self.press(way)
        self.wait_for_frame("ready")

    def type(self, text: str) -> None:
        """Send a typed text."""
        self.page.get_by_label("Type a message").fill(text)
        self.page.keyboard.press("Enter")

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """Return the button with an accessible name."""
        return self.page.get_by_role("button", name=name)

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press the button with an accessible name."""
        self.button(name).click()

    def see(self, text: str | re.Pattern[str], timeout_ms: float = TIMEOUT_MS) -> None:
        """Wait until the page shows a text, such as a caption."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=timeout_ms)

    def say(self, pcm: bytes) -> float:
        """Speak 16 kHz PCM16 into the microphone; return the page's time of its end in ms."""
        spoken = [base64.b64encode(pcm).decode(), RATE_HZ]
        ended_ms: float = self.page.evaluate("([pcm, hz]) => instruments.say(pcm, hz)", spoken)
        return ended_ms

    def start_saying(self, pcm: bytes) -> None:
        """Speak as ``say`` does, without waiting for the end."""
        spoken = [base64.b64encode(pcm).decode(), RATE_HZ]
        self.page.evaluate("([pcm, hz]) => void instruments.say(pcm, hz)", spoken)

    def frames(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the messages of the page's WebSockets since it was loaded, in order.

        Each has ``direction`` (``sent`` or ``received``), ``at_ms``, ``played_frame``, the frame
        of the playback at that moment, and ``frame``, where ``data`` is only a length.
        """
        frames: list[dict[str, Any]] = self.page.evaluate("instruments.frames")
        return [each for each in frames if kind is None or each["frame"]["type"] == kind]

    def wait_for_frame(self, kind: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """Wait until ``count`` messages of a type with these fields came; return the last one."""
        found = self.page.wait_for_function(
            """([kind, count, fields]) => {
              const found = instruments.frames.filter(({ frame }) => frame.type === kind
                && Object.entries(fields).every(([name, value]) => frame[name] === value));
              return found.length >= count && JSON.stringify(found[count - 1]);
            }""",
            arg=[kind, count, fields],
        )
        frame: dict[str, Any] = json.loads(found.json_value())
        return frame

    def played(self, context: int = -1) -> Played:
        """Return what the page has played in one of its audio contexts, the last by default."""
        read = self.page.evaluate("index => instruments.readRecording(index)", context)
        samples = array("h", base64.b64decode(read["pcm"]))
        return Played(read["firstFrame"], samples)

    def cut_line(self, seconds: float) -> None:
        """Break the connection, and refuse others for a time."""
        self.expected_errors.append("ERR_INTERNET_DISCONNECTED|WebSocket connection")
        self.page.context.set_offline(True)
        self.break_connections()
        self.page.wait_for_timeout(seconds * 1000)
        self.page.context.set_offline(False)

    def break_connections(self) -> None:
        """Break every connection of the gateway without a close frame."""

        async def break_all() -> None:
            for connection in self.running.stack.gateway.connections.all():
                connection.break_connection()

        self.running.run(break_all())

    def accessibility_faults(self) -> list[str]:
        """Return what axe-core finds on the present view."""
        if not self.page.evaluate("'axe' in globalThis"):
            self.page.evaluate((NODE_MODULES / "axe-core" / "axe.min.js").read_text())
        found: list[dict[str, Any]] = self.page.evaluate(_AXE)
        return [
            f"{fault['id']}: {fault['help']}: {node['html']}"
            for fault in found
            for node in fault["nodes"]
        ]

    def faults(self) -> list[str]:
        """Return unexpected console errors, and requests to foreign hosts."""
        expected = re.compile("|".join(self.expected_errors) or "(?!)")
        addresses = self.running.stack.addresses
        own = {
            urlsplit(address).netloc
            for address in (addresses.http, addresses.websocket, addresses.issuer)
        }
        return [
            *(error for error in self.errors if not expected.search(error)),
            *(f"a request to the foreign host {host}" for host in sorted(self.hosts - own)),
        ]

    def _name_user(self, route: Route) -> None:
        query = urlencode({"login_hint": self.user})
        route.continue_(url=f"{route.request.url}&{query}")

    def _requested(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc)

    def _connected(self, socket: WebSocket) -> None:
        self.hosts.add(urlsplit(socket.url).netloc)

    def _logged(self, message: ConsoleMessage) -> None:
        # Chromium reports violations of the CSP here too.
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")
