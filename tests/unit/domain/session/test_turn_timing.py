"""A turn's times: those that the core notes, and the lengths that the log gets."""

import pytest

from repartee.domain.live.model import LiveAudio
from repartee.domain.protocol.messages import Bye
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.turn_timing import ToolTiming, TurnMarks, TurnTiming
from tests.session_harness import IDLE, SECOND, START_MS, speaks, started

pytestmark = pytest.mark.unit


def test_the_parts_of_a_turn_are_the_times_between_its_instants() -> None:
    timing = TurnTiming(
        session_id="s",
        turn=1,
        epoch=1,
        woken_at_ms=1_000,
        leased_at_ms=1_300,
        live_opening_at_ms=1_320,
        live_ready_at_ms=1_720,
        started_at_ms=2_000,
        input_received_at_ms=2_900,
        input_ended_at_ms=3_000,
        model_began_at_ms=3_400,
        audio_received_at_ms=3_450,
        audio_posted_at_ms=3_500,
        ended_at_ms=6_000,
        tools=(
            ToolTiming("turn#1/1", 3_600, 4_000, "done"),
            ToolTiming("turn#1/2", 3_700, 4_600, "failed"),
            ToolTiming("turn#1/3", 3_800),
        ),
    )
    assert timing.parts_ms() == {
        "wake_to_lease_ms": 300,
        "setup_ms": 400,
        "input_to_speech_end_ms": 100,
        "speech_end_to_model_ms": 400,
        "speech_end_to_audio_ms": 450,
        "speech_end_to_heard_ms": 500,
        "tool_ms": 1_000,
        "reply_ms": 2_600,
        "turn_ms": 4_000,
    }


def test_an_absent_part_is_none_and_a_part_is_never_negative() -> None:
    timing = TurnTiming(
        session_id="s",
        turn=1,
        epoch=1,
        woken_at_ms=1_300,
        leased_at_ms=1_299,
        started_at_ms=2_000,
        ended_at_ms=2_500,
        tools=(ToolTiming("turn#1/1", 2_100),),
    )
    parts = timing.parts_ms()
    assert (parts.pop("wake_to_lease_ms"), parts.pop("turn_ms")) == (0, 500)
    assert set(parts.values()) == {None}


def test_the_core_notes_when_a_turn_and_its_reply_begin_and_end() -> None:
    call = started()
    call.utter()
    call.pass_ms(300)
    call.call_tool()
    call.pass_ms(1_000)
    call.answer_tool()
    call.pass_ms(200)
    call.live(*speaks("At three."))
    call.pass_ms(400)
    call.live(IDLE)

    marks = call.machine.marks_of(1)
    assert marks == TurnMarks(
        number=1,
        started_ms=START_MS,
        input_ended_ms=START_MS,
        model_began_ms=START_MS + 300,
        first_audio_ms=START_MS + 1_500,
        ended_ms=START_MS + 1_900,
    )
    call.ack()
    assert call.machine.marks_of(1) == marks
    assert call.machine.marks_of(2) is None


def test_the_end_of_a_turn_is_not_the_begin_of_the_next_reply() -> None:
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND))
    call.utter()
    call.live(IDLE)

    marks = call.machine.marks_of(2)
    assert marks is not None
    assert marks.model_began_ms is None


@pytest.mark.parametrize("has_called", [False, True])
def test_a_turn_that_ends_with_no_answer_says_so(has_called: bool) -> None:
    call = started()
    call.utter()
    if has_called:
        call.call_tool()
        call.answer_tool()
    call.pass_ms(4 * STALL_MS)

    marks = call.machine.marks_of(1)
    assert marks is not None
    assert marks.is_unanswered


def test_the_core_says_why_it_closed_the_session() -> None:
    call = started()
    assert call.machine.closed_as is None
    call.send(Bye())
    call.wait_for_end()
    assert call.machine.closed_as == "bye"
