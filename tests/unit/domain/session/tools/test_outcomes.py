"""Each question to core_agent has an outcome, and the user hears it once, whatever happens."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import ToolCall, Turn
from repartee.domain.live.model import (
    LiveEvent,
    LiveGenerationComplete,
    LiveInterrupted,
    LiveToolCallsCancelled,
)
from repartee.domain.protocol.frames import SessionError, ToolProgress, TurnEnd
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import CommitTurn, RespondToTool, SendText
from repartee.domain.session.timing import SPEAK_WITHIN_MS, TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.tools.calls import NO_ANSWER
from repartee.domain.session.tools.unspoken_answers import SPEAK_AGAIN_AFTER_MS
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import (
    COMPLETE,
    IDLE,
    IN_PROGRESS,
    STATE,
    SessionHarness,
    pending,
    remembering,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

CANCELLED = LiveToolCallsCancelled(("x",))
WHERE = '{"question":"Where?"}'
BOOKED = "You are booked for Friday at three."


def given(call: SessionHarness, answer: str = BOOKED) -> int:
    """How often the model got an answer to speak, as a tool's answer or as text."""
    responses = [one.response for one in call.all(RespondToTool)]
    spoken = sum(one.answer == answer and one.scheduling != "SILENT" for one in responses)
    return spoken + sum(answer in one.text for one in call.all(SendText))


def remembered(call: SessionHarness) -> list[tuple[int, str, str]]:
    """Each call that a turn remembers: its turn, its status and its answer."""
    return [(turn.number, one.status, one.answer) for turn in call.turns for one in turn.tool_calls]


def asking(*ids: str) -> SessionHarness:
    """The model has called a tool, with a few words, and its turn stays open."""
    call = started()
    call.utter()
    for call_id in ids or ("x",):
        call.call_tool(call_id)
    call.live(*speaks("One moment."))
    return call


def spoken_over(*events: LiveEvent) -> SessionHarness:
    """The user has spoken over the words that the model said meanwhile, and is answered."""
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(*(events or (LiveInterrupted(), CANCELLED, COMPLETE)))
    call.send(SpeechEnd())
    call.live(*speaks("Yes, I am here.", COMPLETE))
    return call


@pytest.mark.parametrize("status", ToolCallStatus)
@pytest.mark.parametrize("is_written", [True, False])
@pytest.mark.parametrize(
    "events",
    [
        (LiveInterrupted(), CANCELLED, COMPLETE),
        (LiveInterrupted(), CANCELLED, IDLE),
        (CANCELLED, LiveInterrupted(), IDLE),
        (COMPLETE, CANCELLED),
        (IN_PROGRESS, CANCELLED),
        (LiveInterrupted(), COMPLETE, CANCELLED),
    ],
)
def test_the_outcome_of_a_call_that_the_model_cancelled_is_remembered_and_spoken(
    events, is_written, status
):
    call = spoken_over(*events)
    if is_written:
        call.ack()
    call.answer_tool(BOOKED, status=status)
    assert (given(call), call.responses) == (1, [])

    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()
    call.pass_ms(60_000)

    assert remembered(call) == [(3 if is_written else 1, status, BOOKED)]
    assert call.replies[1:] == ["Yes, I am here.", BOOKED]
    assert (given(call), call.frames(SessionError)) == (1, [])
    assert call.ended_turns == [1, 2, 3]
    phases = [frame.phase for frame in call.frames(ToolProgress)]
    assert phases == ["started", "done" if status is ToolCallStatus.DONE else "failed"]


def test_an_outcome_waits_until_the_user_is_answered():
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), CANCELLED, COMPLETE)
    call.answer_tool(BOOKED)
    call.answer_tool(BOOKED)
    call.send(SpeechEnd())
    call.live(*speaks("Yes, I am"))
    assert given(call) == 0

    call.live(COMPLETE)

    assert given(call) == 1


@pytest.mark.parametrize("words", ["One moment.", ""])
def test_a_noise_that_cancels_a_call_does_not_keep_its_outcome_back(words):
    call = started()
    call.utter()
    call.call_tool("x")
    call.live(*(speaks(words) if words else []), COMPLETE)
    assert call.frames(TurnEnd) == []
    call.live(CANCELLED)
    assert call.ended_turns == [1]

    call.answer_tool(BOOKED)

    assert given(call) == 1


def test_speech_before_any_reply_is_answered_although_the_call_is_cancelled():
    call = started()
    call.utter()
    call.call_tool("x")
    call.live(COMPLETE)
    call.utter()
    call.live(CANCELLED)
    assert call.frames(TurnEnd) == []

    call.live(*speaks("Yes?", COMPLETE))
    call.answer_tool(BOOKED)

    assert call.ended_turns == [1]
    assert given(call) == 1


def test_a_cancelled_call_without_an_answer_ends_with_an_apology():
    call = spoken_over()
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    call.live(*speaks(NO_ANSWER.answer, COMPLETE))
    call.ack()

    assert given(call, NO_ANSWER.answer) == 1
    assert remembered(call) == [(1, "failed", NO_ANSWER.answer)]


def test_an_outcome_that_comes_after_the_apology_is_spoken_too():
    call = asking()
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    call.live(COMPLETE, *speaks(NO_ANSWER.answer, COMPLETE))
    call.answer_tool(BOOKED)
    call.answer_tool(BOOKED)
    assert given(call) == 1

    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert remembered(call) == [(1, "done", BOOKED)]
    assert given(call) == 1


@pytest.mark.parametrize("status", [ToolCallStatus.DONE, ToolCallStatus.FAILED])
def test_an_apology_that_is_not_spoken_yet_gives_way_to_an_outcome_but_not_to_another(status):
    call = asking()
    call.live(COMPLETE)
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    call.answer_tool(BOOKED, status=status)
    call.pass_ms(3 * SPEAK_WITHIN_MS)

    errors = call.error_messages
    assert errors == [BOOKED if status is ToolCallStatus.DONE else NO_ANSWER.answer]


@pytest.mark.parametrize("is_lost", [False, True])
def test_the_outcome_replaces_an_undelivered_apology_for_a_cancelled_call(is_lost):
    call = spoken_over()
    call.utter()
    if is_lost:
        call.opens_live = False
        call.lose_live()
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    call.answer_tool(BOOKED)
    if is_lost:
        call.opens_live = True
        call.open_live()
    call.live(*speaks("Yes, still here.", COMPLETE))
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert (given(call), given(call, NO_ANSWER.answer)) == (1, 0)
    assert [(status, answer) for _, status, answer in remembered(call)] == [("done", BOOKED)]


def test_an_outcome_that_comes_while_the_next_turn_goes_on_is_remembered_in_it():
    call = asking()
    call.send(Text("Hello?"))
    call.live(LiveInterrupted(), COMPLETE)
    call.ack()
    call.answer_tool(BOOKED)
    call.live(*speaks(f"Yes. {BOOKED}", COMPLETE))
    call.ack()

    assert remembered(call) == [(2, "done", BOOKED)]


@pytest.mark.parametrize(
    ("known", "remembered_again"),
    [(ToolCallStatus.DONE, []), (ToolCallStatus.FAILED, [(2, "done", BOOKED)])],
)
def test_an_outcome_that_the_worker_before_remembered_is_spoken_and_not_remembered_again(
    known, remembered_again
):
    owed = pending(1)
    told = ToolCall(owed.key, owed.name, owed.arguments_json, known, BOOKED)
    before = Turn(1, "S", 0, 0, "When?", "", tool_calls=(told,))
    call = started(state=replace(STATE, pending_calls=(owed,)), memory=remembering(before))
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert given(call) == 1
    assert remembered(call) == remembered_again


@pytest.mark.parametrize("status", ToolCallStatus)
def test_an_answer_without_words_is_put_into_words(status):
    call = asking()
    call.live(COMPLETE)
    call.answer_tool(" \n", status=status)
    call.pass_ms(3 * SPEAK_WITHIN_MS)
    call.ack()

    (error,) = call.frames(SessionError)
    assert error.message.startswith(
        {"done": "That is done", "refused": "That is not possible", "failed": "I could not"}[status]
    )
    assert remembered(call) == [(1, status, error.message)]


# The same question once more


@pytest.mark.parametrize("arguments", ['{"question":"When?"}', '{"question":"when?"}'])
def test_a_question_repeated_after_a_cancellation_gets_the_outcome_of_the_same_run(arguments):
    call = spoken_over()
    call.utter()
    call.call_tool("y", arguments)
    call.live(COMPLETE)
    call.pass_ms(2_000)
    assert call.ended_turns == [1, 2]
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()
    call.pass_ms(60_000)

    assert len(call.asked) == 1
    assert call.responses == [("y", "done")]
    assert given(call) == 1
    assert remembered(call) == [(1, "done", BOOKED)]
    assert call.replies[-1] == BOOKED


def test_a_repeated_question_with_a_known_outcome_is_answered_at_once():
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), CANCELLED, COMPLETE)
    call.answer_tool(BOOKED)
    call.send(SpeechEnd())
    call.call_tool("y")
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()
    call.pass_ms(60_000)

    assert (len(call.asked), call.responses, given(call)) == (1, [("y", "done")], 1)
    assert remembered(call) == [(1, "done", BOOKED)]


def test_a_repeated_question_that_failed_runs_again():
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), CANCELLED, COMPLETE)
    call.answer_tool("That did not work.", status=ToolCallStatus.FAILED)
    call.send(SpeechEnd())
    call.call_tool("y")

    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1), ToolCallKey(2, 1)]


def test_a_turn_that_asks_again_for_what_runs_already_waits_for_it():
    call = asking()
    call.live(COMPLETE)
    call.utter()
    call.call_tool("y")
    call.live(COMPLETE)
    call.pass_ms(2_000)
    call.answer_tool(BOOKED)

    assert len(call.asked) == 1
    assert call.responses == [("x", "done"), ("y", "done")]
    assert given(call) == 1
    assert call.ended_turns == [1]


@pytest.mark.parametrize("turn", [1, 2])
def test_a_call_that_comes_again_before_its_answer_is_spoken_has_the_same_answer(turn):
    call = asking()
    call.answer_tool(BOOKED)
    if turn == 2:
        call.live(IDLE)
        call.utter()
    call.call_tool("y")

    assert (len(call.asked), call.responses) == (1, [("x", "done"), ("y", "done")])
    # The turn that has got it already speaks it once.
    assert given(call) == turn


def test_a_call_that_was_answered_aloud_is_run_again_when_it_is_asked_again():
    call = asking()
    call.answer_tool(BOOKED)
    call.live(COMPLETE, *speaks(BOOKED, COMPLETE))
    call.utter()
    call.call_tool("y")

    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1), ToolCallKey(2, 1)]


# Several calls, and calls without ids


def test_the_id_that_is_not_cancelled_gets_the_answer():
    call = asking("x", "y")
    call.live(CANCELLED)
    call.answer_tool(BOOKED)

    assert call.responses == [("y", "done")]
    assert given(call) == 1


def test_two_cancelled_calls_are_spoken_of_in_one_text():
    call = asking()
    call.call_tool("y", WHERE)
    call.live(LiveInterrupted(), LiveToolCallsCancelled(("x", "y")), COMPLETE)
    call.utter()
    call.answer_tool(BOOKED)
    call.answer_tool("Upstairs.", index=2)
    call.live(*speaks("Yes?", COMPLETE))

    assert call.texts == [f"(The answer that was still owed: {BOOKED} Upstairs.)"]


def test_two_calls_without_ids_that_ask_the_same_share_one_run_and_are_both_answered():
    call = asking("", "")
    call.live(COMPLETE)
    call.answer_tool(BOOKED)
    call.call_tool("", WHERE)

    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1), ToolCallKey(1, 2)]
    assert call.responses == [("", "done"), ("", "done")]
    assert given(call) == 1


@pytest.mark.parametrize("ids", [("x",), ()])
def test_a_cancellation_that_does_not_name_a_call_without_an_id_does_not_concern_it(ids):
    call = asking("")
    call.live(LiveToolCallsCancelled(ids))
    call.answer_tool(BOOKED)

    assert call.responses == [("", "done")]


def test_a_call_without_an_id_can_be_cancelled_too():
    call = asking("")
    call.live(LiveInterrupted(), LiveToolCallsCancelled(("",)), COMPLETE)
    call.answer_tool(BOOKED)

    assert (call.responses, given(call)) == ([], 1)


@pytest.mark.parametrize("ids", [("x", ""), ("", "x")])
def test_ids_and_none_may_ask_the_same(ids):
    call = asking(*ids)
    call.live(CANCELLED)
    call.answer_tool(BOOKED)

    assert (len(call.asked), call.responses) == (1, [("", "done")])


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


# The live session or the worker goes


@pytest.mark.parametrize("is_known", [True, False])
def test_the_outcome_of_a_cancelled_call_is_given_to_the_next_live_session(is_known):
    call = spoken_over()
    call.ack()
    if is_known:
        call.answer_tool(BOOKED)
    call.lose_live()
    if not is_known:
        call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.pass_ms(60_000)

    assert given(call) == (2 if is_known else 1)
    assert [one.answer for turn in call.turns for one in turn.tool_calls] == [BOOKED]


def test_a_restarted_turn_is_not_over_because_it_was_kept_open_before():
    call = asking()
    call.live(COMPLETE)
    call.lose_live()
    assert call.frames(TurnEnd) == []

    call.live(*speaks("Hello again.", COMPLETE))

    assert call.ended_turns == [1]


def test_a_restarted_turn_that_does_not_ask_again_still_speaks_the_outcome():
    call = asking()
    call.lose_live()
    call.answer_tool(BOOKED)
    assert given(call) == 0
    call.live(*speaks("Hello again.", COMPLETE))
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert (len(call.asked), given(call)) == (1, 1)
    assert remembered(call) == [(1, "done", BOOKED)]


def test_a_restarted_turn_that_asks_again_in_other_words_gets_the_newer_answer_alone():
    call = asking()
    call.lose_live()
    call.call_tool("y", '{"question":"At what time?"}')
    first, second = call.asked
    assert first.key == second.key
    call.answer_late(first, "At three.")
    call.answer_late(second, BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert call.responses == [("y", "done")]
    assert (given(call, "At three."), given(call)) == (0, 1)
    assert remembered(call) == [(1, "done", BOOKED)]


def test_another_tool_of_a_restarted_turn_does_not_take_the_place_of_its_question():
    call = asking()
    call.lose_live()
    call.call_tool("y", '{"style":"slowly"}', name="set_preferences")
    call.call_tool("z", WHERE)
    call.call_tool("w")

    keys = [asked.key for asked in call.asked]
    assert keys == [ToolCallKey(1, 1), ToolCallKey(1, 3), ToolCallKey(1, 1)]


def test_a_cancelled_call_is_left_to_the_next_worker_which_speaks_its_outcome():
    call = spoken_over()
    call.ack()
    kept = call.all(CommitTurn)[-1].pending_calls
    assert [one.key for one in kept] == [ToolCallKey(1, 1)]

    memory = remembering(*call.turns)
    successor = started(state=replace(STATE, pending_calls=kept), memory=memory)
    successor.answer_tool(BOOKED)
    successor.live(*speaks(BOOKED, COMPLETE))
    successor.ack()

    assert remembered(successor) == [(3, "done", BOOKED)]
    assert successor.all(CommitTurn)[-1].pending_calls == ()


def test_a_question_repeated_to_the_next_worker_shares_the_open_run():
    state = replace(STATE, pending_calls=(pending(),))
    call = started(state=state, memory=remembering(Turn(1, "S", 0, 1, said="One moment.")))
    call.utter()
    call.call_tool("z")
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.pass_ms(60_000)

    assert (len(call.asked), call.responses, given(call)) == (1, [("z", "done")], 1)
