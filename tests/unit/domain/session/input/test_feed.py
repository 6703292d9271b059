"""How a client's input reaches the live model."""

import pytest

from repartee.domain.live.model import LiveAudio, LiveFailure, LiveInterrupted
from repartee.domain.protocol.frames import Accepted, Missing, SessionError, TurnEnd
from repartee.domain.protocol.messages import Audio, Hello, SpeechEnd, SpeechStart, Text
from repartee.domain.session.client.link import ACCEPTED_EVERY_MS
from repartee.domain.session.effects import (
    CommitTurn,
    DeleteInput,
    SendAudio,
    SendText,
    SetConnection,
)
from repartee.domain.session.input.feed import PAUSE_IN_SPEECH_MS, SPEECH_ENDS_AFTER_MS
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import COMPLETE, SECOND, SPEECH_END, SessionHarness, heard, started

pytestmark = pytest.mark.unit


def test_nothing_is_sent_to_the_model_before_it_is_open():
    call = SessionHarness(opens_live=False)
    call.start()
    call.hello()
    call.utter()
    assert call.all(SendAudio) == []

    call.open_live()

    assert call.to_model[1] == [SendAudio(SPEECH), SendAudio(SPEECH), SPEECH_END]


def test_input_reaches_the_model_in_the_order_of_its_numbers():
    call = started()
    chunks = [bytes([number, 1]) for number in range(3)]
    first = call.numbered(SpeechStart())
    messages = [call.numbered(Audio(pcm)) for pcm in chunks]

    call.read(*reversed([first, *messages]))

    assert call.to_model[1] == [SendAudio(pcm) for pcm in chunks]


def test_a_duplicate_is_heard_once():
    call = started()
    message = call.numbered(Audio(SPEECH))

    call.read(message, message)
    call.read(message)

    assert call.to_model[1] == [SendAudio(SPEECH)]


def test_input_behind_a_gap_is_not_accepted_before_the_gap_is_closed():
    call = started()
    call.send(Text("x"), Text("y"))
    call.send(Text("z"), seq=5)
    call.pass_ms(1_000)
    assert call.frames(Accepted)[-1] == Accepted(3)
    call.send(Text("a"), seq=4)
    assert call.frames(Accepted)[-1] == Accepted(5)


def test_input_behind_a_gap_is_accepted_once_the_gap_is_skipped():
    call = started()
    call.send(Text("z"), seq=5)
    call.pass_ms(2_999)
    assert call.frames(Accepted)[-1] == Accepted(1)
    call.pass_ms(1)
    assert call.frames(Accepted)[-1] == Accepted(5)


def test_missing_input_is_asked_for_after_300_ms():
    call = started()
    call.send(Audio(SPEECH), seq=4)

    call.pass_ms(299)
    assert call.frames(Missing) == []
    call.pass_ms(1)
    assert call.frames(Missing) == [Missing(2, 3)]


def test_missing_input_is_asked_for_while_a_busy_model_is_awaited():
    call = started()
    call.utter()
    call.lose_live(LiveFailure.BUSY)
    call.pass_ms(200)
    call.send(Text("x"), seq=7)

    call.pass_ms(300)

    assert call.frames(Missing) == [Missing(6, 6)]


def test_input_that_never_comes_is_skipped_after_three_seconds_and_recorded():
    call = started()
    call.send(SpeechStart())
    call.send(Audio(SPEECH), SpeechEnd(), seq=5)
    call.send(SpeechEnd(), seq=6)

    call.pass_ms(2_999)
    assert call.all(SendAudio) == []
    call.pass_ms(1)
    call.reply()
    call.ack()

    assert call.all(SendAudio) == [SendAudio(SPEECH)]
    assert call.frames(TurnEnd)[0].skipped_messages == 2
    assert [(gap.first_seq, gap.last_seq) for gap in call.turns[0].skipped] == [(3, 4)]


def test_a_gap_between_two_turns_is_recorded_in_the_second():
    call = started()
    call.send(SpeechStart(), seq=3)
    call.pass_ms(3_000)
    call.send(Audio(SPEECH), SpeechEnd())
    call.reply()
    call.ack()

    assert [(gap.first_seq, gap.last_seq) for gap in call.turns[0].skipped] == [(2, 2)]


def test_the_end_of_speech_ends_the_audio_stream():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    assert call.machine.is_listening

    call.send(SpeechEnd())

    assert call.to_model[1][-1] == SPEECH_END
    assert not call.machine.is_listening


def test_the_audio_stream_ends_after_a_second_without_input():
    call = started()
    call.send(Audio(SPEECH))

    call.pass_ms(999)
    assert call.speech_ends == []
    call.pass_ms(1)
    assert call.speech_ends == [SPEECH_END]
    call.pass_ms(5_000)
    assert len(call.speech_ends) == 1


def test_while_a_gap_is_waited_for_a_pause_does_not_end_the_audio_stream():
    call = started()
    call.send(Audio(SPEECH))
    call.send(Audio(SPEECH), seq=call.next_seq + 1)
    call.pass_ms(2_900)
    assert call.speech_ends == []


def test_while_the_client_has_marked_no_end_of_speech_a_pause_is_no_end():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.pass_ms(3_999)
    assert call.speech_ends == []
    call.send(Audio(SPEECH))
    call.pass_ms(3_999)
    assert call.speech_ends == []
    call.pass_ms(1)
    assert call.speech_ends == [SPEECH_END]


def test_after_a_marked_end_speech_without_marks_ends_after_a_second_again():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH), SpeechEnd(), Audio(SPEECH))
    call.pass_ms(1_000)
    assert len(call.speech_ends) == 2


def test_an_end_of_speech_without_audio_ends_nothing():
    call = started()
    call.send(SpeechEnd())

    assert call.to_model[1] == []


def test_accepted_is_sent_at_once_except_while_audio_flows():
    call = started()
    assert call.frames(Accepted) == [Accepted(1)]

    call.send(SpeechStart())
    call.send(Audio(SPEECH))
    assert call.frames(Accepted) == [Accepted(1), Accepted(2)]
    call.pass_ms(ACCEPTED_EVERY_MS)
    assert call.frames(Accepted)[-1] == Accepted(3)


def test_other_events_do_not_hurry_the_report_of_audio():
    call = started()
    call.send(SpeechStart())
    reported = call.frames(Accepted)
    call.send(Audio(SPEECH))
    call.ack()
    call.live(heard("When", final=False))
    assert call.frames(Accepted) == reported

    call.pass_ms(ACCEPTED_EVERY_MS)
    assert call.frames(Accepted) == [*reported, Accepted(3)]


def test_the_end_of_speech_is_reported_at_once_with_its_audio():
    call = started()
    call.send(SpeechStart())
    call.send(Audio(SPEECH), SpeechEnd())
    assert call.frames(Accepted)[-1] == Accepted(4)


def test_five_messages_of_audio_are_reported_without_waiting():
    call = SessionHarness(opens_live=False)
    call.start()
    call.send(*[Audio(SPEECH)] * 4)
    assert call.frames(Accepted) == []

    call.send(Audio(SPEECH))

    assert call.frames(Accepted) == [Accepted(5)]


@pytest.mark.parametrize("begin", [(SpeechStart(),), ()])
def test_speech_that_continues_after_typed_text_waits_for_a_separate_answer(begin):
    call = started()
    call.send(*begin, Audio(SPEECH), Text("Hello?"))
    call.live(LiveAudio(SECOND))
    call.send(Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)
    call.ack()

    assert call.machine.is_answering
    assert call.machine.cursor < call.next_seq - 1


def test_speech_of_a_device_without_marks_is_found_after_one_with_marks():
    call = started()
    call.utter()
    call.reply()
    call.ack()
    call.hello("B")
    call.send(Audio(SPEECH), Audio(SILENCE), connection="B")

    assert call.machine.is_answering
    assert call.machine.cursor < call.next_seq - 2


def test_a_device_without_marks_that_comes_in_mid_speech_ends_its_own():
    call = started()
    call.send(Hello(marks_speech=True), SpeechStart(), Audio(SPEECH))
    call.hello("B")
    call.send(Audio(SPEECH), Audio(SILENCE), connection="B")
    call.reply()
    call.ack()
    call.send(Audio(SPEECH), connection="B")

    assert len(call.turns) == 1
    assert call.machine.is_answering


def test_a_client_that_comes_back_in_mid_speech_continues_with_its_marks():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.hello("B", received=0)
    call.send(Audio(SILENCE), connection="B")
    assert call.speech_ends == []
    call.send(SpeechEnd(), connection="B")
    assert call.speech_ends == [SPEECH_END]


def test_typed_text_is_a_separate_turn():
    call = started()
    call.send(Text("When do you open?"))

    assert call.to_model[1] == [SendText("When do you open?")]
    call.reply("At nine.")
    call.ack()
    assert (call.turns[0].heard, call.turns[0].said) == ("When do you open?", "At nine.")


def test_a_number_that_runs_far_ahead_is_refused_and_not_waited_for():
    call = started()
    call.send(Text("Hello"), seq=900_000_000)

    (error,) = call.frames(SessionError)
    assert (error.code, error.retryable, error.next_seq) == ("seq_too_far", True, 2)
    assert "more than 200 above the accepted number" in error.message
    assert call.all(DeleteInput) == [DeleteInput((900_000_000,), ())]
    call.pass_ms(4_000)
    assert call.frames(Missing) == []
    assert call.machine.cursor == 1


def test_an_end_of_speech_on_a_dead_stream_is_no_end_of_what_follows():
    call = started()
    call.send(SpeechStart(), seq=3)
    call.send(Audio(SPEECH))
    call.pass_ms(3_000)
    call.reply()

    call.send(SpeechEnd(), seq=2)

    assert call.speech_ends == []


def test_speech_that_a_detector_finds_begins_shortly_before():
    call = started()
    call.send(*[Audio(SILENCE)] * 4, Audio(SPEECH))
    onset = call.next_seq - 1

    assert call.machine.cursor == onset - 3
    call.send(Audio(SPEECH), Audio(SILENCE))
    call.pass_ms(2_000)
    assert call.machine.cursor == onset - 3
    call.reply()
    call.ack()
    assert call.machine.cursor == call.next_seq - 1


def test_the_cursor_follows_silence_but_for_what_may_be_the_onset_of_speech():
    call = started()
    call.send(*[Audio(SILENCE)] * 5)
    assert call.machine.cursor == call.next_seq - 1 - 2

    call.pass_ms(1_000)

    assert call.machine.cursor == call.next_seq - 1


def test_a_hello_in_mid_speech_does_not_swallow_the_onset():
    call = started()
    call.send(Audio(SILENCE), Audio(SILENCE), Audio(SILENCE), Hello())
    assert call.machine.cursor == call.next_seq - 1 - 3

    call.send(Audio(SPEECH))

    assert call.machine.cursor == call.next_seq - 1 - 3


def test_the_first_hello_of_a_connection_makes_it_current():
    call = started()
    call.hello("B")

    assert call.all(SetConnection) == [SetConnection("B")]


def test_unread_input_is_looked_for_only_behind_the_known_numbers():
    call = started()
    assert call.machine.read_after == 1
    call.send(Audio(SPEECH), seq=3)
    assert call.machine.read_after == 1
    call.send(Audio(SPEECH), seq=2)
    assert call.machine.read_after == 3


def test_speech_after_a_long_pause_is_a_separate_turn_without_another_mark():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.pass_ms(PAUSE_IN_SPEECH_MS)
    assert call.speech_ends != []
    call.live(heard("Hello"))
    call.reply("Go on.")

    call.send(Audio(SPEECH), Audio(SPEECH), SpeechEnd())

    assert call.machine.is_answering
    call.live(heard("When do you open?"))
    call.pass_ms(STALL_MS)
    assert call.all(SendText) == [SendText(NUDGE)]
    call.reply("At nine.")
    call.ack()
    assert [turn.heard for turn in call.turns] == ["Hello", "When do you open?"]
    assert [commit.cursor for commit in call.all(CommitTurn)] == [3, 6]


def test_speech_after_a_pause_without_silence_is_a_turn_that_can_be_given_again():
    call = started()
    call.send(Audio(SPEECH))
    call.pass_ms(SPEECH_ENDS_AFTER_MS)
    call.reply("Good morning.")
    call.ack()
    read_through = call.machine.cursor

    call.send(Audio(SPEECH))
    call.lose_live()

    assert call.machine.is_answering
    assert call.machine.cursor == read_through
    assert call.to_model[call.generation] == [SendAudio(SPEECH)]


def test_a_pause_without_silence_in_it_ends_what_the_model_has_to_answer():
    call = started()
    call.send(Audio(SPEECH))
    call.pass_ms(SPEECH_ENDS_AFTER_MS + STALL_MS)

    assert call.all(SendText) == [SendText(NUDGE)]
