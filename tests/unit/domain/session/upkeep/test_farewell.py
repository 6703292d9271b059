"""A call that would end too early: the user speaks on, or an outcome is pending."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import (
    LiveAudio,
    LiveFailure,
    LiveInterrupted,
    LiveToolCallsCancelled,
)
from repartee.domain.protocol.frames import Accepted, SessionClosed
from repartee.domain.protocol.messages import (
    Audio,
    Bye,
    Detached,
    Hello,
    Message,
    SpeechEnd,
    SpeechStart,
    Superseded,
    Text,
)
from repartee.domain.session.effects import FinishReason, SendAudio, SendText
from repartee.domain.session.events import MailboxRead, Started
from repartee.domain.session.timing import TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.upkeep.departure import CLOSING_MS, FAREWELL_MS
from repartee.domain.tools.core_calls import END_CALL, ToolCallStatus
from tests.fakes.speech_detector import SPEECH
from tests.personas import NO_ANSWER
from tests.session_harness import (
    COMPLETE,
    IDLE,
    SECOND,
    SETTINGS,
    SessionHarness,
    heard,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

WAIT = "Wait, please book Friday at three."
BOOKED = "You are booked for Friday at three."
CLOSED = [SessionClosed("end_call")]


def ending() -> SessionHarness:
    """The user has said goodbye, and the model ends the call."""
    call = started()
    call.utter()
    call.live(heard("Bye."))
    call.call_tool("bye", "{}", name=END_CALL)
    return call


def says(call: SessionHarness, messages: tuple[Message, ...]) -> None:
    call.send(*messages)
    if not isinstance(messages[0], Text):
        call.live(heard(WAIT))


WAYS = [
    pytest.param((Text(WAIT),), id="typed"),
    pytest.param((SpeechStart(), Audio(SPEECH), Audio(SPEECH), SpeechEnd()), id="marked"),
    pytest.param((Audio(SPEECH), Audio(SPEECH), Audio(bytes(640))), id="found"),
]


@pytest.mark.parametrize("messages", WAYS)
@pytest.mark.parametrize(
    ("farewell", "is_acknowledged"),
    [
        ([], False),
        (speaks("Good"), False),
        (speaks("Goodbye.", COMPLETE), False),
        (speaks("Goodbye.", COMPLETE), True),
    ],
    ids=["before it", "in it", "after it", "while it is played"],
)
def test_a_user_who_speaks_during_the_farewell_is_answered_and_the_call_continues(
    farewell, is_acknowledged, messages
):
    call = ending() if isinstance(messages[0], SpeechStart | Text) else started()
    if not isinstance(messages[0], SpeechStart | Text):
        call.send(Audio(SPEECH), Audio(SPEECH), Audio(bytes(640)))
        call.pass_ms(1_000)
        call.live(heard("Bye."))
        call.call_tool("bye", "{}", name=END_CALL)
    call.live(*farewell)
    if is_acknowledged:
        call.ack()
    says(call, messages)
    if farewell and farewell[-1] is not COMPLETE:
        call.live(LiveInterrupted(), COMPLETE)
    if not farewell and isinstance(messages[0], Text):
        # A text is a turn by itself, so it waits for the farewell.
        call.live(*speaks("Goodbye.", COMPLETE))
    call.pass_ms(1_100)
    call.live(*speaks("Of course.", COMPLETE))
    call.ack()
    call.pass_ms(5_000)

    assert call.frames(SessionClosed) == []
    assert call.turns[-1].heard.endswith(WAIT)
    assert call.turns[-1].said.endswith("Of course.")
    assert call.frames(Accepted)[-1].through == call.next_seq - 1

    call.utter()
    call.call_tool("bye2", "{}", name=END_CALL)
    call.live(*speaks("Goodbye.", COMPLETE))
    call.ack()
    call.pass_ms(1_000)
    assert call.frames(SessionClosed) == CLOSED


def test_a_user_who_spoke_before_the_model_ends_the_call_is_answered_first():
    call = started()
    call.utter()
    call.live(*speaks("Good"))
    call.send(Text(WAIT))
    call.call_tool("bye", "{}", name=END_CALL)
    call.live(*speaks("bye.", COMPLETE), *speaks("Of course.", COMPLETE))
    call.ack()
    call.pass_ms(5_000)

    assert call.frames(SessionClosed) == []
    assert call.ended_turns == [1, 2]


def test_a_user_who_speaks_on_without_a_pause_is_answered():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.call_tool("bye", "{}", name=END_CALL)
    call.live(*speaks("Good"))
    call.send(Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)
    call.send(SpeechEnd())
    call.live(*speaks("Of course.", COMPLETE))
    call.ack()
    call.pass_ms(5_000)

    assert call.frames(SessionClosed) == []
    assert call.turns[-1].said == "Of course."


def test_words_behind_a_gap_are_waited_for():
    call = ending()
    call.live(*speaks("Goodbye.", COMPLETE))
    call.ack()
    call.send(Text(WAIT), seq=call.next_seq + 1)
    call.pass_ms(1_500)
    assert call.frames(SessionClosed) == []
    call.pass_ms(3_000)

    assert SendText(WAIT) in call.effects
    assert call.frames(SessionClosed) == []


def test_a_farewell_is_over_when_it_has_been_played():
    call = ending()
    call.live(LiveAudio(SECOND * 12), said("Goodbye."), COMPLETE)
    call.pass_ms(11_000)
    call.ack()
    assert call.frames(SessionClosed) == []
    call.pass_ms(999)
    assert call.frames(SessionClosed) == []
    call.pass_ms(1)

    assert call.frames(SessionClosed) == CLOSED


def test_a_session_does_not_wait_for_a_client_that_is_gone_to_play_the_farewell():
    call = ending()
    call.live(*speaks("Goodbye.", COMPLETE))
    call.notice(Detached("A"))
    call.pass_ms(SETTINGS.grace_ms)

    assert call.finish() is FinishReason.ENDED


def test_input_after_closed_is_neither_given_to_the_model_nor_accepted():
    call = ending()
    call.live(*speaks("Goodbye.", COMPLETE))
    call.ack()
    call.takes_posts = False
    call.pass_ms(1_000)
    before = call.next_seq - 1
    call.utter()
    call.wait_for_end()

    assert len(call.all(SendAudio)) == 2
    assert call.frames(Accepted)[-1].through == before


@pytest.mark.parametrize("says_bye", [True, False])
def test_a_user_who_hangs_up_during_the_farewell_ends_the_session(says_bye):
    call = ending()
    call.live(*speaks("Good"))
    if says_bye:
        call.send(Bye())
    else:
        call.notice(Superseded("S2"))
    call.live(*speaks("bye.", COMPLETE))
    call.ack()
    call.pass_ms(2_000)

    assert len(call.frames(SessionClosed)) == 1
    assert call.finish() is FinishReason.ENDED


def asking(words: str = "One moment.") -> SessionHarness:
    """A call of core_agent is open, and its turn over."""
    call = started()
    call.utter()
    call.call_tool("x")
    call.live(*speaks(words), LiveInterrupted(), LiveToolCallsCancelled(("x",)), COMPLETE)
    call.ack()
    return call


def end_call(call: SessionHarness) -> None:
    call.utter()
    call.call_tool("bye", "{}", name=END_CALL)
    call.live(*speaks("Goodbye.", COMPLETE))
    call.ack()


def hang_up(call: SessionHarness) -> None:
    call.send(Bye())


def lose_the_model(call: SessionHarness) -> None:
    call.lose_live(LiveFailure.REFUSED)


@pytest.mark.parametrize("status", ToolCallStatus)
@pytest.mark.parametrize("leave", [end_call, hang_up, lose_the_model])
def test_a_session_does_not_end_before_the_outcome_of_what_was_asked(leave, status):
    call = asking()
    leave(call)
    call.pass_ms(5_000)
    assert call.frames(SessionClosed) == []
    call.answer_tool(BOOKED, status=status)
    if leave is end_call:
        assert [BOOKED in one.text for one in call.all(SendText)] == [True]
        call.live(*speaks(BOOKED, COMPLETE))
        call.ack()
        call.pass_ms(1_000)

    delivered = call.replies if leave is end_call else call.error_messages
    assert delivered.count(BOOKED) == 1
    outcomes = [(one.status, one.answer) for turn in call.turns for one in turn.tool_calls]
    assert outcomes.count((status, BOOKED)) == 1
    assert len(call.frames(SessionClosed)) == 1


@pytest.mark.parametrize("leave", [end_call, hang_up, lose_the_model])
def test_a_call_without_an_answer_keeps_a_session_for_its_deadline_at_most(leave):
    call = asking()
    leave(call)
    call.pass_ms(TOOL_CALL_TIMEOUT_MS + FAREWELL_MS)

    assert call.error_messages == [NO_ANSWER.answer]
    assert call.frames(SessionClosed)
    assert call.now_ms <= 1_000 + TOOL_CALL_TIMEOUT_MS + FAREWELL_MS
    assert NO_ANSWER.answer in [one.answer for turn in call.turns for one in turn.tool_calls]


def test_the_outcome_is_remembered_although_the_client_has_left_with_its_bye():
    call = asking()
    hang_up(call)
    call.notice(Detached("A"))
    call.pass_ms(2_000)
    call.answer_tool(BOOKED)
    call.pass_ms(FAREWELL_MS)

    assert [one.answer for turn in call.turns for one in turn.tool_calls] == [BOOKED]
    assert call.finish() is FinishReason.ENDED


def test_another_session_of_the_conversation_does_not_wait_for_the_outcome():
    call = asking()
    call.notice(Superseded("S2"))

    assert call.finish() is FinishReason.ENDED


def test_a_bye_without_anything_open_waits_for_nothing():
    call = started(takes_posts=False)
    hang_up(call)
    call.pass_ms(CLOSING_MS)

    assert call.finish() is FinishReason.ENDED


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_text_that_waits_behind_a_farewell_without_an_end_is_answered(is_gone):
    call = started(settings=replace(SETTINGS, grace_ms=0) if is_gone else SETTINGS)
    call.send(Text("That is all."), Text("One more thing."))
    call.call_tool("x", "{}", END_CALL)
    call.live(*speaks("Goodbye."))
    if is_gone:
        call.notice(Detached("A"))
        call.live(IDLE)
        assert call.wait_for_end() is FinishReason.IDLE
        assert call.machine.cursor == call.next_seq - 2
    else:
        call.pass_ms(60_000)
        assert call.texts[-1] == "One more thing."


def test_a_worker_that_does_not_linger_ends_neither_speech_nor_a_reply_before_its_end():
    call = SessionHarness(settings=replace(SETTINGS, linger_ms=0))
    said: tuple[Message, ...] = (Hello(), SpeechStart(), Audio(SPEECH))
    unread = tuple(call.numbered(one) for one in said)
    call.feed(Started(unread=MailboxRead(unread)))
    call.pass_ms(200)
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(heard("hello"))
    call.reply()
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [("hello", "Good morning.")]
