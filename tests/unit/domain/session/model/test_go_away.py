"""A ``goAway`` of the live model."""

import pytest

from repartee.domain.live.model import LiveAudio, LiveGoAway
from repartee.domain.protocol.frames import ReplyAudio, SessionClosed, TurnRestarted
from repartee.domain.session.effects import FinishReason, OpenLive, SendText
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from tests.session_harness import IDLE, SECOND, heard, started

pytestmark = pytest.mark.unit

HEARD = heard("When is my visit?")


def test_a_go_away_between_turns_rotates_at_once():
    call = started()
    call.live(LiveGoAway(50_000))

    assert len(call.all(OpenLive)) == 2
    call.pass_ms(45_000)
    assert len(call.all(OpenLive)) == 2


def test_a_go_away_in_mid_turn_waits_for_the_boundary():
    call = started()
    call.utter()
    call.live(HEARD, LiveGoAway(50_000))
    call.pass_ms(5_000)
    call.live(LiveAudio(SECOND * 30))
    call.pass_ms(34_000)
    assert len(call.all(OpenLive)) == 1

    call.reply()

    assert len(call.all(OpenLive)) == 2
    assert call.frames(TurnRestarted) == []


def test_the_model_that_follows_one_sent_away_in_an_empty_turn_is_given_time_to_answer():
    call = started()
    call.utter()
    call.live(LiveGoAway(12_000))
    call.now_ms += 3_000
    call.live(IDLE)

    assert len(call.all(OpenLive)) == 2
    assert call.all(SendText) == []


def test_a_go_away_waits_for_a_call_too():
    call = started()
    call.utter()
    call.live(HEARD)
    call.call_tool()
    call.reply()
    call.live(LiveGoAway(50_000))
    assert len(call.all(OpenLive)) == 1

    call.answer_tool()
    assert len(call.all(OpenLive)) == 1
    call.reply("At three.")

    assert len(call.all(OpenLive)) == 2


def test_a_go_away_waits_until_an_answer_that_is_never_spoken_has_been_sent_as_text():
    call = started()
    call.utter()
    call.call_tool()
    call.reply()
    call.live(LiveGoAway(50_000))
    call.pass_ms(1_000)
    call.answer_tool()
    call.pass_ms(2 * SPEAK_WITHIN_MS - 1)
    assert len(call.all(OpenLive)) == 1

    call.pass_ms(1)

    assert len(call.all(OpenLive)) == 2
    assert call.error_messages == ["At three."]
    assert len(call.all(SendText)) == 1


def test_a_go_away_is_forced_ten_seconds_before_its_end():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND), LiveGoAway(25_000))
    call.pass_ms(14_999)
    assert len(call.all(OpenLive)) == 1
    call.pass_ms(1)

    assert len(call.all(OpenLive)) == 2
    assert call.frames(TurnRestarted) == [TurnRestarted(1)]
    assert len(call.to_model[call.generation]) == 3


def test_a_go_away_without_time_left_takes_effect_at_once():
    call = started()
    call.utter()
    call.live(LiveGoAway(0))

    assert len(call.all(OpenLive)) == 2


def test_a_server_that_always_says_go_away_at_once_is_given_up_after_growing_pauses():
    call = started()
    opened_at_ms = []
    for _ in range(3):
        before = len(call.all(OpenLive))
        call.live(LiveGoAway(0))
        while len(call.all(OpenLive)) == before:
            call.pass_ms(100)
        opened_at_ms.append(call.now_ms)
    call.live(LiveGoAway(50_000))

    assert opened_at_ms == [1_000, 2_000, 4_000]
    assert call.frames(SessionClosed) == [SessionClosed("unavailable")]
    assert call.finish() is FinishReason.ENDED


def test_a_turn_that_completes_makes_up_for_go_aways_before_it():
    call = started()
    for number in range(6):
        call.live(LiveGoAway(0))
        assert len(call.all(OpenLive)) == number + 2
        call.utter()
        call.reply()
        call.ack()

    assert call.finish() is None


def test_a_go_away_that_comes_while_the_next_session_is_waited_for_changes_nothing():
    call = started()
    call.live(LiveGoAway(0), LiveGoAway(0), LiveGoAway(0))
    call.live(LiveAudio(SECOND))
    call.pass_ms(10_000)

    assert call.frames(ReplyAudio) == []
    assert len(call.all(OpenLive)) == 3


@pytest.mark.parametrize("seen", [heard("When?"), None], ids=["words", "tool"])
def test_a_client_forgets_what_it_saw_of_a_turn_that_starts_again_before_its_reply(seen):
    call = started()
    call.utter()
    if seen is None:
        call.call_tool()
    else:
        call.live(seen)

    call.lose_live()

    assert call.frames(TurnRestarted) == [TurnRestarted(1)]
