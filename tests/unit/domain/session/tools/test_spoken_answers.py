"""The reply that speaks a tool's answer is distinguished from other replies."""

import pytest

from repartee.domain.live.model import (
    LiveAudio,
    LiveEvent,
    LiveGenerationComplete,
    LiveInterrupted,
    LiveToolCallsCancelled,
)
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.session.tools.filler import FILLER
from repartee.domain.session.upkeep.watchdog import NUDGE
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import (
    COMPLETE,
    IDLE,
    IN_PROGRESS,
    SECOND,
    SETTINGS,
    said,
    speaks,
    started,
)
from tests.unit.domain.session.tools.pending_calls import asking, calling, cues, errors

pytestmark = pytest.mark.unit


def test_words_spoken_before_the_answer_came_are_not_the_answer():
    call = asking()
    call.answer_tool("At three.")

    call.live(said("Late words of the filler."), COMPLETE)
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)

    assert len(cues(call)) == 1


def test_an_answer_without_a_word_is_spoken_once():
    call = asking()
    call.answer_tool("\U0001f44d")

    call.live(*speaks("\U0001f44d", COMPLETE))
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)

    assert cues(call) == []


@pytest.mark.parametrize("end", [COMPLETE, LiveGenerationComplete()])
def test_the_rest_of_a_generation_is_not_the_answer_that_came_into_it(end):
    call = calling()
    call.live(*speaks("One mo"))
    call.answer_tool("At three.")
    call.live(*speaks("ment please.", end))
    call.pass_ms(2_000 + SPEAK_WITHIN_MS)
    assert len(cues(call)) == 1

    call.live(*speaks("At three.", COMPLETE))
    call.ack()

    assert call.replies[0].replace("  ", " ").startswith("One moment please.")
    assert call.replies[0].endswith("At three.")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["One moment."], id="its words follow the answer"),
        pytest.param(["One", " moment."], id="its transcript begins before the answer"),
    ],
)
@pytest.mark.parametrize(
    "end", [[COMPLETE], [IDLE], [IN_PROGRESS], [LiveGenerationComplete(), COMPLETE]]
)
def test_words_that_accompany_a_tool_call_are_not_its_immediate_answer(
    words: list[str], end: list[LiveEvent]
):
    call = calling()
    *before, last = words
    call.live(*(said(word) for word in before))
    call.answer_tool("At three.")
    call.live(*speaks(last, *end))
    assert call.ended_turns == []

    call.live(*speaks("At three.", COMPLETE))
    call.ack()
    call.pass_ms(3 * SPEAK_WITHIN_MS)

    assert call.replies == ["One moment. At three."]
    assert (call.ended_turns, cues(call), errors(call)) == ([1], [], [])


@pytest.mark.parametrize("comes_at", ["once", "the filler's end", "the end of the nudge's reply"])
def test_the_reply_to_a_nudge_of_a_slow_model_is_not_the_answer(comes_at: str):
    call = started()
    call.utter()
    call.pass_ms(SPEAK_WITHIN_MS)
    assert call.texts == [NUDGE]
    call.call_tool("x")
    for text, moment in (
        ("One moment.", "once"),
        ("Sorry?", "the filler's end"),
        ("At three.", "the end of the nudge's reply"),
    ):
        if comes_at == moment:
            call.answer_tool("At three.")
        assert call.ended_turns == []
        call.live(*speaks(text, LiveGenerationComplete(), COMPLETE))
    call.ack()
    call.pass_ms(5 * SPEAK_WITHIN_MS)

    assert call.replies == ["One moment. Sorry? At three."]
    assert (call.ended_turns, cues(call), errors(call)) == ([1], [], [])


def test_after_a_nudge_an_answer_in_other_words_is_repeated_once():
    call = started()
    call.utter()
    call.pass_ms(SPEAK_WITHIN_MS)
    call.call_tool("x")
    call.live(COMPLETE)
    call.answer_tool("At three.")
    call.live(*speaks("In the afternoon.", COMPLETE))
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)
    assert len(cues(call)) == 1

    call.live(*speaks("As I said, in the afternoon.", COMPLETE))
    call.pass_ms(5 * SPEAK_WITHIN_MS)

    assert (len(cues(call)), errors(call), call.ended_turns) == (1, [], [1])


def test_a_nudge_for_what_the_user_says_puts_off_an_answer_that_is_there():
    call = started()
    call.live(*speaks("Welcome."))
    call.call_tool("x")
    call.answer_tool("At three.")
    call.utter()
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)
    assert call.texts == [NUDGE]
    call.live(*speaks("Yes?", COMPLETE), *speaks("Sorry?", COMPLETE))
    call.pass_ms(2_000 + SPEAK_WITHIN_MS)

    assert len(cues(call)) == 1


def test_the_next_live_session_was_not_nudged():
    call = started()
    call.utter()
    call.pass_ms(SPEAK_WITHIN_MS)
    call.lose_live()
    call.call_tool("x")
    call.live(COMPLETE)
    call.answer_tool("At three.")
    call.live(*speaks("In the afternoon.", COMPLETE))

    assert (call.ended_turns, cues(call)) == ([1], [])


def test_a_filler_that_was_asked_for_before_the_models_own_words_is_not_the_answer():
    call = calling()
    call.pass_ms(SETTINGS.filler_after_ms)
    assert call.texts == [FILLER]
    call.answer_tool("At three.")
    call.live(*speaks("One moment.", COMPLETE), *speaks("I am still looking.", COMPLETE))
    assert call.ended_turns == []

    call.live(*speaks("At three.", COMPLETE))
    assert (call.ended_turns, cues(call)) == ([1], [])


def test_the_first_reply_after_an_interruption_answers_the_interruption():
    call = calling()
    call.live(*speaks("One mo"))
    call.send(SpeechStart(), Audio(SPEECH))
    call.answer_tool("At three.")
    call.live(LiveInterrupted(), COMPLETE)
    call.send(SpeechEnd())
    call.live(*speaks("As to the other thing.", COMPLETE))
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)

    assert len(cues(call)) == 1


def test_a_generation_may_take_in_an_answer_that_came_into_it():
    call = calling()
    call.live(*speaks("One moment, "))
    call.answer_tool("At three.")
    call.live(*speaks("it is free at three.", COMPLETE))
    call.pass_ms(5 * SPEAK_WITHIN_MS)

    assert (cues(call), errors(call), call.ended_turns) == ([], [], [1])


@pytest.mark.parametrize(
    ("answer", "reply", "is_spoken"),
    [
        ("The desk opens at three.", "It is noon. The desk opens at three.", True),
        ("会議は三時に始まります。", "今は正午です。会議は三時に始まりますよ。", True),
        ("会議は三時に始まります。", "今は正午です。", False),
        ("การประชุมเริ่มบ่ายสามโมง", "ตอนนี้เที่ยงค่ะ การประชุมเริ่มบ่ายสามโมงค่ะ", True),
    ],
)
def test_an_answer_within_the_reply_to_something_else_is_known_by_its_words(
    answer, reply, is_spoken
):
    call = asking()
    call.utter()
    call.answer_tool(answer)
    call.live(*speaks(reply, COMPLETE))
    call.ack()
    call.pass_ms(SPEAK_WITHIN_MS)

    assert bool(cues(call)) != is_spoken


def test_the_next_generation_may_speak_the_answer_in_other_words():
    call = asking()
    call.answer_tool("At three.")
    call.live(LiveGenerationComplete(), *speaks("Come in the afternoon.", LiveGenerationComplete()))
    call.live(COMPLETE)
    call.pass_ms(5 * SPEAK_WITHIN_MS)

    assert (cues(call), call.ended_turns) == ([], [1])


def test_the_reply_to_what_the_user_says_meanwhile_is_not_the_answer():
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.pass_ms(100)
    call.answer_tool("At three.")
    call.send(Audio(SPEECH), SpeechEnd())
    call.pass_ms(100)
    call.live(*speaks("As to the other thing.", COMPLETE))
    assert call.ended_turns == [1, 2]
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)
    assert len(cues(call)) == 1

    call.live(*speaks("At three.", COMPLETE))
    call.ack()

    assert call.replies == [
        "One moment.",
        "As to the other thing.",
        "At three.",
    ]
    assert errors(call) == []


def test_speech_after_an_answer_came_is_answered_first():
    call = asking()
    call.answer_tool("At three.")
    call.pass_ms(2_000)
    call.utter()
    call.pass_ms(100)
    call.live(*speaks("As to the other thing.", COMPLETE))

    call.pass_ms(1_000 + SPEAK_WITHIN_MS)

    assert len(cues(call)) == 1


def test_one_reply_may_hold_the_answer_and_what_the_user_asked_meanwhile():
    call = asking()
    call.utter()
    call.answer_tool("At three.")
    call.live(*speaks("Hello! At three.", COMPLETE))
    call.pass_ms(5 * SPEAK_WITHIN_MS)
    call.ack()

    assert call.replies == ["One moment.", "Hello! At three."]
    assert (cues(call), errors(call), call.ended_turns) == ([], [], [1, 2])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("set_preferences", '{"language":"tlh"}'),
        ("set_preferences", '{"language":"es-ES","asked_by_user":true}'),
        ("ask_core_agent", "{}"),
    ],
)
@pytest.mark.parametrize(
    "begins", [[said("I am"), LiveAudio(SECOND)], [LiveAudio(SECOND), said("I am")]]
)
def test_a_reply_after_a_call_without_words_is_one_turn_also_if_its_words_precede_its_audio(
    name: str, arguments: str, begins: list[LiveEvent]
):
    call = started()
    call.utter()
    call.call_tool("x", arguments, name=name)
    call.live(COMPLETE)
    assert (call.responses[0][0], call.ended_turns) == ("x", [])

    call.live(*begins, *speaks(" sorry, I cannot", *speaks(" do that.", COMPLETE)))
    call.ack()

    assert (call.ended_turns, call.replies) == ([1], ["I am sorry, I cannot do that."])


def test_late_words_do_not_keep_a_turn_open_whose_call_is_cancelled():
    call = calling()
    call.live(*speaks("One", COMPLETE), said(" moment."))
    assert call.ended_turns == []

    call.live(LiveToolCallsCancelled(("x",)))

    assert call.ended_turns == [1]
