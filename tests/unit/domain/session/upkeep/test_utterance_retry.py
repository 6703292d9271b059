"""A short utterance that nothing shows as heard is given to the model once more."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import (
    LiveAudio,
    LiveEvent,
    LiveInterrupted,
    LiveText,
    LiveToolCall,
    TurnDetection,
)
from repartee.domain.protocol.frames import Interrupted, SessionError, Transcript, TurnRestarted
from repartee.domain.protocol.messages import Audio, Hello, Message, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import EndAudioStream, OpenLive, SendAudio, SendText
from repartee.domain.session.events import FromLive
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.upkeep.utterance_retry import UNHEARD_AFTER_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import (
    COMPLETE,
    IDLE,
    SECOND,
    SETTINGS,
    SessionHarness,
    heard,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

# 1.25 s at 16 kHz; two of them are an utterance of 2.5 s.
SHORT = b"\1\1" * 20_000
MARKED = [SpeechStart(), Audio(SHORT), Audio(SHORT), SpeechEnd()]
TOOL_CALL = LiveToolCall("x", "ask_core_agent", '{"question":"When?"}')


def replies(text: str = "Very well.") -> list[LiveEvent]:
    return [*speaks(text), COMPLETE]


def given(call: SessionHarness) -> int:
    """How many chunks of speech the current Live session was given."""
    return len([one for one in call.to_model[call.generation] if isinstance(one, SendAudio)])


def offered_twice() -> SessionHarness:
    call = started()
    call.utter(SHORT)
    call.pass_ms(UNHEARD_AFTER_MS)
    assert given(call) == 4
    return call


def shown(call: SessionHarness, role: str) -> list[str]:
    return [frame.text for frame in call.frames(Transcript) if frame.role == role]


def test_a_short_utterance_without_any_sign_is_offered_again_once_after_3_s():
    call = started()
    call.utter(SHORT)
    call.pass_ms(UNHEARD_AFTER_MS - 1)
    assert given(call) == 2
    call.pass_ms(1)
    assert given(call) == 4

    call.live(heard("Yes."), *replies())
    call.ack()
    call.pass_ms(4 * STALL_MS)

    assert [(turn.heard, turn.said) for turn in call.turns] == [("Yes.", "Very well.")]
    assert call.turns[0].first_audio_ms == UNHEARD_AFTER_MS
    assert (len(call.all(SendAudio)), given(call)) == (4, 0)
    assert call.frames(TurnRestarted) == []
    assert call.machine.cursor == call.next_seq - 1


def test_the_rest_of_the_help_comes_as_soon_as_without_the_second_offer():
    call = offered_twice()
    call.pass_ms(STALL_MS - UNHEARD_AFTER_MS)
    assert call.texts == [NUDGE]
    call.pass_ms(STALL_MS)
    assert (call.generation, given(call)) == (2, 2)
    call.pass_ms(STALL_MS)

    assert len(call.frames(SessionError)) == 1
    assert given(call) == 2


@pytest.mark.parametrize(
    "sign",
    [
        heard("Yes."),
        LiveAudio(SECOND),
        LiveText("Very well."),
        TOOL_CALL,
        LiveInterrupted(),
        COMPLETE,
    ],
)
def test_any_sign_of_the_model_is_enough(sign: LiveEvent) -> None:
    call = started()
    call.utter(SHORT)
    call.pass_ms(1_000)
    call.live(sign)
    call.pass_ms(UNHEARD_AFTER_MS)

    assert given(call) == 2


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([SpeechStart(), *[Audio(SHORT + b"\1\1")] * 2, SpeechEnd()], id="long"),
        pytest.param([Audio(SPEECH), Audio(SILENCE)], id="not marked"),
        pytest.param([SpeechStart(), SpeechEnd()], id="no speech"),
        pytest.param([*MARKED, Audio(SILENCE)], id="audio follows"),
        pytest.param([*MARKED, Text("Hello?")], id="text follows"),
    ],
)
def test_only_one_short_marked_utterance_is_given_again(
    messages: list[Message],
) -> None:
    call = started()
    call.send(*messages)
    before = given(call)
    call.pass_ms(UNHEARD_AFTER_MS + 1_000)

    assert given(call) == before


def test_an_utterance_of_which_a_part_is_lost_is_not_offered_again():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.next_seq += 1
    call.send(Audio(SPEECH), SpeechEnd())
    call.pass_ms(3_000 + UNHEARD_AFTER_MS)
    call.live(*replies())
    call.ack()

    assert given(call) == 2
    assert len(call.turns[0].skipped) == 1


def test_a_hello_in_between_changes_nothing():
    call = started()
    call.utter(SHORT)
    call.send(Hello(None), connection="B")
    call.pass_ms(UNHEARD_AFTER_MS)

    assert given(call) == 4


def test_two_utterances_that_are_short_together_are_offered_again_together():
    call = started()
    call.utter(SPEECH)
    call.pass_ms(1_000)
    call.utter(SPEECH)
    call.pass_ms(UNHEARD_AFTER_MS)
    assert given(call) == 8

    call.live(heard("Yes. Yes."), *replies())
    call.ack()

    assert [turn.heard for turn in call.turns] == ["Yes. Yes."]


def test_an_interrupting_utterance_is_not_repeated_before_the_reply_ends():
    call = started()
    call.live(LiveAudio(SECOND))
    call.utter(SHORT)
    call.pass_ms(UNHEARD_AFTER_MS)
    assert given(call) == 2

    call.live(COMPLETE)
    call.pass_ms(UNHEARD_AFTER_MS)

    assert given(call) == 2


def test_a_model_without_a_detector_is_slow_and_still_hears():
    call = SessionHarness(settings=replace(SETTINGS, turn_detection=TurnDetection.CLIENT))
    call.start()
    call.send(Hello(None, marks_speech=True))
    call.utter(SHORT)
    call.pass_ms(UNHEARD_AFTER_MS)

    assert given(call) == 2
    assert EndAudioStream() not in call.effects


@pytest.mark.parametrize(
    ("first", "second"),
    [("Yes please.", "yes please."), ("Yes, please.", "Yes please!"), ("Ole\u0301 ya।", "Olé ya")],
)
def test_both_transcripts_are_remembered_and_shown_once(first: str, second: str):
    call = offered_twice()
    call.live(heard(first), heard(second), *replies())
    call.ack()

    assert [turn.heard for turn in call.turns] == [first]
    assert shown(call, "user") == [first]


def test_the_next_utterance_is_no_copy():
    call = offered_twice()
    call.live(heard("Yes."))
    call.utter(SHORT)
    call.live(heard(" Yes."), *replies())
    call.ack()

    assert [turn.heard for turn in call.turns] == ["Yes. Yes."]


def test_a_reply_that_the_second_copy_interrupts_is_replaced_by_the_next_one():
    call = offered_twice()
    call.live(heard("Yes."), *speaks("Very"))
    call.live(LiveInterrupted(), COMPLETE)
    assert (call.ended_turns, call.all(SendText)) == ([], [])

    call.live(heard("Yes."), *replies())
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [("Yes.", "Very well.")]
    assert (call.frames(TurnRestarted), call.frames(Interrupted)) == ([TurnRestarted(1)], [])
    assert shown(call, "user") == ["Yes.", "Yes."]
    assert call.ended_turns == [1]


def test_a_model_that_falls_silent_for_the_second_copy_is_nudged():
    call = offered_twice()
    call.live(heard("Yes."), LiveAudio(SECOND), LiveInterrupted(), COMPLETE)
    call.pass_ms(STALL_MS)

    assert call.texts == [NUDGE]


def test_the_user_may_interrupt_the_reply_to_the_second_copy():
    call = offered_twice()
    call.live(heard("Yes."), LiveAudio(SECOND))
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)

    assert call.frames(Interrupted) == [Interrupted(1)]
    assert call.ended_turns == [1]


def test_the_reply_to_the_second_copy_of_what_is_answered_is_dropped():
    call = offered_twice()
    call.live(heard("Yes."), *replies())
    call.live(heard("Yes."), LiveText("Very well."), *replies())
    call.ack()
    assert [(turn.heard, turn.said) for turn in call.turns] == [("Yes.", "Very well.")]
    assert len(call.pcm_posted(1)) == len(SECOND)

    call.live(*replies("By the way."))
    call.ack()
    assert call.replies == ["Very well.", "By the way."]


def test_a_tool_call_for_the_second_copy_of_an_answered_utterance_does_not_run_again():
    call = offered_twice()
    call.live(heard("Yes."), TOOL_CALL, COMPLETE)
    call.answer_tool("At three.")
    call.live(*replies("At three."))
    again = LiveToolCall("y", TOOL_CALL.name, TOOL_CALL.arguments_json)
    call.live(heard("Yes."), again, *replies("Wait."))
    call.ack()
    call.pass_ms(4 * STALL_MS)

    assert [(turn.heard, turn.said) for turn in call.turns] == [("Yes.", "At three.")]
    assert len(call.asked) == 1


def test_a_transcript_that_comes_after_the_reply_is_not_taken_for_a_copy():
    call = offered_twice()
    call.live(*replies(), heard("Yes."), heard("Yes."))
    call.ack()

    assert [turn.heard for turn in call.turns] == ["Yes."]


def test_the_utterance_after_a_repeated_one_is_answered():
    call = offered_twice()
    call.live(heard("Yes."), *replies())
    call.ack()
    call.utter(SHORT)
    call.live(heard("Yes."), *replies("Once more."))
    call.ack()

    assert [turn.heard for turn in call.turns] == ["Yes.", "Yes."]
    assert call.replies == ["Very well.", "Once more."]


def test_an_answer_that_comes_after_that_is_heard():
    call = offered_twice()
    call.live(heard("Yes."), TOOL_CALL, *replies("Wait.")[:2], IDLE)
    call.answer_tool("At three.")
    call.live(*replies("At three."))
    call.ack()

    assert call.replies == ["Wait.", "At three."]


def test_the_next_words_of_the_user_never_get_the_reply_to_the_second_copy():
    call = offered_twice()
    call.live(heard("Yes."), *replies("Very well."))
    call.ack()
    old = call.generation
    assert call.all(OpenLive)[-1].generation == old == 2

    call.utter(SHORT)
    call.feed(FromLive(1, heard("Yes.")))
    call.live(heard("And on Friday?"), *replies("On Friday too."))
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("Yes.", "Very well."),
        ("And on Friday?", "On Friday too."),
    ]


@pytest.mark.parametrize("is_committed", [False, True])
@pytest.mark.parametrize("is_started", [False, True])
def test_a_user_who_speaks_at_once_is_heard_by_a_model_that_gets_nothing_twice(
    is_committed: bool, is_started: bool
):
    call = offered_twice()
    call.live(heard("Yes."), *replies("Very well."))
    start = call.next_seq
    if is_started:
        call.send(SpeechStart())
    else:
        # It is missing when the turn comes into memory.
        call.next_seq += 1
    call.send(Audio(SPEECH))
    if is_committed:
        call.ack()
    assert call.generation == 2
    for late in (heard("Yes."), *replies("Very well.")):
        call.feed(FromLive(1, late))
    if not is_started:
        call.send(SpeechStart(), seq=start)
    call.send(SpeechEnd())
    call.live(heard("And on Friday?"), *replies("On Friday too."))
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("Yes.", "Very well."),
        ("And on Friday?", "On Friday too."),
    ]


def test_an_utterance_that_was_offered_once_costs_no_live_session():
    call = started()
    call.utter(SHORT)
    call.live(heard("Yes."), *replies())
    call.ack()
    assert len(call.all(OpenLive)) == 1
