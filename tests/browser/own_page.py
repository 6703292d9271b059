"""A page that uses `repartee.js` without the views of Repartee's own page."""

from typing import TYPE_CHECKING

from repartee_client.access import get_token

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage
    from tests.browser.talk_page import TalkPage

_CONNECT = """async ([token, options]) => {
  const { connect, BrowserAudio } = await import("/web/current/repartee.js");
  const audio = new BrowserAudio(options);
  audio.unlock();
  globalThis.audio = audio;
  globalThis.problems = [];
  globalThis.call = await connect(location.origin, { token, audio, conversation: "new" });
  call.addEventListener("microphone", ({ detail }) => problems.push(detail.code));
}"""


def call_from_own_page(
    open_page: "OpenPage",
    *,
    user: str | None = None,
    instruments: tuple[str, ...] = (),
    **options: object,
) -> "TalkPage":
    """Open a page that holds a call in its variable ``call``.

    Args:
        open_page: The fixture.
        user: The user; a new one by default.
        instruments: More instruments than the usual ones; they come first.
        options: Options of ``BrowserAudio``.
    """
    page = open_page(
        user, signed_in=False, instruments=(*instruments, "microphone", "recorder", "frames")
    )

    token = page.running.run(get_token(page.running.stack.addresses.issuer, page.user))
    page.page.evaluate(_CONNECT, [token, options])
    page.wait_for_frame("ready")
    return page
