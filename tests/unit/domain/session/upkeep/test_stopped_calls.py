"""The operator stops all calls."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import LiveAudio
from repartee.domain.protocol.frames import Interrupted, SessionClosed, SessionError
from repartee.domain.protocol.messages import Bye, SpeechStart
from repartee.domain.session.effects import FinishReason, OpenLive, SendText
from repartee.domain.session.events import CallsStopped, Started
from repartee.domain.session.memory.daily_allowance import SAY_SERVICE_GOODBYE
from repartee.domain.session.upkeep.departure import HURRIED_MS, LAST_FRAMES_MS
from repartee.domain.tools.core_calls import END_CALL
from tests.personas import PHRASES
from tests.session_harness import SessionHarness, heard, said, started

pytestmark = pytest.mark.unit

GOODBYE = SessionError("calls_stopped", PHRASES.service_goodbye, retryable=False)
SPOKEN = SendText(SAY_SERVICE_GOODBYE.format(PHRASES.service_goodbye))
CLOSED = [SessionClosed("stopped")]


def is_spoken(call: SessionHarness) -> bool:
    return any(SPOKEN in sent for sent in call.to_model.values())


def test_a_waiting_user_reads_and_hears_a_goodbye_and_the_session_ends() -> None:
    call = started()
    call.feed(CallsStopped())

    assert call.frames(SessionError) == [GOODBYE]
    assert is_spoken(call)
    assert call.frames(SessionClosed) == []
    call.reply("Please call again later.")
    call.ack()

    assert call.frames(SessionClosed) == CLOSED
    assert call.finish() is FinishReason.ENDED
    assert [turn.said for turn in call.turns] == ["Please call again later."]


def test_a_user_who_speaks_is_answered_with_the_goodbye() -> None:
    call = started()
    call.utter()
    call.live(heard("And what about"))
    call.feed(CallsStopped())
    call.reply("Please call again later.")
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("And what about", "Please call again later.")
    ]
    assert call.frames(SessionClosed) == CLOSED


def test_a_reply_in_progress_is_not_interrupted_and_the_goodbye_is_only_written() -> None:
    call = started()
    call.utter()
    call.live(said("We open"), LiveAudio(b"\0\2" * 2400))
    call.feed(CallsStopped())

    assert call.frames(SessionError) == [GOODBYE]
    assert not is_spoken(call)
    assert call.frames(Interrupted) == []
    assert call.frames(SessionClosed) == CLOSED
    assert call.finish() is FinishReason.ENDED
    assert [turn.said for turn in call.turns] == ["We open"]


def test_a_silent_model_is_not_waited_for() -> None:
    call = started()
    call.feed(CallsStopped())
    call.pass_ms(HURRIED_MS - 1)
    assert call.frames(SessionClosed) == []

    call.pass_ms(1)

    assert call.frames(SessionClosed) == CLOSED
    assert call.finish() is FinishReason.ENDED


@pytest.mark.parametrize("farewell", ["bye", "end_call"])
def test_a_session_that_is_closing_already_is_hurried(farewell: str) -> None:
    call = started()
    call.utter()
    call.live(heard("Book me in."))
    call.call_tool()
    if farewell == "bye":
        call.send(Bye())
    else:
        call.call_tool("bye", "{}", name=END_CALL)
    call.pass_ms(1_000)
    assert call.frames(SessionClosed) == []

    call.feed(CallsStopped())
    call.pass_ms(HURRIED_MS)

    assert call.frames(SessionError) == []
    assert call.frames(SessionClosed) == [SessionClosed(farewell)]  # type: ignore[arg-type]


def test_an_open_question_is_not_waited_for() -> None:
    call = started()
    call.utter()
    call.live(heard("Book me in."))
    call.call_tool()
    call.feed(CallsStopped())

    assert call.frames(SessionClosed) == CLOSED
    assert call.finish() is FinishReason.ENDED


def test_a_user_cannot_object_to_a_stop() -> None:
    call = started()
    call.feed(CallsStopped())
    call.send(SpeechStart())
    call.feed(CallsStopped())
    call.reply("Please call again later.")
    call.ack()

    assert call.frames(SessionError) == [GOODBYE]
    assert call.frames(SessionClosed) == CLOSED


def test_a_client_that_has_gone_does_not_keep_the_worker() -> None:
    call = started()
    call.takes_posts = False
    call.feed(CallsStopped())

    call.pass_ms(HURRIED_MS + LAST_FRAMES_MS)

    assert call.finish() is FinishReason.ENDED


def test_a_worker_that_starts_while_calls_are_stopped_opens_no_live_session() -> None:
    call = SessionHarness()
    call.feed(Started(is_stopped=True))
    call.hello()

    assert call.all(OpenLive) == []
    assert call.frames(SessionError) == [GOODBYE]
    assert call.frames(SessionClosed) == CLOSED
    assert call.finish() is FinishReason.ENDED


def test_an_older_persona_says_that_it_cannot_help_now() -> None:
    assert replace(PHRASES, closed_for_now="").service_goodbye == PHRASES.not_now
