"""Spoken turns with a tool and a barge-in, with each detector of speech."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from local.calls.opening import open_reconnecting_voice_call
from local.calls.utterances import Pace, say, speak
from local.calls.voice_call import VoiceCall
from repartee.domain.live.model import TurnDetection
from repartee_client.recordings import read_wav
from repartee_client.transport import now_ms
from tests.integration.running import (
    RunningStack,
    new_user,
    options_for_tests,
    recordings,
    stack_in_thread,
)
from tests.integration.typed_text import hear, write

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("detection")]

PATIENCE_S = 30.0
SECOND_OF_SILENCE = bytes(32_000)
# A reply that is long enough to be interrupted.
SLOW_REPLY = ("--speed", "1")


@pytest.fixture(scope="module")
def paced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Start a stack whose simulator counts silence in real time.

    In all other tests the simulator counts silence as fast as it arrives.
    """
    options = replace(
        options_for_tests(tmp_path_factory.mktemp("detection")),
        gemini_arguments=(*SLOW_REPLY, "--silence", "paced"),
    )
    with stack_in_thread(options) as stack:
        yield stack


@pytest.fixture(scope="module", params=TurnDetection)
def detection(request: pytest.FixtureRequest) -> TurnDetection:
    found: TurnDetection = request.param
    return found


@pytest.fixture(scope="module")
def running(paced: RunningStack, detection: TurnDetection) -> Iterator[RunningStack]:
    """Return the stack with each value of the parameter in turn."""
    paced.clear_desk()
    with paced.changed("StreamAgentFunction", TURN_DETECTION=detection.value):
        yield paced


async def heard_over_the_reply(call: VoiceCall) -> tuple[str, bool]:
    """Speak during a reply; return what was heard then, and whether the reply was cut."""
    greeting, _, question = (read_wav(one.wav) for one in recordings("default"))
    await speak(call, greeting, pace=Pace.FAST)
    turns = call.replies.turns
    await call.until(
        lambda: next((one for one in turns.values() if one.pcm), None),
        timeout_s=PATIENCE_S,
        what="first audio of the reply",
    )
    first = max(turns)
    exchange = await say(call, question, pace=Pace.FAST)
    return exchange.heard, turns[first].is_interrupted


def test_a_turn_with_a_tool_is_heard_and_answered(running: RunningStack):
    _, booking, _ = recordings("default")

    async def talk() -> None:
        api = await running.api_of(new_user("detection"))
        async with open_reconnecting_voice_call(api, await api.start_session()) as call:
            exchange = await say(call, read_wav(booking.wav), pace=Pace.FAST)
            await call.hang_up()
        assert "doctor" in exchange.heard
        assert exchange.tool_calls == ["ask_core_agent"]
        assert "booked" in exchange.said

    running.run(talk())


def test_speech_during_a_reply_interrupts_it_and_is_answered(running: RunningStack):
    async def talk() -> None:
        api = await running.api_of(new_user("barge-in"))
        async with open_reconnecting_voice_call(api, await api.start_session()) as call:
            heard, was_cut = await heard_over_the_reply(call)
            await call.hang_up()
        assert "appointment" in heard
        assert was_cut

    running.run(talk())


def test_a_stop_silences_a_reply_and_the_next_text_is_answered(paced: RunningStack):
    greeting, *_ = recordings("default")

    async def talk() -> None:
        api = await paced.api_of(new_user("stop"))
        async with open_reconnecting_voice_call(api, await api.start_session()) as call:
            await speak(call, read_wav(greeting.wav), pace=Pace.FAST)
            turns = call.replies.turns
            await call.until(
                lambda: next((one for one in turns.values() if one.pcm), None),
                timeout_s=PATIENCE_S,
                what="first audio of the reply",
            )
            stopped = turns[max(turns)]
            call.session.stop(now_ms())
            call.flush()
            await call.until(
                lambda: stopped.is_interrupted, timeout_s=PATIENCE_S, what="interrupted"
            )
            got_bytes = len(stopped.pcm)
            await write(call, "What is my name?")
            await hear(call, "Robert")
            await call.hang_up()
        assert len(stopped.pcm) == got_bytes
        assert [turn.is_over for turn in turns.values()] == [True, True]

    paced.run(talk())


def test_marks_replace_the_models_detector_only_if_deployment_and_client_agree(
    running: RunningStack, detection: TurnDetection
):
    greeting, *_ = recordings("default")

    async def gets_silence(*, knows_features: bool) -> bool:
        api = await running.api_of(new_user("marks"))
        ticket = await api.start_session()
        if not knows_features:
            ticket = replace(ticket, features=frozenset())
        async with open_reconnecting_voice_call(api, ticket) as call:
            exchange = await say(call, read_wav(greeting.wav), pace=Pace.FAST)
            await call.hang_up()
        assert "Robert" in exchange.heard
        return newest_audio(running).endswith(SECOND_OF_SILENCE)

    relies_on_marks = detection is TurnDetection.CLIENT
    assert running.run(gets_silence(knows_features=True)) is not relies_on_marks
    assert running.run(gets_silence(knows_features=False))


def newest_audio(running: RunningStack) -> bytes:
    """Return all audio that the simulator received on its newest connection."""
    assert running.stack.simulator is not None
    folders = sorted(running.stack.simulator.record_directory.iterdir())
    return (folders[-1] / "heard.pcm").read_bytes()
