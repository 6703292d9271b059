"""A page of Repartee in a browser: what a user does, and what the page did."""

import base64
import re
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Route,
    WebSocket,
    expect,
)

from tests.browser.engines import NODE_MODULES
from tests.browser.opening import INSTRUMENTS
from tests.browser.speech import PLAYBACK_RATE_HZ, RATE_HZ
from tests.chaos.faults.gemini_control import GeminiControl
from tests.integration.running import RunningStack

# A cold stack on a busy machine is slow.
TIMEOUT_MS = 60_000
expect.set_options(timeout=TIMEOUT_MS)
_SILENCE_S = 0.2
_POLL_INTERVAL_MS = 50
_MOST_TABS = 60
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
        self.page.route("**/authorize?*", self.name_user)
        self.press("Sign in")
        self.button("Start talking").wait_for()

    def start_call(self, way: str = "Start talking") -> None:
        """Start a call from the first view, and wait until the server is ready."""
        self.press(way)
        self.wait_for_frame("ready")

    def type(self, text: str) -> None:
        """Send a typed text."""
        message = self.page.get_by_label("Type a message")
        message.fill(text)
        # A sheet that closes gives the focus back to its button, perhaps after the text is there.
        message.press("Enter")

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """Return the button with an accessible name."""
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press the button with an accessible name."""
        self.button(name).click()

    def see(self, text: str | re.Pattern[str]) -> None:
        """Wait until the page shows a text, such as a caption."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def say(self, pcm: bytes) -> None:
        """Speak 16 kHz PCM16 into the microphone; return at its end."""
        self.start_saying(pcm)
        self.until("instruments.hasSaid()", within_ms=TIMEOUT_MS + len(pcm) / 2 / RATE_HZ * 1000)

    def start_saying(self, pcm: bytes) -> None:
        """Speak as ``say`` does, without waiting for the end."""
        self.until("instruments.isRecorded()")
        spoken = [base64.b64encode(pcm).decode(), RATE_HZ]
        self.page.evaluate("([pcm, hz]) => instruments.say(pcm, hz)", spoken)

    def frames(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the messages of the page's WebSockets since it was loaded, in order.

        Each has ``direction`` (``sent`` or ``received``), ``at_ms``, ``played_frame``, the frame
        of the playback at that moment, and ``frame``, where ``data`` is only a length.
        """
        frames: list[dict[str, Any]] = self.page.evaluate("instruments.frames")
        return [each for each in frames if kind is None or each["frame"]["type"] == kind]

    def wait_for_frame(
        self,
        kind: str,
        count: int = 1,
        *,
        direction: str = "received",
        within_ms: float = TIMEOUT_MS,
    ) -> dict[str, Any]:
        """Wait until ``count`` messages of a type were received or sent; return the last one."""
        found: dict[str, Any] = self.until(
            """([kind, count, direction]) => instruments.frames.filter((each) =>
              each.frame.type === kind && each.direction === direction)[count - 1]""",
            [kind, count, direction],
            within_ms=within_ms,
        )
        return found

    def until(
        self, expression: str, argument: object = None, *, within_ms: float = TIMEOUT_MS
    ) -> Any:
        """Wait until JavaScript returns a true value; return it.

        Playwright's own ``wait_for_function`` needs an ``eval``, which the page's policy forbids.
        """
        give_up_at_s = time.monotonic() + within_ms / 1000
        while not (found := self.page.evaluate(expression, argument)):
            assert time.monotonic() < give_up_at_s, f"{expression} with {argument} stays {found}"
            self.page.wait_for_timeout(_POLL_INTERVAL_MS)
        return found

    def played(self, context: int = -1) -> Played:
        """Return what the page has played in one of its audio contexts, the last by default."""
        read = self.page.evaluate("index => instruments.readRecording(index)", context)
        samples = array("h", base64.b64decode(read["pcm"]))
        return Played(read["firstFrame"], samples)

    def wait_until_played(self) -> None:
        """Wait until the page has played all replies, as far as silence tells."""
        self.until("instruments.hasPlayed(1500)")

    def silent_after_ms(self, played_frame: int) -> float:
        """Return when playback fell silent after a moment.

        Args:
            played_frame: The moment, as in ``frames``.
        """
        played = self.played()
        start = played_frame - played.first_frame
        last_sound = start
        for index in range(start, len(played.samples)):
            if played.samples[index]:
                last_sound = index
            elif index - last_sound > PLAYBACK_RATE_HZ * _SILENCE_S:
                break
        return (last_sound - start) / PLAYBACK_RATE_HZ * 1000

    def sound_before_ms(self, played_frame: int) -> float:
        """Return the time from the first sound of the page to a moment, as in ``frames``."""
        played = self.played()
        first_sound = next(index for index, sample in enumerate(played.samples) if sample)
        return (played_frame - played.first_frame - first_sound) / PLAYBACK_RATE_HZ * 1000

    def remembered(self) -> list[dict[str, Any]]:
        """Return the stored turns of the present conversation."""
        conversation = self.frames("ready")[-1]["frame"]["conversation_id"]

        async def turns() -> list[dict[str, Any]]:
            api = await self.running.api_of(self.user)
            return list(await api.turns(conversation))

        return self.running.run(turns())

    def order_fault(self, **fault: object) -> None:
        """Order a fault of the Gemini simulator."""
        simulator = self.running.stack.simulator
        assert simulator is not None

        async def order() -> None:
            async with GeminiControl(simulator) as control:
                await control.order(**fault)

        self.running.run(order())

    def menu(self) -> list[str]:
        """Open the menu; return the names of its panels, and of the drawer."""
        self.press("Menu")
        names = self.page.get_by_role("dialog").get_by_role("navigation").get_by_role("button")
        names.first.wait_for()
        return [name for name in names.all_inner_texts() if not name.startswith("Sign out")]

    def focused(self) -> str:
        """Return the accessible name of the element that has the focus, as far as it is simple."""
        name: str = self.page.evaluate(
            """() => {
              const { activeElement: element } = document;
              return (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent
                ?? element.textContent ?? "").trim();
            }"""
        )
        return name

    def wait_for_focus(self, name: str | re.Pattern[str]) -> None:
        """Wait until an element with this name has the focus."""
        pattern = re.compile(re.escape(name)) if isinstance(name, str) else name
        give_up_at_s = time.monotonic() + TIMEOUT_MS / 1000
        while not pattern.fullmatch(self.focused()):
            assert time.monotonic() < give_up_at_s, f"{self.focused()} has the focus, not {name}"
            self.page.wait_for_timeout(_POLL_INTERVAL_MS)

    def tab_to(self, name: str) -> None:
        """Press Tab until an element with this name has the focus."""
        for _ in range(_MOST_TABS):
            if self.focused() == name:
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {name}")

    def press_by_key(self, name: str) -> None:
        """Reach a button with Tab, and press Enter."""
        self.button(name).wait_for()
        self.tab_to(name)
        self.page.keyboard.press("Enter")

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

    def name_user(self, route: Route) -> None:
        """Continue to the issuer as the user of this page."""
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


def talk_page(
    browser: Browser,
    running: RunningStack,
    user: str,
    *,
    microphone: bool = True,
    instruments: Sequence[str] = ("microphone", "recorder", "frames"),
    **options: Any,
) -> TalkPage:
    """Return an empty page in a new profile.

    Args:
        browser: The browser.
        running: The stack.
        user: The user who is going to sign in.
        microphone: Whether the user allows the microphone.
        instruments: The instruments in the page.
        options: Options of Playwright's ``new_context``, such as ``color_scheme``.
    """
    context = browser.new_context(**options)
    if microphone:
        context.grant_permissions(["microphone"])
    for name in instruments:
        context.add_init_script(path=INSTRUMENTS / f"{name}.js")
    return TalkPage(context.new_page(), running, user)
