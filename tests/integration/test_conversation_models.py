"""A spoken conversation with a tool under the rules of each live model but the default one."""

from dataclasses import replace
from pathlib import Path

import pytest

from local.talker.checks import check_bookings, check_name, check_time, check_word_error
from local.talker.conversation import Pace
from local.talker.desk import FrontDesk
from local.talker.script import hold_script
from tests.integration.running import (
    new_user,
    options_for_tests,
    recordings,
    stack_in_thread,
)

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("models")]

MODELS = (
    "gemini-3.8-live-extended-thinking",
    "gemini-3.1-flash-live-preview",
    "gemini-2.5-flash-native-audio-preview-12-2025",
)


@pytest.mark.parametrize("model", MODELS)
def test_a_booking_is_heard_made_and_remembered_in_the_next_session(tmp_path: Path, model: str):
    options = replace(options_for_tests(tmp_path), live_model=model)
    with stack_in_thread(options) as running:

        async def talk() -> None:
            desk = FrontDesk(running.stack)
            await desk.seed()
            user = new_user("models")
            spoken = await hold_script(
                await running.api_of(user), recordings("default"), pace=Pace.FAST
            )
            bookings = await desk.bookings(user)
            last_said = spoken[-1].exchange.said
            checks = [
                check_word_error([one.word_error for one in spoken]),
                check_name(spoken[0].exchange.heard, last_said),
                check_bookings(bookings),
                check_time(bookings, last_said),
            ]
            assert [one for one in checks if one.passed is not True] == []

        running.run(talk())
