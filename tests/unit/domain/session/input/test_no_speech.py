"""A tap, a cough or a mark without audio is no turn; a whisper is one once it is understood."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import SkippedInput
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import (
    LiveAudio,
    LiveGenerationComplete,
    LiveInterrupted,
    LiveToolCall,
    LiveTurnComplete,
    LiveUsage,
    TurnDetection,
)
from repartee.domain.protocol.frames import (
    Accepted,
    Interrupted,
    Missing,
    NoSpeech,
    ReplyAudio,
    TurnEnd,
)
from repartee.domain.protocol.messages import (
    Audio,
    Bye,
    Hello,
    Message,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.session.effects import (
    EndActivity,
    FinishReason,
    SendAudio,
    SendSilence,
    SendText,
    StartActivity,
)
from repartee.domain.session.input.marked_speech import DOUBT_MS, LATE_TRANSCRIPT_MS, MAX_HELD_MS
from repartee.domain.session.turns.barge_in import GO_ON
from tests.fakes.speech_detector import SILENCE, SPEECH, WHISPER
from tests.session_harness import (
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    heard,
    of_kind,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

# Audio without a possible word, by the detector's rules.
NOTHING: dict[str, list[Message]] = {
    "no audio": [],
    "zeros": [Audio(SILENCE)],
    "half a chunk of zeros": [Audio(bytes(3_200))],
}
USAGE = TokenUsage(audio_in=100, audio_out=50)


@pytest.fixture(params=[TurnDetection.SERVER, TurnDetection.CLIENT])
def call(request: pytest.FixtureRequest) -> SessionHarness:
    settings = replace(SETTINGS, turn_detection=request.param)
    call = SessionHarness(state=replace(STATE, marks_speech=True), settings=settings)
    call.start()
    call.send(Hello(marks_speech=True))
    return call


def marked(call: SessionHarness, *between: Message) -> None:
    call.send(SpeechStart(), *between, SpeechEnd())


def whisper(call: SessionHarness) -> None:
    marked(call, Audio(WHISPER), Audio(WHISPER))


def assert_nothing_happened(call: SessionHarness) -> None:
    assert call.turns == []
    assert {type(one.frame) for one in call.posted} <= {Accepted, NoSpeech, Missing}
    assert call.all(SendText) == []
    assert call.machine.cursor == call.next_seq - 1


@pytest.mark.parametrize("between", NOTHING.values(), ids=NOTHING.keys())
def test_marks_without_sound_are_no_turn_and_bring_no_apology(call, between):
    marked(call, *between)
    call.pass_ms(20_000)

    assert_nothing_happened(call)
    assert of_kind(call.to_model[1], SendAudio, SendSilence, StartActivity) == []
    assert call.frames(NoSpeech) == [NoSpeech(call.next_seq - 1)]


def test_a_sound_that_the_model_does_not_understand_is_no_turn(call):
    whisper(call)
    call.pass_ms(DOUBT_MS - 1)
    assert call.frames(NoSpeech) == []
    call.pass_ms(20_000)

    assert_nothing_happened(call)
    assert call.frames(NoSpeech) == [NoSpeech(call.next_seq - 1)]


def test_a_whisper_that_the_model_understands_is_answered(call):
    whisper(call)
    assert of_kind(call.to_model[1], SendAudio) == [SendAudio(WHISPER)] * 2
    call.live(heard("hello"))
    call.reply("Good morning.")
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [("hello", "Good morning.")]
    assert call.frames(NoSpeech) == []


@pytest.mark.parametrize("late_ms", [0, LATE_TRANSCRIPT_MS - 1])
def test_a_reply_to_a_whisper_is_heard_once_the_transcript_comes(call, late_ms):
    whisper(call)
    call.live(*speaks("Good morning."))
    assert call.frames(ReplyAudio) == []
    call.live(LiveTurnComplete(None))
    call.pass_ms(late_ms)
    call.live(heard("hello"))
    call.ack()

    assert call.pcm_posted(1) == SECOND
    assert [(turn.heard, turn.said) for turn in call.turns] == [("hello", "Good morning.")]


def test_a_reply_to_a_cough_is_paid_for_and_not_heard(call):
    whisper(call)
    call.live(heard(" \u200b"))
    call.live(*speaks("Sorry?"), LiveGenerationComplete())
    call.live(LiveUsage(USAGE), LiveTurnComplete(None))
    call.pass_ms(LATE_TRANSCRIPT_MS)

    assert_nothing_happened(call)
    assert call.frames(NoSpeech) == [NoSpeech(call.next_seq - 1)]
    call.utter()
    call.reply("Good morning.")
    call.ack()
    assert [(turn.number, turn.said) for turn in call.turns] == [(1, "Good morning.")]
    assert call.turns[0].usage == USAGE


def test_the_rest_of_a_reply_to_a_cough_is_not_heard_either(call):
    whisper(call)
    call.live(LiveAudio(SECOND))
    call.pass_ms(MAX_HELD_MS)
    call.live(LiveAudio(SECOND), LiveTurnComplete(None))
    assert_nothing_happened(call)

    call.utter()
    call.reply("Good morning.")
    assert call.frames(ReplyAudio)


def test_a_tool_call_shows_that_a_whisper_was_understood(call):
    whisper(call)
    call.live(LiveAudio(SECOND), LiveToolCall("x", "ask_core_agent", '{"question":"When?"}'))
    call.pass_ms(DOUBT_MS)

    assert call.pcm_posted(1) == SECOND
    assert call.asked
    assert call.frames(NoSpeech) == []


def test_speech_that_led_to_a_tool_call_stays_in_its_turn_when_the_user_types_on():
    call = started()
    call.send(SpeechStart(), Audio(WHISPER))
    call.call_tool()
    call.send(Text("For Monday."))

    assert call.frames(NoSpeech) == []
    assert call.asked


def test_output_before_the_end_of_the_mark_shows_that_the_model_understood():
    call = started()
    call.send(SpeechStart(), Audio(WHISPER))
    call.live(LiveAudio(SECOND))
    call.send(SpeechEnd())
    call.live(LiveTurnComplete(None))
    call.send(SpeechStart(), Audio(WHISPER))
    call.call_tool()
    call.send(SpeechEnd())
    call.pass_ms(DOUBT_MS)

    assert call.frames(NoSpeech) == []
    assert len(call.frames(TurnEnd)) == 1
    assert call.machine.is_answering


def test_a_tap_while_a_tool_works_changes_nothing(call):
    call.utter()
    call.call_tool()
    marked(call)
    call.answer_tool()
    call.reply("At three.")
    call.ack()

    assert [(turn.said, len(turn.tool_calls)) for turn in call.turns] == [("At three.", 1)]
    assert call.frames(NoSpeech) == [NoSpeech(call.next_seq - 1)]


@pytest.mark.parametrize("sound", [SILENCE, WHISPER])
@pytest.mark.parametrize("ends", [True, False])
def test_hanging_up_after_a_cough_takes_no_time(call, sound, ends):
    call.send(SpeechStart(), Audio(sound), *([SpeechEnd()] if ends else []), Bye())
    call.ack()

    assert call.finish() is FinishReason.ENDED
    assert call.turns == []


@pytest.mark.parametrize("sound", [SILENCE, WHISPER])
def test_a_mark_without_an_end_is_no_turn_either(call, sound):
    call.send(SpeechStart(), Audio(sound))

    assert call.wait_for_end() is FinishReason.IDLE
    assert_nothing_happened(call)


@pytest.mark.parametrize("sound", [SILENCE, WHISPER])
def test_speech_after_a_cough_is_a_turn_without_it(call, sound):
    marked(call, Audio(sound))
    call.send(Text("hello"))
    call.reply("Good morning.")
    marked(call, Audio(sound))
    marked(call, Audio(sound))
    call.utter()
    call.live(heard("and bye"))
    call.reply("Goodbye.")
    call.ack()

    said = [(turn.number, turn.heard, turn.said) for turn in call.turns]
    assert said == [(1, "hello", "Good morning."), (2, "and bye", "Goodbye.")]


def test_a_cough_before_the_reply_leaves_the_question_as_it_is(call):
    call.utter()
    marked(call, Audio(SILENCE))
    whisper(call)
    call.pass_ms(DOUBT_MS)
    call.live(heard("when?"))
    call.reply("At nine.")
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [("when?", "At nine.")]
    assert call.machine.cursor == call.next_seq - 1


def test_a_tap_during_a_reply_does_not_cut_it(call):
    call.utter()
    call.live(LiveAudio(SECOND))
    before = len(call.to_model[1])
    marked(call, Audio(SILENCE), Audio(SILENCE))
    activity = of_kind(call.to_model[1][before:], StartActivity, EndActivity)
    call.live(said("We open at nine."), LiveTurnComplete(None))
    call.ack()

    assert activity == []
    assert call.frames(Interrupted) == []
    assert call.replies == ["We open at nine."]


@pytest.mark.parametrize("is_open", [True, False])
def test_a_reply_that_the_model_ends_for_a_cough_is_gone_on_with(is_open):
    call = started()
    call.utter()
    call.live(heard("when?"))
    call.live(*speaks("We open at nine."))
    call.send(SpeechStart(), Audio(WHISPER), *([] if is_open else [SpeechEnd()]))
    call.live(LiveInterrupted(), LiveTurnComplete(None))
    call.send(*([SpeechEnd()] if is_open else []))
    call.ack(turn=1, played_ms=500)
    call.pass_ms(DOUBT_MS)
    assert call.all(SendText) == [SendText(GO_ON)]
    call.reply("And we close at five.")
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("when?", "We open"),
        ("", "And we close at five."),
    ]


def test_a_reply_that_is_cut_for_words_is_not_gone_on_with():
    call = started()
    call.utter()
    call.live(heard("when?"), LiveAudio(SECOND))
    whisper(call)
    call.live(LiveInterrupted(), LiveTurnComplete(None), heard("stop"))
    call.pass_ms(DOUBT_MS)

    assert GO_ON not in call.texts


def test_a_tap_after_a_question_leaves_the_silence_that_ends_it():
    call = started()
    call.utter()
    call.pass_ms(200)
    call.send(SpeechStart(), Audio(SILENCE))
    before = len(call.all(SendSilence))
    call.pass_ms(1_000)

    assert len(call.all(SendSilence)) == before + 10


def test_speech_over_a_reply_cuts_it_as_before(call):
    call.utter()
    call.live(LiveAudio(SECOND))
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), LiveTurnComplete(None))

    assert len(call.frames(Interrupted)) == 1


@pytest.mark.parametrize("sound", [SILENCE, WHISPER])
def test_a_cough_is_forgotten_when_the_live_session_is_replaced(call, sound):
    call.send(SpeechStart(), Audio(sound))
    call.lose_live()
    call.pass_ms(1_000)
    call.send(SpeechEnd())
    if sound == WHISPER:
        call.live(LiveAudio(SECOND))
    call.lose_live()
    call.pass_ms(20_000)

    assert_nothing_happened(call)


@pytest.mark.parametrize("sound", [SILENCE, WHISPER])
def test_a_cough_is_not_replayed_for_ever(sound):
    cough: list[Message] = [SpeechStart(), Audio(sound), SpeechEnd()]
    cursor = 0
    for epoch in range(1, 4):
        call = SessionHarness(state=replace(STATE, epoch=epoch, cursor=cursor), is_takeover=True)
        call.start()
        if not cursor:
            call.send(*cough)
            call.hello()
            call.pass_ms(DOUBT_MS)
        assert call.turns == []
        cursor = call.machine.cursor
    assert cursor == 4


def test_a_part_that_was_lost_may_have_been_speech(call):
    call.send(SpeechStart())
    call.next_seq += 1
    call.send(Audio(SILENCE), SpeechEnd())
    call.pass_ms(4_000)
    call.live(LiveTurnComplete(None))

    assert len(call.all(SendText)) == 1, "the model is asked for an answer"
    assert call.frames(NoSpeech) == []


def test_a_part_that_was_lost_before_the_model_listened_is_remembered_as_skipped():
    settings = replace(SETTINGS, turn_detection=TurnDetection.CLIENT)
    state = replace(STATE, marks_speech=True)
    call = SessionHarness(state=state, settings=settings, opens_live=False)
    call.start()
    call.send(Hello(marks_speech=True), SpeechStart())
    call.next_seq += 1
    call.send(SpeechEnd(), Bye())
    call.pass_ms(4_000)
    call.ack()

    assert call.finish() is FinishReason.ENDED
    (turn,) = call.turns
    assert SkippedInput(3, 3) in turn.skipped


def test_a_new_mark_continues_after_a_pause_of_the_connection(call):
    call.send(SpeechStart(), Audio(SILENCE))
    call.pass_ms(5_000)
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(heard("hello"))
    call.reply()
    call.ack()

    assert [turn.heard for turn in call.turns] == ["hello"]
