"""A long reply over a line with jitter is played without a gap, except for one at its start."""

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
# The audio thread renders blocks of 5.3 ms.
BLOCKS_S = 0.02
# The simulator's voice makes one sentence after another, and a long one takes it too long.
NOTE = (
    "you love the {season}. You walk with your dogs along the river. You have a cup of coffee with "
    "your sister in the garden. You read a long book in the house behind the church. You like the "
    "quiet evening by the fire. You go to bed at half past ten or eleven"
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


def _gaps(reply: bytes, played: bytes) -> list[tuple[float, float]]:
    """Return each gap in the playback of a reply: the played part before it, and its length, in s.

    Every sample of the reply must be in ``played``, in order.
    """
    gaps: list[tuple[float, float]] = []
    start = heard = 0
    while start < len(reply):
        whole, broken = 0, len(reply) - start + 2
        while broken - whole > 2:
            middle = (whole + broken) // 4 * 2
            is_whole = played.find(reply[start : start + middle], heard) >= 0
            whole, broken = (middle, broken) if is_whole else (whole, middle)
        assert whole, f"the sample at byte {start} of the reply was not played"
        found = played.find(reply[start : start + whole], heard)
        if start:
            gaps.append((start / BYTES_PER_S, (found - heard) / BYTES_PER_S))
        start, heard = start + whole, found + whole
    return gaps


def test_a_minute_with_jitter_has_one_gap_at_most_in_its_first_second(
    open_page: "OpenPage", running: RunningStack
) -> None:
    earlier = len(running.records())
    page = call_from_own_page(open_page, user=_with_long_notes(running), instruments=("jitter",))
    page.page.evaluate("ms => { instruments.jitterMs = ms; }", JITTER_MS)

    page.page.evaluate("call.sendText('What did I ask you to remember?')")
    page.wait_for_frame("turn_end", within_ms=3 * REPLY_S * 1000)
    page.until("audio.unplayedMs() === 0")

    # The agent says that it looks something up, and speaks the answer later.
    replies = [reply for record in running.records()[earlier:] for reply in record.replies]
    answer = replies[-1]
    assert len(answer) >= REPLY_S * BYTES_PER_S
    gaps = _gaps(answer, page.played().samples.tobytes())
    # A busy browser leaves out single blocks, which are no underruns.
    breaks_s = [start_s for start_s, length_s in gaps if length_s > BLOCKS_S]
    is_smooth = len(breaks_s) <= 1 and all(start_s <= 1 for start_s in breaks_s)
    assert is_smooth, f"gaps in s: {gaps}"
