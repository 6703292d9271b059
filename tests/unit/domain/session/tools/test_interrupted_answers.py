"""An answer that the user interrupts is spoken again, until it was heard or is sent as text."""

import pytest

from repartee.domain.live.model import LiveEvent, LiveGenerationComplete, LiveInterrupted
from repartee.domain.protocol.frames import SessionError
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.session.tools.unspoken_answers import SPEAK_AGAIN_AFTER_MS
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import COMPLETE, SessionHarness, speaks
from tests.unit.domain.session.tools.booking_calls import (
    BOOKED,
    CANCELLED,
    asking,
    given,
    remembered,
    spoken_over,
)

pytestmark = pytest.mark.unit


# The reply that says it is cut


def speaking(words: str = BOOKED, *rest: LiveEvent) -> SessionHarness:
    """The model is speaking an answer: a second of audio behind a second of other words."""
    call = asking()
    call.live(COMPLETE)
    call.answer_tool(BOOKED)
    call.live(*speaks(words, *rest))
    call.pass_ms(2_000)
    return call


def cut(call: SessionHarness, played_ms: int) -> None:
    """The user speaks over a reply, of which so much was played, and is answered."""
    call.ack(turn=1, played_ms=played_ms)
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)
    call.send(SpeechEnd())
    call.live(*speaks("Yes, I am here.", COMPLETE))


@pytest.mark.parametrize("end", [(), (LiveGenerationComplete(),)], ids=["going on", "generated"])
@pytest.mark.parametrize(
    ("played_ms", "is_heard"), [(0, False), (1_000, False), (1_200, False), (1_900, True)]
)
def test_an_answer_that_the_user_has_not_heard_is_spoken_again(played_ms, is_heard, end):
    call = speaking(BOOKED, *end)
    cut(call, played_ms)
    assert given(call) == 1
    call.pass_ms(1_000 + SPEAK_AGAIN_AFTER_MS)
    assert given(call) == (1 if is_heard else 2)
    if not is_heard:
        call.live(*speaks(BOOKED, COMPLETE))

    call.pass_ms(60_000)
    call.ack()

    assert (given(call), call.frames(SessionError)) == (1 if is_heard else 2, [])
    assert remembered(call) == [(1, "done", BOOKED)]


def test_an_answer_in_other_words_that_was_played_to_its_end_is_not_spoken_again():
    call = speaking("That worked, see you then!", LiveGenerationComplete())
    cut(call, 2_000)
    call.pass_ms(60_000)

    assert (given(call), call.frames(SessionError)) == (1, [])


def test_an_answer_in_other_words_that_was_cut_is_spoken_again():
    call = speaking("That worked, see you then!", LiveGenerationComplete())
    cut(call, 1_500)
    call.pass_ms(1_000 + SPEAK_AGAIN_AFTER_MS)

    assert given(call) == 2


def test_the_reply_to_what_the_user_said_may_hold_the_answer_that_was_cut():
    call = speaking()
    call.ack(turn=1, played_ms=1_000)
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)
    call.send(SpeechEnd())
    call.live(*speaks(f"As I said: {BOOKED}", COMPLETE))
    call.pass_ms(60_000)

    assert given(call) == 1


@pytest.mark.parametrize("before_ms", [None, 500])
@pytest.mark.parametrize(("played_ms", "times"), [(1_900, 1), (1_100, 2)])
def test_a_client_that_says_late_how_much_it_played_is_believed(played_ms, times, before_ms):
    call = speaking()
    if before_ms is not None:
        call.ack(turn=1, played_ms=before_ms)
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)
    call.send(SpeechEnd())
    call.ack(turn=1, played_ms=played_ms)
    call.live(*speaks("Yes, I am here.", COMPLETE))
    call.pass_ms(1_000 + SPEAK_AGAIN_AFTER_MS)

    assert given(call) == times


def test_an_answer_that_is_cut_again_and_again_reaches_the_client_as_text():
    call = speaking()
    cut(call, 1_000)
    call.pass_ms(1_000 + SPEAK_AGAIN_AFTER_MS)
    call.live(*speaks("You"))
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)
    call.send(SpeechEnd())
    call.live(*speaks("All right.", COMPLETE))
    call.pass_ms(60_000)

    assert given(call) == 2
    assert call.error_messages == [BOOKED]


def test_a_reply_is_complete_once_its_turn_is():
    call = speaking(BOOKED, LiveGenerationComplete(), COMPLETE)
    call.utter()
    call.live(*speaks("Yes, I"), LiveInterrupted(), COMPLETE)
    call.pass_ms(60_000)

    assert given(call) == 1


def test_an_answer_whose_call_is_cancelled_before_it_is_spoken_is_spoken_later():
    call = asking()
    call.answer_tool(BOOKED)
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), CANCELLED, COMPLETE)
    call.send(SpeechEnd())
    call.live(*speaks("Yes, I am here.", COMPLETE))
    call.pass_ms(1_000 + SPEAK_AGAIN_AFTER_MS)

    assert given(call) == 2


def test_a_cancellation_of_what_is_given_as_text_changes_nothing():
    call = spoken_over()
    call.answer_tool(BOOKED)
    call.live(CANCELLED, *speaks(BOOKED, COMPLETE))
    call.pass_ms(60_000)

    assert given(call) == 1
