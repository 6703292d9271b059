"""A spoken conversation with a tool, under the rules of each live model except the default."""

import pytest

from local.calls.utterances import Pace
from local.demo.checks import check_bookings, check_name, check_time
from local.demo.front_desk import FrontDesk
from local.demo.script_player import play_script
from tests.integration.running import RunningStack, new_user, recordings
from tests.integration.typed_text import setups

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

MODELS = (
    "gemini-3.8-live-extended-thinking",
    "gemini-3.1-flash-live-preview",
    "gemini-2.5-flash-native-audio-preview-12-2025",
)


@pytest.mark.parametrize("model", MODELS)
def test_a_spoken_booking_is_made_and_known_in_the_next_session(running: RunningStack, model: str):
    running.clear_desk()

    async def talk() -> None:
        user = new_user("models")
        spoken = await play_script(
            await running.api_of(user), recordings("default"), pace=Pace.FAST
        )
        bookings = await FrontDesk(running.stack).bookings(user)
        heard, said = zip(*((one.answered.heard, one.answered.said) for one in spoken), strict=True)
        checks = [
            check_name(heard, said, recalled_from=2),
            check_bookings(bookings),
            check_time(bookings, said[2:]),
        ]
        assert [one for one in checks if one.passed is not True] == []

    before = {record.name for record in running.records()}
    with running.changed("StreamAgentFunction", GEMINI_LIVE_MODEL=model):
        running.run(talk())
    assert {one["model"] for one in setups(running, before)} == {f"models/{model}"}
