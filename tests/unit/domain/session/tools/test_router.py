"""The tool rules: every call id is answered once, by a deadline."""

import json
from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.turn_bounds import MAX_SPOKEN_CHARACTERS
from repartee.domain.live.model import LiveAudio, LiveGenerationComplete, LiveInterrupted
from repartee.domain.protocol.frames import ToolProgress, TurnEnd
from repartee.domain.protocol.messages import Text
from repartee.domain.session.effects import (
    CommitTurn,
    OpenLive,
    RespondToTool,
    SavePreferences,
    SendText,
)
from repartee.domain.session.state import PendingCall, SessionState
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from repartee.domain.tools.core_calls import ToolCallKey
from repartee.domain.users.preferences import PreferenceChanges
from tests.session_harness import (
    COMPLETE,
    IN_PROGRESS,
    SECOND,
    STATE,
    SessionHarness,
    pending,
    remembering,
    said,
    started,
)

pytestmark = pytest.mark.unit


def test_a_question_is_asked_once_and_its_answer_given_to_the_model():
    call = started()
    call.utter()
    call.call_tool("x", '{"question":"Is Friday free?"}')
    (asked,) = call.asked
    assert (asked.key, asked.question) == (ToolCallKey(1, 1), "Is Friday free?")
    assert (asked.language, asked.timeout_ms) == ("en-US", 25_000)

    call.answer_tool("At three.")
    call.answer_tool("At four.")
    call.reply("It is free at three.")
    call.ack()

    (response,) = call.all(RespondToTool)
    assert (response.response.call_id, response.response.answer) == ("x", "At three.")
    assert [frame.phase for frame in call.frames(ToolProgress)] == ["started", "done"]
    assert [one.answer for one in call.turns[0].tool_calls] == ["At three."]


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("set_preferences", '{"language":"es-ES","asked_by_user":true}', "done"),
        ("set_preferences", '{"language":"tlh"}', "refused"),
        ("ask_core_agent", "{}", "refused"),
        ("fly", "{}", "refused"),
    ],
)
def test_an_instruction_to_the_model_is_no_part_of_the_conversation(
    name: str, arguments: str, status: str
) -> None:
    call = started()
    call.utter()
    call.call_tool("x", arguments, name=name)
    call.reply("All right.")
    call.ack()

    (recorded,) = call.turns[0].tool_calls
    assert (recorded.name, recorded.status, recorded.answer) == (name, status, "")
    call.lose_live()
    assert call.all(OpenLive)[-1].config.history[-1].text == "All right."


def test_duplicate_calls_share_one_run_and_each_id_gets_the_answer_once():
    call = started()
    call.utter()
    for call_id in ("x", "y", "x"):
        call.call_tool(call_id)
    call.answer_tool()

    assert len(call.asked) == 1
    assert call.responses == [("x", "done"), ("y", "done")]
    # Each answer may be spoken in a turn of its own, which would look like the reply to what the
    # user says next.
    assert [one.response.scheduling for one in call.all(RespondToTool)] == ["WHEN_IDLE", "SILENT"]
    call.call_tool("x")
    assert len(call.responses) == 2


def test_a_call_that_gets_no_answer_is_answered_with_an_apology_at_its_deadline():
    call = started()
    call.utter()
    call.call_tool("x")

    call.pass_ms(24_999)
    assert call.responses == []
    call.pass_ms(1)
    assert call.responses == [("x", "failed")]
    call.answer_tool()
    assert len(call.responses) == 1


def test_the_model_gets_time_to_speak_an_answer_that_came_late():
    call = started()
    call.utter()
    call.pass_ms(5_000)
    call.call_tool("x")
    call.pass_ms(25_000)
    assert call.responses == [("x", "failed")]

    call.pass_ms(STALL_MS - 1)
    assert NUDGE not in call.texts


@pytest.mark.parametrize(
    "meanwhile", [LiveInterrupted(), LiveGenerationComplete()], ids=["interrupted", "generated"]
)
def test_a_pending_call_is_answered_although_the_reply_ends_or_is_cut(meanwhile):
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND[:960]), said("Let me look."))
    call.call_tool("x")
    call.live(meanwhile, COMPLETE)
    call.answer_tool("At three.")

    assert call.responses == [("x", "done")]


def test_an_unknown_tool_is_refused_by_name():
    call = started()
    call.call_tool("x", "{}", name="open_door")

    assert call.responses == [("x", "refused")]
    assert "open_door" in call.all(RespondToTool)[0].response.answer


@pytest.mark.parametrize("arguments", ["{}", '{"question":""}', '{"question":7}', "[1]", "oops"])
def test_a_question_without_words_is_refused(arguments):
    call = started()
    call.call_tool("x", arguments)

    assert call.responses == [("x", "refused")]
    assert call.asked == []


def test_the_longest_question_is_asked_and_one_more_beside_it_is_not():
    call = started()
    call.utter()
    longest = "\U0001f600" * MAX_SPOKEN_CHARACTERS
    call.call_tool("x", json.dumps({"question": longest}))
    call.call_tool("y", json.dumps({"question": f"{longest[1:]}?"}))

    assert [one.question for one in call.asked] == [longest]
    assert call.responses == [("y", "refused")]


def test_the_language_is_changed_remembered_and_used_from_then_on():
    call = started()
    call.call_tool("x", '{"asked_by_user":true,"language":"es-ES"}', name="set_preferences")
    call.call_tool("y")
    call.reply()
    call.lose_live()

    assert call.responses[0] == ("x", "done")
    assert call.all(SavePreferences) == [SavePreferences(PreferenceChanges("es-ES"))]
    assert call.asked[0].language == "es-ES"
    assert call.all(OpenLive)[-1].config.language == "es-ES"


@pytest.mark.parametrize("language", ["", "Spanish please", "e", "es_ES", "es-ES; drop"])
def test_a_malformed_language_tag_is_refused(language):
    call = started()
    call.call_tool("x", f'{{"language":"{language}"}}', name="set_preferences")

    assert call.responses == [("x", "refused")]
    assert call.all(SavePreferences) == []


def test_a_call_of_a_turn_that_restarts_is_made_again_under_the_same_key():
    call = started()
    call.utter()
    call.call_tool("x")
    call.lose_live()
    call.call_tool("z")
    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1), ToolCallKey(1, 1)]

    call.answer_tool()

    assert call.responses == [("z", "done")]


def test_an_answer_whose_live_session_is_gone_is_given_as_text_when_the_model_is_idle():
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("I am looking.")
    call.ack()
    call.opens_live = False
    call.lose_live()
    call.answer_tool("At three.")
    assert call.all(SendText) == []

    call.open_live()

    assert call.responses == []
    (sent,) = call.all(SendText)
    assert "At three." in sent.text
    call.reply("At three, by the way.")
    call.ack()
    assert [one.answer for one in call.turns[1].tool_calls] == ["At three."]


def test_a_late_answer_that_was_not_spoken_before_a_drop_is_given_again():
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("I am looking.")
    call.answer_tool("At three.")
    assert call.responses == [("x", "done")]

    call.lose_live()

    (sent,) = call.all(SendText)
    assert "At three." in sent.text
    call.lose_live()
    assert len(call.all(SendText)) == 1
    call.pass_ms(2_000)
    assert len(call.all(SendText)) == 2
    call.reply("At three.")
    call.lose_live()
    call.pass_ms(4_000)
    assert len(call.all(SendText)) == 2


def test_an_answer_that_is_cut_off_while_it_is_spoken_is_given_again():
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("I am looking.")
    call.answer_tool("At three.")
    call.live(LiveAudio(SECOND[:960]), said("At"))

    call.lose_live()

    assert "At three." in call.all(SendText)[0].text
    assert call.replies == []
    call.reply("At three.")
    call.ack()
    assert call.replies[-1] == "At three."


def test_an_answer_that_was_not_spoken_is_left_to_a_successor():
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("I am looking.")
    call.answer_tool("At three.")
    call.ack()

    (commit,) = call.all(CommitTurn)
    assert [one.key for one in commit.pending_calls] == [ToolCallKey(1, 1)]


def test_an_answer_that_comes_into_another_reply_is_open_until_its_reply():
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("I am looking.")
    call.utter()
    call.live(LiveAudio(SECOND[:960]))
    call.answer_tool("At three.")
    call.reply("As to the other thing.")
    call.lose_live()

    assert "At three." in call.all(SendText)[0].text


def test_an_owed_answer_does_not_interrupt_a_turn():
    call = started(
        state=_with_pending(pending(1, 1), pending(1, 2, "Where?")), memory=remembering(_turn())
    )
    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1), ToolCallKey(1, 2)]
    call.utter()
    call.answer_tool("At three.", index=1)
    call.answer_tool("Upstairs.", index=2)
    assert call.all(SendText) == []

    call.reply()

    (sent,) = call.all(SendText)
    assert "At three. Upstairs." in sent.text


def test_a_turn_that_is_never_answered_does_not_hold_back_an_owed_answer():
    call = started(state=_with_pending(pending()), memory=remembering(_turn()))
    call.utter()
    call.answer_tool("At three.")
    call.pass_ms(3 * STALL_MS)

    assert len(call.frames(TurnEnd)) == 1
    nudge, sent = call.all(SendText)
    assert nudge.text == NUDGE
    assert "At three." in sent.text


def test_a_worker_does_not_leave_before_an_adopted_call_is_answered():
    call = SessionHarness(
        state=_with_pending(pending()), memory=remembering(_turn()), opens_live=False
    )
    call.start()
    call.answer_tool()
    assert call.all(SendText) == []
    call.pass_ms(10_000)
    assert call.finish() is None

    call.open_live()

    assert len(call.all(SendText)) == 1


def test_an_adopted_call_that_asks_nothing_is_answered_at_once():
    broken = pending(question="")
    call = SessionHarness(state=_with_pending(broken), memory=remembering(_turn()))
    call.start()

    assert call.asked == []
    assert "Put a short request in `question`" in call.all(SendText)[0].text


def test_a_call_outlives_its_turn_and_is_left_to_a_successor():
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("I am looking.")
    call.utter()
    call.call_tool("y", '{"question":"Where?"}')
    call.ack()

    (commit,) = call.all(CommitTurn)
    assert [one.key for one in commit.pending_calls] == [ToolCallKey(1, 1)]


def test_an_answer_that_comes_while_its_turn_waits_for_delivery_is_part_of_it():
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("I am looking.")
    call.answer_tool()
    call.ack()

    assert [one.answer for one in call.turns[0].tool_calls] == ["At three."]


def test_an_answer_in_mid_turn_reaches_the_model_while_it_speaks():
    call = started()
    call.utter()
    call.live(said("Let me look."), LiveAudio(SECOND[:960]))
    call.call_tool("x")
    call.live(IN_PROGRESS)
    call.answer_tool()

    assert call.responses == [("x", "done")]
    assert call.frames(TurnEnd) == []


def _turn() -> Turn:
    call = started()
    call.send(Text("x"))
    call.reply()
    call.ack()
    return call.turns[0]


def _with_pending(*calls: PendingCall) -> SessionState:
    return replace(STATE, pending_calls=calls)
