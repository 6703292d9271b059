"""A reply that begins before the model is given any of the user's speech does not answer it."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import (
    LiveAudio,
    LiveGenerationComplete,
    LiveInterrupted,
    TurnDetection,
)
from repartee.domain.protocol.frames import NoSpeech
from repartee.domain.protocol.messages import Audio, Hello, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import SendAudio, SendText
from repartee.domain.session.input.order import GIVE_UP_AFTER_MS
from repartee.domain.session.tools.unspoken_answers import SPEAKS_WITHIN_MS
from repartee.domain.tools.core_calls import ToolCallStatus
from tests.fakes.speech_detector import SILENCE, SPEECH, WHISPER
from tests.session_harness import (
    COMPLETE,
    IDLE,
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    heard,
    pending,
    said,
    speaks,
)

pytestmark = pytest.mark.unit

ASKED = ("When?", "One moment.")
ANSWERED = ("", "At three.")
NEXT = ("And on Friday?", "At four.")


@pytest.fixture(params=[TurnDetection.SERVER, TurnDetection.CLIENT])
def call(request: pytest.FixtureRequest) -> SessionHarness:
    """The model has called a tool and completed its turn."""
    call = begun(request.param)
    call.utter()
    call.live(heard("When?", final=True))
    call.call_tool()
    call.live(*speaks("One moment.", COMPLETE))
    return call


def begun(detection: TurnDetection = TurnDetection.SERVER) -> SessionHarness:
    settings = replace(SETTINGS, turn_detection=detection)
    call = SessionHarness(state=replace(STATE, marks_speech=True), settings=settings)
    call.start()
    call.send(Hello(marks_speech=True))
    return call


def asks_on(call: SessionHarness) -> None:
    """The user finishes speaking, and the model answers."""
    call.send(Audio(SPEECH), SpeechEnd())
    is_answered(call)


def is_answered(call: SessionHarness) -> None:
    call.live(heard("And on Friday?", final=True), *speaks("At four.", COMPLETE))
    call.ack()


def turns(call: SessionHarness) -> list[tuple[str, str]]:
    return [(turn.heard, turn.said) for turn in call.turns]


@pytest.mark.parametrize("status", ToolCallStatus)
@pytest.mark.parametrize("quiet", [0, 2])
def test_an_answer_is_no_reply_to_speech_of_which_the_model_has_nothing(call, status, quiet):
    call.send(SpeechStart(), *[Audio(SILENCE)] * quiet)
    call.answer_tool("At three.", status=status)
    call.live(*speaks("At three.", COMPLETE))
    asks_on(call)

    assert turns(call) == [ASKED, ANSWERED, NEXT]


def test_an_answer_is_no_reply_to_speech_that_is_missing_from_the_mailbox(call):
    start, missing = call.numbered(SpeechStart()), call.numbered(Audio(SPEECH))
    call.read(start, call.numbered(Audio(SPEECH)))
    call.answer_tool("At three.")
    call.live(*speaks("At three.", COMPLETE))
    call.read(missing)
    asks_on(call)

    assert turns(call) == [ASKED, ANSWERED, NEXT]


def test_an_answer_is_no_reply_to_speech_whose_first_part_never_comes(call):
    start, _ = call.numbered(SpeechStart()), call.numbered(Audio(SPEECH))
    call.read(start, call.numbered(Audio(SPEECH)))
    call.answer_tool("At three.")
    call.live(*speaks("At three.", COMPLETE))
    call.pass_ms(GIVE_UP_AFTER_MS)
    asks_on(call)

    assert turns(call) == [ASKED, ANSWERED, NEXT]


@pytest.mark.parametrize("is_cut", [False, True])
def test_speech_may_end_before_the_reply_that_came_into_it(call, is_cut):
    call.send(SpeechStart())
    call.answer_tool("At three.")
    call.live(*speaks("At three."))
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(*([LiveInterrupted()] if is_cut else []), COMPLETE)
    is_answered(call)

    assert [turn.heard for turn in call.turns] == ["When?", "", "And on Friday?"]
    assert call.turns[-1].said == "At four."


def test_speech_continues_while_an_answer_is_spoken(call):
    call.send(SpeechStart())
    call.answer_tool("At three.")
    call.live(*speaks("At"))
    call.send(Audio(SPEECH))
    call.live(said(" three."), COMPLETE)
    asks_on(call)

    assert turns(call) == [ASKED, ANSWERED, NEXT]


def test_two_replies_may_come_before_the_speech(call):
    call.send(SpeechStart())
    call.answer_tool("At three.")
    call.live(*speaks("At three.", COMPLETE), *speaks("Anything else?", COMPLETE))
    asks_on(call)

    assert turns(call) == [ASKED, ANSWERED, ("", "Anything else?"), NEXT]


def test_a_call_of_the_model_is_made_for_no_speech_that_it_has_nothing_of():
    call = begun()
    call.send(SpeechStart())
    call.call_tool()
    call.answer_tool("At three.")
    call.live(*speaks("At three.", COMPLETE))
    asks_on(call)

    assert turns(call) == [ANSWERED, NEXT]
    assert [len(turn.tool_calls) for turn in call.turns] == [1, 0]


def test_an_outcome_that_the_model_gets_as_text_is_no_reply_to_the_speech_either():
    call = SessionHarness(state=replace(STATE, marks_speech=True, pending_calls=(pending(1),)))
    call.start()
    call.send(Hello(marks_speech=True))
    call.answer_tool("At three.")
    call.send(SpeechStart())
    call.live(*speaks("At three.", COMPLETE))
    asks_on(call)

    assert turns(call) == [ANSWERED, NEXT]


def test_a_reply_answers_what_was_said_before_and_not_what_begins():
    call = begun()
    call.utter()
    call.live(heard("When?", final=True))
    call.send(SpeechStart())
    call.live(*speaks("At three."))
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(COMPLETE)
    is_answered(call)

    assert turns(call) == [("When?", "At three."), NEXT]


def test_a_transcript_that_comes_with_the_reply_belongs_to_what_was_said_before():
    call = begun()
    call.utter()
    call.send(SpeechStart())
    call.live(LiveAudio(SECOND), heard("When?", final=True), said("At three."))
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(COMPLETE)
    is_answered(call)

    assert turns(call) == [("When?", "At three."), NEXT]


@pytest.mark.parametrize("between", [[], [Audio(SILENCE)], [Audio(WHISPER)]])
def test_a_mark_without_speech_is_no_turn_after_a_reply_that_came_into_it(call, between):
    call.send(SpeechStart())
    call.answer_tool("At three.")
    call.live(*speaks("At three."))
    call.send(*between, SpeechEnd())
    call.live(COMPLETE)
    call.pass_ms(10_000)
    call.ack()

    assert turns(call) == [ASKED, ANSWERED]
    assert call.frames(NoSpeech) == [NoSpeech(call.next_seq - 1)]
    assert call.machine.cursor == call.next_seq - 1


def test_the_next_live_session_hears_speech_that_a_reply_came_into(call):
    call.send(SpeechStart())
    call.answer_tool("At three.")
    call.live(*speaks("At three.", COMPLETE))
    call.ack()
    assert call.machine.cursor == call.next_seq - 2
    call.send(Audio(SPEECH))
    call.lose_live()
    assert SendAudio(SPEECH) in call.to_model[call.generation]
    asks_on(call)

    assert turns(call) == [ASKED, ANSWERED, NEXT]
    assert call.ended_turns == [1, 2, 3]


def test_a_partly_sent_utterance_may_be_answered():
    call = begun()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("When?"), *speaks("At three.", COMPLETE))
    call.send(SpeechEnd())
    call.ack()

    assert turns(call) == [("When?", "At three.")]


def speaks_at_once(call: SessionHarness) -> None:
    """A whole utterance arrives in one read of the mailbox."""
    messages = (SpeechStart(), Audio(SPEECH), Audio(SPEECH), SpeechEnd())
    call.read(*[call.numbered(message) for message in messages])


def types(call: SessionHarness) -> None:
    call.send(Text("And on Friday?"))


def has_got_input(call: SessionHarness, since: int) -> bool:
    return any(isinstance(one, SendAudio | SendText) for one in call.effects[since:])


@pytest.mark.parametrize("status", ToolCallStatus)
@pytest.mark.parametrize("says", [speaks_at_once, types])
@pytest.mark.parametrize("as_text", [False, True])
def test_whole_input_waits_until_the_model_has_begun_an_answer_that_it_has(says, status, as_text):
    call = begun()
    call.utter()
    call.live(heard("When?", final=True))
    call.call_tool()
    call.live(*speaks("One moment.", IDLE))
    if as_text:
        call.lose_live()
        call.pass_ms(1_000)
    call.answer_tool("At three.", status=status)
    count = len(call.effects)
    says(call)
    assert not has_got_input(call, count)
    call.live(*speaks("It is at three o'clock in the afternoon.", COMPLETE))
    assert has_got_input(call, count)
    if says is speaks_at_once:
        is_answered(call)
    else:
        call.live(*speaks("At four.", COMPLETE))
        call.ack()

    assert turns(call) == [ASKED, ("", "It is at three o'clock in the afternoon."), NEXT]


@pytest.mark.parametrize("says", [speaks_at_once, types])
def test_whole_input_does_not_wait_long_for_a_model_that_leaves_an_answer_unspoken(call, says):
    call.answer_tool("At three.")
    count = len(call.effects)
    says(call)
    call.pass_ms(SPEAKS_WITHIN_MS - 1)
    assert not has_got_input(call, count)
    call.pass_ms(1)

    assert has_got_input(call, count)


def test_an_answer_is_no_reply_to_speech_that_began_after_the_model_had_it(call):
    call.answer_tool("At three.")
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(*speaks("It is at three o'clock in the afternoon.", COMPLETE))
    asks_on(call)
    call.pass_ms(60_000)

    assert turns(call) == [ASKED, ("", "It is at three o'clock in the afternoon."), NEXT]
    assert call.texts == []


def test_speech_that_the_model_has_transcribed_is_answered_before_an_older_answer(call):
    call.answer_tool("At three.")
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("And on Friday?"), *speaks("At four.", COMPLETE))
    call.send(SpeechEnd())
    call.live(*speaks("At three.", COMPLETE))
    call.ack()

    assert turns(call) == [ASKED, NEXT, ANSWERED]


@pytest.mark.parametrize("begins", [0, 1])
def test_speech_during_the_first_of_two_answers_does_not_get_the_second_as_its_reply(begins):
    call = begun()
    call.utter()
    call.live(heard("When and where?", final=True))
    call.call_tool("x", '{"question":"When?"}')
    call.call_tool("y", '{"question":"Where?"}')
    call.live(*speaks("One moment.", IDLE))
    call.answer_tool("At three.", index=1)
    call.answer_tool("In room nine.", index=2)
    for index, text in enumerate(("At three.", "In room nine.")):
        call.live(LiveAudio(SECOND))
        if index == begins:
            call.send(SpeechStart(), Audio(SPEECH))
        call.live(said(text), LiveGenerationComplete(), COMPLETE)
    asks_on(call)

    assert turns(call)[1:] == [ANSWERED, ("", "In room nine."), NEXT]


def test_a_reply_is_that_to_the_speech_if_the_answer_came_into_the_speech(call):
    call.send(SpeechStart(), Audio(SPEECH))
    call.answer_tool("At three.")
    call.live(*speaks("At four.", COMPLETE))
    call.send(SpeechEnd())
    call.live(heard("And on Friday?", final=True), *speaks("At three.", COMPLETE))
    call.ack()

    assert turns(call) == [ASKED, NEXT, ANSWERED]
