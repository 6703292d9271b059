"""When the Live session is lost, refused or busy."""

from dataclasses import replace

import pytest

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import LiveAudio, LiveClosed, LiveFailure, LiveUsage
from repartee.domain.protocol.frames import (
    Interrupted,
    ReplyAudio,
    SessionClosed,
    SessionError,
    TurnEnd,
    TurnRestarted,
)
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.session.effects import FinishReason, OpenLive, SendAudio
from repartee.domain.session.events import FromLive
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import (
    COMPLETE,
    SECOND,
    SPEECH_END,
    STATE,
    SessionHarness,
    heard,
    remembering,
    speaks,
    started,
)

pytestmark = pytest.mark.unit


def test_a_turn_whose_live_session_is_lost_is_heard_again_from_its_first_message():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND), LiveUsage(TokenUsage(audio_in=50)))
    call.lose_live()

    generation = call.generation
    assert call.to_model[generation] == [SendAudio(SPEECH), SendAudio(SPEECH), SPEECH_END]
    assert call.frames(TurnRestarted) == [TurnRestarted(1)]
    call.reply("Once more.")
    call.ack()
    assert [(turn.number, turn.said, turn.usage.audio_in) for turn in call.turns] == [
        (1, "Once more.", 50)
    ]


def test_a_turn_that_had_no_reply_yet_restarts_without_a_word():
    call = started()
    call.utter()
    call.lose_live()

    assert call.frames(TurnRestarted) == []
    assert len(call.all(SendAudio)) == 4


def test_queued_audio_of_the_reply_that_was_cut_off_is_dropped():
    call = started(takes_posts=False)
    call.utter()
    call.live(LiveAudio(SECOND))
    call.lose_live()
    call.takes_posts = True
    call.take_post()
    call.reply(pcm=b"")

    assert call.frames(ReplyAudio) == []


def test_speech_into_a_reply_that_was_cut_off_is_heard_again_too():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND))
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveUsage(TokenUsage(audio_in=5)))
    call.lose_live()
    call.send(SpeechEnd())
    call.reply("Yes?")
    call.ack()

    assert len(call.to_model[call.generation]) == 5
    assert [(turn.number, turn.said) for turn in call.turns] == [(1, "Yes?")]
    call.utter()
    call.reply()
    call.ack()
    assert [turn.number for turn in call.turns] == [1, 2]


def test_speech_during_a_repeated_reply_interrupts_it():
    call = started()
    call.utter()
    call.lose_live()
    call.live(LiveAudio(SECOND))
    call.send(SpeechStart(), Audio(SPEECH))

    assert call.to_model[call.generation][-1] == SendAudio(SPEECH)
    assert len(call.to_model[call.generation]) == 4


def test_speech_that_a_detector_found_is_heard_again_from_its_onset():
    call = started()
    call.send(*[Audio(SILENCE)] * 4, Audio(SPEECH), Audio(SPEECH))
    call.lose_live()
    assert call.to_model[call.generation] == [
        SendAudio(SILENCE),
        SendAudio(SILENCE),
        SendAudio(SPEECH),
        SendAudio(SPEECH),
    ]

    call.send(Audio(SILENCE))
    call.reply()
    call.ack()

    assert len(call.turns) == 1


def test_a_gap_in_a_turn_that_restarts_is_skipped_at_once_and_recorded_once():
    call = started()
    call.send(SpeechStart())
    call.send(Audio(SPEECH), seq=4)
    call.pass_ms(3_000)
    call.send(SpeechEnd())

    call.lose_live()
    call.reply()
    call.ack()

    assert call.to_model[call.generation] == [SendAudio(SPEECH), SPEECH_END]
    assert [(gap.first_seq, gap.last_seq) for gap in call.turns[0].skipped] == [(3, 3)]


def test_a_reply_without_input_ends_where_its_live_session_was_lost():
    call = started()
    call.live(*speaks("Welcome to"))
    call.ack(turn=1, played_ms=1_000)
    call.lose_live()
    call.ack()

    assert call.frames(Interrupted) == [Interrupted(1)]
    assert [(turn.said, turn.said_is_approximate) for turn in call.turns] == [("Welcome to", True)]


def test_speech_into_a_greeting_that_was_cut_off_is_heard_again():
    call = started()
    call.live(LiveAudio(SECOND))
    call.utter()
    call.lose_live()
    call.reply("Yes?")
    call.ack()

    assert call.replies == ["", "Yes?"]
    assert len(call.to_model[call.generation]) == 3


def test_a_live_session_lost_while_idle_is_replaced_at_once_without_a_message():
    call = started()
    posted = len(call.posted)
    call.lose_live()

    assert len(call.all(OpenLive)) == 2
    assert len(call.posted) == posted


def test_the_next_live_session_gets_turns_that_are_not_in_memory_yet():
    call = started()
    call.utter()
    call.live(heard("I am Ada"))
    call.reply("Hello Ada")
    call.lose_live()

    history = call.all(OpenLive)[-1].config.history
    assert [entry.text for entry in history] == ["I am Ada", "Hello Ada"]


def test_a_live_session_that_follows_another_is_seeded_and_never_resumed():
    call = started()
    call.utter()
    call.live(heard("I am Ada"))
    call.reply("Hello Ada")
    call.lose_live()

    assert call.all(OpenLive)[-1].config.history


def test_the_last_words_of_an_old_live_session_are_ignored():
    call = started()
    call.utter()
    old = call.generation
    call.lose_live()
    call.feed(FromLive(old, LiveAudio(SECOND)))
    call.feed(FromLive(old, LiveClosed(LiveFailure.DROPPED, 1006, "")))

    assert call.frames(ReplyAudio) == []
    assert len(call.all(OpenLive)) == 2


def test_a_refused_session_is_closed_with_the_reason_and_without_a_second_try():
    call = SessionHarness(opens_live=False)
    call.start()
    call.lose_live(LiveFailure.REFUSED)

    assert call.frames(SessionClosed) == [SessionClosed("refused")]
    assert call.finish() is FinishReason.ENDED
    assert len(call.all(OpenLive)) == 1


def _pauses_of_a_busy_model(session_id: str) -> list[int]:
    call = SessionHarness(opens_live=False, state=replace(STATE, session_id=session_id))
    call.memory = remembering()
    call.memory = replace(
        call.memory, conversation=replace(call.memory.conversation, live_session_id=session_id)
    )
    call.__post_init__()
    call.start()
    pauses_ms = []
    for _ in range(3):
        lost_at_ms = call.now_ms
        call.lose_live(LiveFailure.BUSY)
        before = len(call.all(OpenLive))
        while len(call.all(OpenLive)) == before:
            call.pass_ms(1)
        pauses_ms.append(call.now_ms - lost_at_ms)
    call.lose_live(LiveFailure.BUSY)

    assert [frame.code for frame in call.frames(SessionError)] == ["model_busy"] * 3
    assert call.frames(SessionClosed) == [SessionClosed("busy")]
    assert call.finish() is FinishReason.ENDED
    return pauses_ms


def test_a_busy_model_is_tried_three_times_more_with_growing_pauses():
    for pause_ms, least_ms in zip(_pauses_of_a_busy_model("S"), (500, 1_000, 2_000), strict=True):
        assert least_ms <= pause_ms < 2 * least_ms


def test_sessions_that_a_busy_model_refused_together_do_not_come_back_together():
    first, second = _pauses_of_a_busy_model("S"), _pauses_of_a_busy_model("T")

    assert all(one != other for one, other in zip(first, second, strict=True))
    assert first == _pauses_of_a_busy_model("S")


def test_a_turn_that_completes_makes_up_for_failures_before_it():
    call = started()
    for _ in range(6):
        call.utter()
        call.lose_live()
        call.pass_ms(5_000)
        call.reply()
        call.ack()

    assert call.finish() is None
    assert len(call.turns) == 6


def test_a_live_session_that_is_never_set_up_is_given_up():
    call = SessionHarness(opens_live=False)
    call.start()
    call.utter()
    call.pass_ms(14_999)
    assert len(call.all(OpenLive)) == 1
    call.pass_ms(1)
    assert len(call.all(OpenLive)) == 2

    assert call.wait_for_end() is FinishReason.ENDED
    assert call.frames(SessionClosed) == [SessionClosed("unavailable")]


def test_a_question_before_the_model_became_unavailable_is_remembered():
    call = started()
    call.utter()
    call.live(heard("Hello"))
    call.lose_live(LiveFailure.REFUSED)

    assert [turn.heard for turn in call.turns] == ["Hello"]


def test_after_a_takeover_the_client_learns_that_the_turn_is_answered_again():
    taken = started()
    taken.utter()
    taken.reply()
    taken.ack()
    call = SessionHarness(memory=remembering(*taken.turns), is_takeover=True)
    call.start()

    assert call.frames(TurnRestarted) == [TurnRestarted(2)]
    call.live(COMPLETE)
    assert call.frames(TurnEnd) == []
