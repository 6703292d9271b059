"""A stop silences the replies to all input before it, and loses no outcome of a tool."""

from dataclasses import replace

import pytest

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import (
    LiveAudio,
    LiveInterrupted,
    LiveText,
    LiveUsage,
    ResponseScheduling,
)
from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    Interrupted,
    ReplyAudio,
    SessionClosed,
    SessionError,
    ToolProgress,
    Transcript,
    TurnEnd,
    TurnRestarted,
)
from repartee.domain.protocol.messages import (
    SPEECH_HEARD,
    STOP,
    Audio,
    Bye,
    Hello,
    Message,
    SpeechEnd,
    SpeechStart,
    Stop,
    Text,
    Unknown,
)
from repartee.domain.session.effects import CommitTurn, FinishReason, RespondToTool, SetConnection
from repartee.domain.session.events import Started, TimeRunningOut
from repartee.domain.session.timing import SPEAK_WITHIN_MS, STALL_MS
from repartee.domain.session.tools.unspoken_answers import SPEAK_AGAIN_AFTER_MS
from repartee.domain.tools.core_calls import END_CALL, ToolCallKey
from tests.fakes.speech_detector import SILENCE, SPEECH, WHISPER
from tests.session_harness import (
    COMPLETE,
    EPOCH,
    IN_PROGRESS,
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    heard,
    pending,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

WORDS = "One two three four."
BOOKED = "You are booked for Friday at three."


def stopping(**fields: object) -> SessionHarness:
    """Return a call whose client lists ``stop``."""
    call = SessionHarness(**fields)  # type: ignore[arg-type]
    call.start()
    call.send(Hello(features=(STOP,)))
    return call


def replying(played_ms: int = 1_000, **fields: object) -> SessionHarness:
    """The model has said ``WORDS`` in two seconds of audio, and continues."""
    call = stopping(**fields)
    call.send(Text("count"))
    call.live(LiveAudio(SECOND * 2), said(WORDS))
    call.ack(turn=1, played_ms=played_ms)
    return call


def frames_after(call: SessionHarness, number: int) -> list[Frame]:
    frames = [one.frame for one in call.posted[number:]]
    return [frame for frame in frames if not isinstance(frame, Accepted)]


def booking(**fields: object) -> SessionHarness:
    """The model waits for a tool, after the words that come before it."""
    call = stopping(**fields)
    call.send(Text("book Friday at three"))
    call.live(*speaks("One moment."))
    call.call_tool("x")
    call.live(IN_PROGRESS)
    return call


# The reply


def test_a_stop_cuts_the_reply_where_the_user_heard_it_last():
    call = replying()
    before = len(call.posted)

    call.send(Stop())

    words = Transcript(1, "model", WORDS, final=False)
    assert frames_after(call, before) == [words, Interrupted(1)]
    call.live(COMPLETE)
    call.ack()
    assert call.turns[0].said == "One two"
    assert call.turns[0].said_is_approximate


def test_the_model_goes_on_and_the_client_gets_nothing_of_it_but_the_end_of_the_turn():
    call = replying()
    call.send(Stop())
    before = len(call.posted)

    call.live(LiveAudio(SECOND), said(" Five."), LiveText(" Six."))
    call.live(LiveUsage(TokenUsage(7, 0, 0, 5)), COMPLETE)

    (end,) = frames_after(call, before)
    assert isinstance(end, TurnEnd)
    assert (end.turn, end.tokens_in, end.tokens_out) == (1, 7, 5)
    call.ack()
    assert (call.turns[0].said, call.turns[0].usage.tokens_out) == ("One two", 5)


def test_the_true_played_time_after_a_stop_corrects_what_is_remembered():
    call = replying(played_ms=0)
    call.send(Stop())
    call.ack(turn=1, played_ms=1_000)
    call.live(COMPLETE)
    call.ack(turn=1, played_ms=1_000)

    assert call.replies == ["One two"]


def test_a_model_that_never_completes_the_stopped_turn_does_not_hold_it_open():
    call = replying()
    call.send(Stop())

    call.pass_ms(STALL_MS)

    assert call.ended_turns == [1]
    assert call.texts == ["count"]


def test_a_second_stop_changes_nothing():
    call = replying()
    call.send(Stop())
    before = len(call.posted)

    call.send(Stop())

    assert frames_after(call, before) == []
    call.live(COMPLETE)
    call.ack()
    assert call.replies == ["One two"]


def test_a_repeated_stop_does_not_stop_a_later_reply():
    call = replying()
    stop = call.numbered(Stop())
    call.read(stop)
    call.live(COMPLETE)
    call.send(Text("and five?"))
    call.live(*speaks("Six."))

    call.read(stop)

    assert call.frames(Interrupted) == [Interrupted(1)]


def test_a_stop_when_nothing_is_said_is_harmless():
    call = stopping()
    before = len(call.posted)

    call.send(Stop())

    assert frames_after(call, before) == []
    call.send(Text("count"))
    call.live(*speaks(WORDS), COMPLETE)
    call.ack()
    assert call.exchanges == [("count", WORDS)]


def test_a_stop_before_the_first_audio_silences_the_whole_reply():
    call = stopping()
    call.send(Text("count"))
    before = len(call.posted)

    call.send(Stop())
    call.live(*speaks(WORDS), COMPLETE)

    assert [type(frame) for frame in frames_after(call, before)] == [Interrupted, TurnEnd]
    call.ack()
    assert call.exchanges == [("count", "")]


def test_a_stop_that_comes_with_the_input_silences_the_reply_to_it():
    call = stopping()

    call.read(call.numbered(Text("count")), call.numbered(Stop()), call.numbered(Text("hello")))

    assert call.texts == ["count"]
    call.live(*speaks(WORDS))
    assert call.frames(ReplyAudio) == []
    assert call.texts == ["count", "hello"]
    call.live(LiveInterrupted(), COMPLETE, *speaks("Hello."), COMPLETE)
    call.ack()
    call.ack()
    assert call.exchanges == [("count", ""), ("hello", "Hello.")]


def test_marked_speech_that_ended_before_the_stop_gets_no_reply():
    call = stopping()
    entries: list[Message] = [SpeechStart(), Audio(SPEECH), SpeechEnd(), Stop()]

    call.read(*(call.numbered(one) for one in entries))
    call.live(heard("Count."), *speaks(WORDS), COMPLETE)

    assert call.frames(ReplyAudio) == []
    call.ack()
    assert call.exchanges == [("Count.", "")]


def test_speech_that_is_in_progress_at_the_stop_gets_its_reply():
    call = stopping()

    call.send(SpeechStart(), Audio(SPEECH), Stop(), Audio(SPEECH), SpeechEnd())
    call.live(heard("Count."), *speaks(WORDS), COMPLETE)

    assert call.frames(Interrupted) == []
    call.ack()
    assert call.exchanges == [("Count.", WORDS)]


def test_a_stop_ends_the_reply_over_which_the_user_speaks_and_not_the_one_to_that_speech():
    call = replying()
    call.send(SpeechStart(), Audio(SPEECH))

    call.send(Stop())
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(LiveInterrupted(), COMPLETE, heard("And five?"), *speaks("Six."), COMPLETE)

    assert call.frames(Interrupted) == [Interrupted(1)]
    call.ack()
    call.ack()
    assert call.exchanges == [("count", "One two"), ("And five?", "Six.")]


def test_a_stop_after_a_text_that_interrupts_silences_both_replies():
    call = replying()
    call.send(Text("and five?"))

    call.send(Stop())
    call.live(LiveInterrupted(), COMPLETE, *speaks("Six."), COMPLETE)

    assert call.frames(Interrupted) == [Interrupted(1), Interrupted(2)]
    call.ack()
    call.ack()
    assert call.exchanges == [("count", "One two"), ("and five?", "")]


def test_the_rest_of_a_reply_that_is_only_played_is_dropped():
    call = stopping()
    call.send(Text("count"))
    call.live(LiveAudio(SECOND * 2), said(WORDS), COMPLETE)
    assert call.ended_turns == [1]
    before = len(call.posted)

    call.send(Stop())
    call.ack(turn=1, played_ms=1_000)

    assert frames_after(call, before) == [Interrupted(1)]
    assert call.replies == ["One two"]


def test_a_reply_that_was_played_is_remembered_whole():
    call = stopping()
    call.send(Text("count"))
    call.live(LiveAudio(SECOND * 2), said(WORDS), COMPLETE)
    call.pass_ms(2_000)

    call.send(Stop())
    call.ack(turn=1, played_ms=2_000)

    assert call.frames(Interrupted) == []
    assert call.replies == [WORDS]


def test_speech_after_the_stop_is_answered_although_the_model_takes_both_for_one():
    call = stopping()
    call.utter()
    call.send(Stop())

    call.send(SpeechStart(), Audio(SPEECH))
    assert call.ended_turns == [1]
    call.send(SpeechEnd())
    call.live(heard("Count."), *speaks(WORDS), COMPLETE)

    call.ack()
    call.ack()
    assert call.replies == ["", WORDS]


def test_a_text_waits_until_the_silent_reply_has_begun():
    call = stopping()
    call.send(Text("count"), Stop(), Text("hello"))
    assert call.texts == ["count"]

    call.live(said("One"))

    assert call.texts == ["count", "hello"]


def test_a_noise_after_a_stop_does_not_make_the_model_say_the_rest():
    call = replying()
    call.send(Stop())

    call.send(SpeechStart(), Audio(WHISPER), SpeechEnd())
    call.live(LiveInterrupted(), COMPLETE)
    call.pass_ms(20_000)

    assert call.texts == ["count"]


def test_a_reply_that_was_only_shown_is_not_said_after_a_stop():
    call = stopping()
    call.send(Text("count"))
    call.live(LiveAudio(bytes(960)), said(WORDS), IN_PROGRESS)
    call.send(Stop())
    before = len(call.posted)

    call.live(*speaks(WORDS), COMPLETE)

    assert [type(frame) for frame in frames_after(call, before)] == [TurnEnd]


def test_an_empty_turn_of_the_model_ends_a_stopped_turn_without_a_nudge():
    call = stopping()
    call.send(Text("count"), Stop())

    call.live(COMPLETE)

    assert (call.texts, call.ended_turns) == (["count"], [1])


def test_a_short_utterance_that_the_model_missed_is_not_sent_again_after_a_stop():
    call = stopping()
    call.utter()
    call.send(Stop())

    call.pass_ms(20_000)

    assert call.ended_turns == [1]
    assert call.error_messages == []


# Refusals


def test_a_stop_of_a_client_that_did_not_list_it_is_refused():
    call = started()
    call.send(Text("count"))
    call.live(*speaks(WORDS))

    call.send(Stop())

    (error,) = call.frames(SessionError)
    assert (error.code, error.refused_seq, error.retryable) == ("stop_not_listed", 3, False)
    assert call.frames(Interrupted) == []
    assert call.frames(Accepted)[-1] == Accepted(3)


def test_a_worker_that_does_not_know_the_message_takes_its_number_only():
    call = started()
    call.send(Text("count"), Unknown(STOP), Text("hello"))
    call.live(*speaks(WORDS), COMPLETE)

    assert call.frames(Accepted)[-1] == Accepted(4)
    assert call.texts == ["count", "hello"]


def test_the_features_of_the_newest_hello_count():
    call = stopping()
    call.send(Hello(features=(SPEECH_HEARD,)), connection="B")

    call.send(Stop(), connection="B")

    assert [error.code for error in call.frames(SessionError)] == ["stop_not_listed"]
    assert [one.features for one in call.all(SetConnection)] == [(STOP,), (SPEECH_HEARD,)]


# Tools


def test_a_tool_that_succeeds_after_the_stop_is_remembered_in_its_turn_and_not_spoken():
    call = booking()

    call.send(Stop())
    call.answer_tool(BOOKED)
    call.pass_ms(SPEAK_WITHIN_MS)
    call.ack()

    assert call.frames(ToolProgress)[-1] == ToolProgress(1, "ask_core_agent", "done")
    (turn,) = call.turns
    assert [one.answer for one in turn.tool_calls] == [BOOKED]
    (given,) = call.all(RespondToTool)
    assert (given.response.scheduling, given.response.is_held) == (ResponseScheduling.SILENT, True)
    call.pass_ms(25_000)
    assert call.texts == ["book Friday at three"]
    assert call.error_messages == []


def test_a_model_that_speaks_the_answer_all_the_same_is_not_heard():
    call = booking()
    call.send(Stop())
    call.answer_tool(BOOKED)
    before = len(call.posted)

    call.live(*speaks(BOOKED), COMPLETE)

    assert [type(frame) for frame in frames_after(call, before)] == [TurnEnd]


def test_the_outcome_is_told_after_the_next_reply():
    call = booking()
    call.send(Stop())
    call.answer_tool(BOOKED)
    call.pass_ms(SPEAK_WITHIN_MS)

    call.send(Text("thanks"))
    call.live(*speaks("You are welcome."), COMPLETE)
    call.pass_ms(1_000 + SPEAK_AGAIN_AFTER_MS)

    assert BOOKED in call.texts[-1]
    call.live(*speaks(BOOKED), COMPLETE)
    call.pass_ms(20_000)
    assert sum(BOOKED in text for text in call.texts) == 1


def test_the_next_reply_that_tells_the_outcome_is_enough():
    call = booking()
    call.send(Stop())
    call.answer_tool(BOOKED)
    call.pass_ms(SPEAK_WITHIN_MS)

    call.send(Text("thanks"))
    call.live(*speaks(BOOKED), COMPLETE)
    call.pass_ms(20_000)

    assert not any(BOOKED in text for text in call.texts)


def test_a_text_during_the_tool_does_not_wait_for_it():
    call = booking()
    call.send(Stop())

    call.send(Text("what time is it?"))

    assert call.texts[-1] == "what time is it?"
    assert call.ended_turns == [1]


def test_a_tool_that_the_silent_reply_calls_is_carried_out():
    call = stopping()
    call.send(Text("book Friday at three"), Stop())

    call.call_tool("x")
    call.live(COMPLETE)
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED), COMPLETE)
    call.ack()

    assert call.frames(ReplyAudio) == []
    (turn,) = call.turns
    assert [one.answer for one in turn.tool_calls] == [BOOKED]


def test_an_answer_that_the_stop_cut_off_is_told_after_the_next_reply():
    call = booking()
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED))
    call.ack(turn=1, played_ms=1_000)

    call.send(Stop())
    call.live(COMPLETE)
    call.pass_ms(20_000)
    assert call.texts == ["book Friday at three"]

    call.send(Text("thanks"))
    call.live(*speaks("You are welcome."), COMPLETE)
    call.pass_ms(1_000 + SPEAK_AGAIN_AFTER_MS)
    assert BOOKED in call.texts[-1]


def test_a_worker_does_not_stay_for_an_answer_that_waits_for_the_user():
    call = booking(settings=replace(SETTINGS, linger_ms=10_000))
    call.send(Stop())
    call.answer_tool(BOOKED)
    call.pass_ms(SPEAK_WITHIN_MS)
    call.ack()

    assert call.wait_for_end(60_000) is FinishReason.IDLE
    (kept,) = call.all(CommitTurn)[-1].pending_calls
    assert kept.key == ToolCallKey(1, 1)


def test_a_user_who_hangs_up_after_a_stop_gets_the_outcome_as_text():
    call = booking()
    call.send(Stop())
    call.answer_tool(BOOKED)
    call.pass_ms(SPEAK_WITHIN_MS)

    call.send(Bye())
    call.ack()

    assert call.error_messages == [BOOKED]
    assert call.frames(SessionClosed) == [SessionClosed("bye")]


# Replies without input


def test_a_greeting_can_be_stopped():
    call = stopping(settings=replace(SETTINGS, greeting="Good evening."))
    call.live(LiveAudio(SECOND * 2), said(WORDS))
    call.ack(turn=1, played_ms=1_000)

    call.send(Stop())
    call.live(LiveAudio(SECOND), COMPLETE)
    call.ack()

    assert call.frames(Interrupted) == [Interrupted(1)]
    assert call.exchanges == [("", "One two")]


def test_a_greeting_that_has_not_begun_can_be_stopped():
    call = stopping(settings=replace(SETTINGS, greeting="Good evening."))
    assert len(call.texts) == 1

    call.send(Stop())
    call.live(*speaks(WORDS), COMPLETE)

    assert call.frames(ReplyAudio) == []
    call.send(Text("count"))
    call.live(*speaks(WORDS), COMPLETE)
    assert call.frames(ReplyAudio)


def test_a_greeting_that_was_not_asked_for_yet_does_not_come_after_a_stop():
    settings = replace(SETTINGS, greeting="Good evening.")
    call = stopping(settings=settings, opens_live=False)
    call.send(Stop())
    call.open_live()
    call.pass_ms(20_000)

    assert call.texts == []
    assert call.wait_for_end(60_000) is FinishReason.IDLE


def test_a_farewell_can_be_stopped_and_the_session_ends_all_the_same():
    call = stopping()
    call.utter()
    call.live(heard("Bye."))
    call.call_tool("bye", "{}", name=END_CALL)
    call.live(*speaks("Goodbye."))

    call.send(Stop())
    call.live(LiveAudio(SECOND), COMPLETE)
    call.wait_for_end(60_000)

    assert call.frames(Interrupted) == [Interrupted(1)]
    assert call.frames(SessionClosed) == [SessionClosed("end_call")]
    assert call.finish() is FinishReason.ENDED


def test_a_stop_before_the_farewell_does_not_hold_the_session_open():
    call = stopping()
    call.utter()
    call.live(heard("Bye."))
    call.call_tool("bye", "{}", name=END_CALL)

    call.send(Stop())
    call.live(*speaks("Goodbye."), COMPLETE)
    call.wait_for_end(60_000)

    assert call.frames(ReplyAudio) == []
    assert call.finish() is FinishReason.ENDED


# Workers and Live sessions that end


def test_a_stopped_reply_is_not_made_again_by_another_live_session():
    call = replying()
    call.send(Stop())

    call.lose_live()
    call.ack()

    assert call.frames(TurnRestarted) == []
    assert call.texts == ["count"]
    assert call.replies == ["One two"]


def test_a_stopped_input_without_a_reply_is_silent_in_another_live_session_too():
    call = stopping()
    call.send(Text("count"), Stop())

    call.lose_live()
    call.live(*speaks(WORDS), COMPLETE)

    assert call.texts == ["count", "count"]
    assert call.frames(ReplyAudio) == []
    call.ack()
    assert call.exchanges == [("count", "")]


def test_the_successor_of_a_dead_worker_keeps_silent():
    state = replace(STATE, features=(STOP,))
    call = SessionHarness(state=state, is_takeover=True)
    call.start()

    call.read(call.numbered(Text("book Friday at three")), call.numbered(Stop()))
    call.call_tool("x")
    call.live(COMPLETE)
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED), COMPLETE)
    call.ack()

    assert call.frames(ReplyAudio) == []
    assert [one.answer for one in call.turns[0].tool_calls] == [BOOKED]


def test_the_outcome_of_an_adopted_call_waits_for_the_user_too():
    state = replace(STATE, features=(STOP,), pending_calls=(pending(),), epoch=EPOCH)
    call = SessionHarness(state=state, is_takeover=True)
    call.read(call.numbered(Stop()))
    call.feed(Started())
    call.answer_tool(BOOKED)
    call.pass_ms(20_000)
    assert call.texts == []

    call.send(Text("hello"))
    call.live(*speaks("Hello."), COMPLETE)

    assert BOOKED in call.texts[-1]


def test_a_worker_whose_time_is_over_hands_a_stopped_turn_over_as_it_is():
    call = replying()
    call.send(Stop())

    call.feed(TimeRunningOut(1_000))
    call.ack()

    assert call.replies == ["One two"]
    assert call.frames(TurnRestarted) == []


def test_a_transcript_of_the_user_still_comes():
    call = stopping()
    call.utter()
    call.send(Stop())
    call.live(heard("Count."), *speaks(WORDS), COMPLETE)

    assert [one.role for one in call.frames(Transcript)] == ["user"]


def test_unmarked_speech_after_a_stop_ends_the_silence():
    call = booking()
    call.send(Stop())
    call.answer_tool(BOOKED)
    call.pass_ms(SPEAK_WITHIN_MS)

    call.send(Audio(SPEECH), Audio(SILENCE))
    call.live(heard("Thanks."), *speaks("You are welcome."), COMPLETE)
    call.pass_ms(1_000 + SPEAK_AGAIN_AFTER_MS)

    assert BOOKED in call.texts[-1]
