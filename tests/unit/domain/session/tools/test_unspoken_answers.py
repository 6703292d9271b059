"""A tool's answer that the model has is spoken, or the client gets it as text; it is never lost."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.live.model import LiveAudio, LiveInterrupted
from repartee.domain.protocol.frames import SessionClosed, SessionError, TurnEnd
from repartee.domain.protocol.messages import Audio, Bye, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import CommitTurn, FinishReason, SendAudio
from repartee.domain.session.events import CoreAnswered
from repartee.domain.session.timing import SPEAK_WITHIN_MS, TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.tools.unspoken_answers import SPEAKS_WITHIN_MS
from repartee.domain.tools.core_calls import ASK_CORE_AGENT, CoreAnswer, ToolCallKey, ToolCallStatus
from tests.fakes.speech_detector import SPEECH
from tests.personas import NO_ANSWER, TOOLS
from tests.session_harness import (
    COMPLETE,
    IDLE,
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    pending,
    remembering,
    speaks,
    started,
)
from tests.unit.domain.session.tools.pending_calls import asking, calling, cues, errors

pytestmark = pytest.mark.unit

WHERE = '{"question":"Where?"}'


def asking_twice() -> SessionHarness:
    """The model has called two tools and completed its turn without a status."""
    call = calling()
    call.call_tool("y", WHERE)
    call.live(COMPLETE)
    return call


@pytest.mark.parametrize("filler", ["One moment.", ""])
def test_a_turn_that_completes_without_a_status_stays_open_while_its_call_is_pending(filler):
    call = asking(filler)
    call.pass_ms(3_000)
    call.answer_tool("At three.")
    assert call.ended_turns == []

    call.live(*speaks("At three.", COMPLETE))
    call.ack()
    call.pass_ms(3 * SPEAK_WITHIN_MS)

    assert call.replies == [f"{filler} At three.".strip()]
    assert (call.ended_turns, errors(call), cues(call)) == ([1], [], [])


@pytest.mark.parametrize("complete", [COMPLETE, IDLE])
def test_an_answer_that_is_not_spoken_in_its_turn_is_repeated_to_the_model(complete):
    call = calling()
    call.answer_tool("At three.")
    call.live(complete)
    call.pass_ms(SPEAK_WITHIN_MS - 1)
    assert call.texts == []
    call.pass_ms(1)
    assert call.texts == ["(The user has not heard this answer yet. Say it: At three.)"]

    call.live(*speaks("At three.", complete))
    call.ack()
    call.pass_ms(3 * SPEAK_WITHIN_MS)

    assert (call.replies, call.ended_turns, errors(call)) == (
        ["At three."],
        [1],
        [],
    )
    assert len(call.texts) == 1


@pytest.mark.parametrize("is_committed", [False, True])
@pytest.mark.parametrize("complete", [COMPLETE, IDLE])
def test_an_answer_that_is_never_spoken_reaches_the_client_as_text_and_memory(
    complete, is_committed
):
    call = asking(end=complete)
    if is_committed:
        call.ack()
    call.pass_ms(1_000)
    call.answer_tool("Friday at three is free.")
    call.live(complete)

    call.pass_ms(2 * SPEAK_WITHIN_MS - 1)
    assert (errors(call), len(cues(call))) == ([], 1)
    call.pass_ms(1)
    call.ack()

    assert errors(call) == [SessionError("no_answer", "Friday at three is free.", retryable=False)]
    unspoken = [answer for turn in call.turns for answer in turn.unspoken_answers]
    assert unspoken == ["Friday at three is free."]
    assert call.ended_turns == [turn.number for turn in call.turns]
    assert call.all(CommitTurn)[-1].pending_calls == ()
    assert call.wait_for_end() is FinishReason.IDLE
    assert (len(errors(call)), len(cues(call))) == (1, 1)


def test_an_answer_that_came_at_once_and_is_not_spoken_is_repeated():
    call = calling()
    call.answer_tool("At three.")
    call.live(*speaks("One moment.", COMPLETE))
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)

    assert len(cues(call)) == 1


def test_a_user_who_hangs_up_during_the_words_of_a_tool_call_gets_the_answer_as_text():
    call = calling()
    call.answer_tool("At three.")
    call.live(*speaks("One moment.", COMPLETE))
    call.send(Bye())
    call.wait_for_end()

    assert call.error_messages == ["At three."]
    assert [turn.unspoken_answers for turn in call.turns] == [("At three.",)]


def test_two_answers_that_came_at_once_are_both_awaited():
    call = calling()
    call.call_tool("y", WHERE)
    call.answer_tool("At three.", index=1)
    call.answer_tool("Upstairs.", index=2)
    call.live(*speaks("One moment.", COMPLETE), *speaks("At three.", COMPLETE))
    assert call.ended_turns == []

    call.live(*speaks("Upstairs.", COMPLETE))
    assert call.ended_turns == [1]


def test_two_answers_that_are_kept_back_are_repeated_in_one_text_and_sent_in_one_error():
    call = asking_twice()
    call.answer_tool("At three.", index=1)
    call.pass_ms(5_000)
    call.answer_tool("Upstairs.", index=2)
    call.pass_ms(SPEAK_WITHIN_MS - 1)
    assert cues(call) == []
    call.pass_ms(1)
    assert cues(call) == ["(The user has not heard this answer yet. Say it: At three. Upstairs.)"]

    call.pass_ms(SPEAK_WITHIN_MS)
    call.ack()

    assert call.error_messages == ["At three. Upstairs."]
    assert [turn.unspoken_answers for turn in call.turns] == [("At three.", "Upstairs.")]
    assert call.ended_turns == [1]


@pytest.mark.parametrize(
    ("spoken", "kept"), [("Come to us upstairs.", "At three."), ("Noon is over.", "Upstairs.")]
)
def test_the_unspoken_one_of_two_answers_is_repeated(spoken, kept):
    call = asking_twice()
    call.answer_tool("At three.", index=1)
    call.answer_tool("Upstairs.", index=2)
    call.live(*speaks(spoken, COMPLETE))
    assert call.ended_turns == []

    call.pass_ms(1_000 + SPEAK_WITHIN_MS)

    assert cues(call) == [f"(The user has not heard this answer yet. Say it: {kept})"]


def test_an_answer_that_comes_after_another_was_repeated_gets_its_own_chance():
    call = asking_twice()
    call.answer_tool("At three.", index=1)
    call.pass_ms(SPEAK_WITHIN_MS)
    call.answer_tool("Upstairs.", index=2)

    call.pass_ms(SPEAK_WITHIN_MS)
    assert [text.count("Upstairs.") for text in cues(call)] == [0, 1]
    call.pass_ms(SPEAK_WITHIN_MS)

    assert call.error_messages == ["At three. Upstairs."]


def test_an_error_does_not_end_a_turn_that_still_waits_for_another_answer():
    call = asking_twice()
    call.answer_tool("At three.", index=1)
    call.pass_ms(2 * SPEAK_WITHIN_MS)
    assert (call.error_messages, call.ended_turns) == (["At three."], [])

    call.answer_tool("Upstairs.", index=2)
    call.live(*speaks("Upstairs.", COMPLETE))

    assert call.ended_turns == [1]


def test_an_answer_interrupts_no_speech():
    call = asking()
    call.answer_tool("At three.")
    call.send(SpeechStart())
    for _ in range(8):
        call.send(Audio(SPEECH))
        call.pass_ms(2_500)
    call.send(SpeechEnd())
    call.live(LiveAudio(SECOND * 10))
    call.pass_ms(10_000 + SPEAK_WITHIN_MS - 1)

    assert cues(call) == []


def test_a_reply_that_the_user_cuts_leaves_its_pending_answer_to_a_later_turn():
    call = calling()
    call.live(*speaks("One moment, I am"))
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)
    assert call.ended_turns == [1]
    call.send(SpeechEnd())
    call.live(*speaks("Yes?", COMPLETE))
    call.answer_tool("At three.")
    call.live(*speaks("At three.", COMPLETE))

    assert call.ended_turns == [1, 2, 3]


def test_a_cut_reply_without_a_transcript_gives_way_to_the_users_speech():
    call = calling()
    call.live(LiveAudio(SECOND), COMPLETE)
    call.utter()

    assert call.ended_turns == [1]


def test_an_apology_for_a_call_without_an_answer_is_not_lost_either():
    call = asking()
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    assert call.responses == [("x", "failed")]

    call.pass_ms(2 * SPEAK_WITHIN_MS)

    assert errors(call) == [SessionError("no_answer", NO_ANSWER.answer, retryable=True)]
    assert call.ended_turns[0] == 1


def test_a_refusal_is_not_lost_either():
    call = asking()
    refused = CoreAnswer(ToolCallStatus.REFUSED, "We are closed on Sunday.")
    call.feed(CoreAnswered(ToolCallKey(1, 1), call.asked[0].arguments_hash, refused))
    call.pass_ms(1_000 + 2 * SPEAK_WITHIN_MS)

    assert call.error_messages == ["We are closed on Sunday."]


def test_instructions_to_the_model_are_not_for_the_user():
    call = started()
    call.utter()
    call.live(*speaks("Slowly it is."))
    call.call_tool("x", '{"style":"slowly"}', name="set_preferences")
    call.call_tool("y", "{}", name=ASK_CORE_AGENT)
    call.live(COMPLETE)
    call.pass_ms(5 * SPEAK_WITHIN_MS)

    assert (call.ended_turns, cues(call), errors(call)) == ([1], [], [])


def test_the_next_live_session_gets_an_answer_and_repeats_it_once_too():
    call = asking(end=IDLE)
    call.ack()
    call.answer_tool("At three.")
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)
    call.lose_live()
    assert len(cues(call)) == 2

    call.pass_ms(2 * SPEAK_WITHIN_MS)
    call.ack()

    assert len(cues(call)) == 3
    assert call.error_messages == ["At three."]
    assert [turn.unspoken_answers for turn in call.turns][-1] == ("At three.",)


def test_the_next_worker_sends_an_answer_that_is_never_spoken_as_text():
    state = replace(STATE, pending_calls=(pending(),))
    call = started(state=state, memory=remembering(Turn(1, "S", 0, 1, said="One moment.")))
    call.answer_tool("At three.")
    assert len(cues(call)) == 1
    call.pass_ms(2 * SPEAK_WITHIN_MS)
    call.ack()

    assert len(cues(call)) == 2
    assert call.error_messages == ["At three."]
    assert [turn.unspoken_answers for turn in call.turns] == [("At three.",)]
    assert call.all(CommitTurn)[-1].pending_calls == ()


def test_a_farewell_waits_for_the_answer_and_then_sends_it_as_text():
    call = calling()
    call.call_tool("y", "{}", name="end_call")
    call.live(*speaks("Goodbye.", COMPLETE))
    call.answer_tool("At three.")
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)
    assert (len(cues(call)), call.frames(SessionClosed)) == (1, [])

    call.wait_for_end()

    assert call.error_messages == ["At three."]
    assert [frame.frame for frame in call.posted][-1] == SessionClosed("end_call")
    assert [turn.unspoken_answers[-1] for turn in call.turns] == ["At three."]


def test_a_farewell_may_come_after_a_call_that_completes_its_turn():
    call = started()
    call.utter()
    call.call_tool("y", "{}", name="end_call")
    call.live(COMPLETE)
    assert call.frames(SessionClosed) == []

    call.live(*speaks("Goodbye.", COMPLETE))
    call.ack()
    call.pass_ms(1_000)

    assert call.frames(SessionClosed) == [SessionClosed("end_call")]
    assert call.replies == ["Goodbye."]


def test_an_answer_that_is_unspoken_at_hang_up_is_sent_as_text_and_remembered():
    call = asking()
    call.ack()
    call.answer_tool("At three.")
    call.send(Bye())
    call.wait_for_end()

    assert call.error_messages == ["At three."]
    assert "At three." in call.turns[-1].unspoken_answers


def test_an_answer_that_a_lost_live_session_kept_to_itself_is_sent_as_text_at_the_end():
    call = asking(end=IDLE)
    call.answer_tool("At three.")
    call.utter()
    call.call_tool("y", "{}", name="end_call")
    call.lose_live()
    call.wait_for_end()

    assert call.error_messages == ["At three."]


def test_a_model_that_waits_in_silence_hears_the_user_soon_after_it_has_the_answer():
    tools = tuple(replace(tool, blocking=tool.name == ASK_CORE_AGENT) for tool in TOOLS)
    call = started(settings=replace(SETTINGS, tools=tools))
    call.utter()
    call.call_tool("x")
    call.utter()
    before = len(call.all(SendAudio))
    call.answer_tool("At three.")
    assert len(call.all(SendAudio)) == before
    call.pass_ms(SPEAKS_WITHIN_MS)
    assert len(call.all(SendAudio)) == before + 2

    call.live(*speaks("Nothing of the kind.", COMPLETE))
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)

    assert len(cues(call)) == 1


def test_an_answer_in_a_reply_that_never_ends_is_spoken_once_that_reply_is_given_up():
    call = asking(end=IDLE)
    call.answer_tool("At three.")
    call.live(*speaks("At three."))
    assert call.wait_for_end() is FinishReason.IDLE

    assert (cues(call), errors(call), call.ended_turns) == ([], [], [1, 2])


def test_an_unspoken_answer_of_an_endless_reply_does_not_delay_the_user():
    call = started()
    call.live(*speaks("Welcome."))
    call.call_tool("x")
    call.send(Text("Are you there?"))
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    assert call.responses == [("x", "failed")]

    call.pass_ms(SPEAK_WITHIN_MS)
    assert call.ended_turns == [1]
    assert call.wait_for_end() is FinishReason.IDLE
    assert len(call.frames(TurnEnd)) == 2


def test_a_reply_that_never_ends_is_nudged_although_its_answer_is_unspoken_and_the_user_speaks_on():
    call = started()
    call.utter()
    call.live(*speaks("One moment."))
    call.call_tool("x")
    call.utter()
    call.answer_tool("At three.")

    assert call.wait_for_end() is FinishReason.IDLE
    assert call.ended_turns == [1, 2]
