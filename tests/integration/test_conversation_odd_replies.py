"""Nothing is lost when Gemini does not speak an answer, replies inaudibly or misses speech."""

from collections.abc import Awaitable, Callable

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import Pace, say
from local.calls.voice_call import VoiceCall
from repartee.domain.audio import is_audible
from repartee.domain.session.timing import STALL_MS
from repartee_client.events import Problem
from repartee_client.recordings import read_wav
from tests.chaos.faults.gemini_control import GeminiControl
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack, new_user, recordings
from tests.integration.typed_text import hear, said, turns, write

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

QUESTION, ANSWER = "when are you open on friday", "We are open on Friday"


async def in_call(
    running: RunningStack, talk: Callable[[VoiceCall, GeminiControl], Awaitable[None]]
) -> VoiceCall:
    """Run a call and return it after its end."""
    api = await running.api_of(new_user("odd"))
    ticket = await api.start_session()
    assert running.stack.simulator is not None
    async with (
        GeminiControl(running.stack.simulator) as gemini,
        open_voice_call(ticket.url) as call,
    ):
        await call.until_ready()
        try:
            await talk(call, gemini)
        finally:
            await gemini.clear()
        await call.hang_up()
    return call


def errors(call: VoiceCall) -> list[Problem]:
    return [event for _, event in call.replies.timeline if isinstance(event, Problem)]


def test_an_answer_that_gemini_did_not_speak_is_spoken_once_in_its_turn(
    running: RunningStack,
) -> None:
    async def talk(call: VoiceCall, gemini: GeminiControl) -> None:
        await gemini.order(kind="silent_after_tool_answer")
        await write(call, QUESTION)
        await hear(call, ANSWER, 2 * PATIENCE_S)
        assert await gemini.waiting() == set()

    call = running.run(in_call(running, talk))

    assert (said(call).count(ANSWER), errors(call)) == (1, [])
    assert len(turns(call)) == 1


@pytest.mark.parametrize("fault", ["cancelled_call", "no_call_ids"])
def test_the_outcome_of_an_unusual_tool_call_is_spoken_once_and_stored(
    running: RunningStack, fault: str
) -> None:
    async def talk(call: VoiceCall, gemini: GeminiControl) -> None:
        await gemini.order(kind=fault)
        await write(call, QUESTION)
        await hear(call, ANSWER, 2 * PATIENCE_S)
        assert await gemini.waiting() == set()

    call = running.run(in_call(running, talk))

    assert (said(call).count(ANSWER), errors(call)) == (1, [])


def test_an_answer_that_is_never_spoken_is_sent_as_text_and_stored(
    running: RunningStack,
) -> None:
    async def talk(call: VoiceCall, gemini: GeminiControl) -> None:
        await gemini.order(kind="silent_after_tool_answer")
        await write(call, QUESTION)
        await call.until(
            lambda: [step for turn in turns(call) for step in turn.tools if step.phase == "done"],
            timeout_s=PATIENCE_S,
            what="the answer of core_agent",
        )
        await gemini.order(kind="empty_turn")
        await call.until(lambda: errors(call), timeout_s=2 * PATIENCE_S, what="an error")
        await write(call, "hello")
        await hear(call, "how can I help you?", 2 * PATIENCE_S)

    call = running.run(in_call(running, talk))

    (error,) = errors(call)
    assert (error.code, error.retryable, ANSWER in error.message) == ("no_answer", False, True)
    assert ANSWER not in said(call)
    assert [turn.end is not None for turn in turns(call)] == [True, True]


@pytest.mark.parametrize("fault", ["text_without_audio", "near_silent_audio"])
def test_an_inaudible_reply_is_replaced_by_an_audible_one(
    running: RunningStack, fault: str
) -> None:
    async def talk(call: VoiceCall, gemini: GeminiControl) -> None:
        await gemini.order(kind=fault)
        await write(call, "hello")
        await call.until(
            lambda: [turn for turn in turns(call) if turn.end],
            timeout_s=PATIENCE_S,
            what="the end of the turn",
        )
        assert await gemini.waiting() == set()

    call = running.run(in_call(running, talk))

    (turn,) = turns(call)
    assert is_audible(bytes(turn.pcm))
    assert turn.said
    assert (turn.restarts, errors(call)) == (1, [])


def test_a_short_utterance_that_gemini_drops_is_heard_and_answered_once(
    running: RunningStack,
) -> None:
    greeting, *_ = recordings("second_user")

    async def talk(call: VoiceCall, gemini: GeminiControl) -> None:
        await write(call, "hello")
        await hear(call, "how can I help you?", 2 * PATIENCE_S)
        await gemini.order(kind="dropped_short_utterance")
        exchange = await say(call, read_wav(greeting.wav), pace=Pace.FAST)
        assert await gemini.waiting() == set()
        assert len(exchange.heard.split()) == len(set(exchange.heard.split()))
        assert exchange.said
        # Before the watchdog acts.
        assert (exchange.first_audio_ms or 0) < STALL_MS

    call = running.run(in_call(running, talk))

    assert len(turns(call)) == 2
    assert [turn.restarts for turn in turns(call)] == [0, 0]
    assert errors(call) == []


def test_a_turn_that_requires_action_is_over(running: RunningStack) -> None:
    async def talk(call: VoiceCall, gemini: GeminiControl) -> None:
        await gemini.order(kind="requires_action")
        await write(call, "hello")
        await hear(call, "how can I help you?", 2 * PATIENCE_S)
        assert await gemini.waiting() == set()

    call = running.run(in_call(running, talk))

    assert len(turns(call)) == 1
    assert said(call).count("how can I help you?") == 1
