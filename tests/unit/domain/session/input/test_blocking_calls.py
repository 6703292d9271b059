"""Input waits for a blocking tool call and follows its answer."""

from dataclasses import replace

import pytest

from repartee.domain.protocol.frames import SessionClosed
from repartee.domain.protocol.messages import Audio, Bye, Text
from repartee.domain.session.effects import RespondToTool, SendAudio, SendText
from repartee.domain.session.upkeep.departure import FAREWELL_MS
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import SETTINGS, SPEECH_END, SessionHarness, heard, started

pytestmark = pytest.mark.unit


def with_a_blocking_tool() -> SessionHarness:
    tools = tuple(replace(tool, blocking=True) for tool in SETTINGS.tools)
    call = started(settings=replace(SETTINGS, tools=tools))
    call.send(Text("When?"))
    call.call_tool()
    return call


def test_input_waits_for_a_blocking_call_and_follows_its_answer_in_order():
    call = with_a_blocking_tool()
    call.utter(chunks=2)
    call.send(Text("Or tomorrow?"))
    assert call.to_model[call.generation] == [SendText("When?")]
    call.pass_ms(5_000)
    call.answer_tool()
    call.reply("At three.")
    call.live(heard("Is it free?"))
    call.reply("It is.")

    assert call.to_model[call.generation][1:] == [
        call.all(RespondToTool)[0],
        SendAudio(SPEECH),
        SendAudio(SPEECH),
        SPEECH_END,
        SendText("Or tomorrow?"),
    ]


def test_a_stream_that_pauses_while_a_blocking_call_is_pending_is_ended_after_it():
    call = started(settings=with_a_blocking_tool().settings)
    call.send(Audio(SPEECH))
    call.call_tool()
    call.pass_ms(2_000)
    assert call.speech_ends == []
    call.answer_tool()

    assert len(call.speech_ends) == 1


def test_a_blocking_call_of_a_live_session_that_is_gone_holds_nothing_back():
    call = with_a_blocking_tool()
    call.lose_live()
    call.utter()
    call.reply()

    assert len(call.all(SendAudio)) == 2


def test_a_bye_waits_for_a_blocking_call_no_longer_than_for_a_farewell():
    call = with_a_blocking_tool()
    call.send(Bye())
    assert call.frames(SessionClosed) == []
    call.pass_ms(FAREWELL_MS)

    assert call.frames(SessionClosed) == [SessionClosed("bye")]


def test_a_call_that_does_not_block_holds_nothing_back():
    call = started()
    call.utter()
    call.call_tool()
    call.utter()

    assert len(call.all(SendAudio)) == 4
