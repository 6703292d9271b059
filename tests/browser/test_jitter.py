"""A long reply over a line with jitter is played without a gap, except for one at its start."""

import base64
from typing import TYPE_CHECKING

import pytest

from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.notes import DynamoNotes
from repartee.adapters.ids import UlidSource
from tests.browser.own_page import call_from_own_page
from tests.integration.running import RunningStack, new_user

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

JITTER_MS = 200
BYTES_PER_S = 48_000
REPLY_S = 60
NOTE = (
    "in the {season} you walk along the river with your two dogs in the early morning and have a "
    "cup of coffee with your sister in the garden of the old house behind the church and read a "
    "long book in the quiet evening by the fire before you go to bed at half past ten or eleven"
)
NOTED_AT_MS = 1_790_000_000_000
SEASONS = ("spring", "summer", "autumn", "winter")


def _with_long_notes(running: RunningStack) -> str:
    """Return a user with so many notes that the agent speaks for a minute."""
    user = new_user("jitter")
    memory = DynamoTable(running.dynamodb(), running.stack.table_names["MemoryTable"])
    notes = DynamoNotes(memory=memory, ids=UlidSource())
    for season in SEASONS:
        notes.add(user, NOTE.format(season=season), noted_at_ms=NOTED_AT_MS)
    return user


def _first_gap(reply: bytes, played: bytes) -> int:
    """Return how many bytes of the reply's start were played without a gap."""
    whole, broken = 0, len(reply) + 2
    while broken - whole > 2:
        middle = (whole + broken) // 4 * 2
        whole, broken = (middle, broken) if reply[:middle] in played else (whole, middle)
    return whole


def test_a_minute_with_jitter_has_one_gap_at_most_in_its_first_second(
    open_page: "OpenPage", running: RunningStack
) -> None:
    page = call_from_own_page(open_page, user=_with_long_notes(running), instruments=("jitter",))
    page.page.evaluate("ms => { instruments.jitterMs = ms; }", JITTER_MS)

    page.page.evaluate("call.sendText('What did I ask you to remember?')")
    while not page.frames("turn_end") or page.page.evaluate("audio.unplayedMs()"):
        page.page.wait_for_timeout(1_000)

    reply = b"".join(map(base64.b64decode, page.page.evaluate("instruments.replyAudio")))
    played = page.played().samples.tobytes()
    assert len(reply) >= REPLY_S * BYTES_PER_S
    gap = _first_gap(reply, played)
    assert gap == len(reply) or (gap <= BYTES_PER_S and reply[gap:] in played)
