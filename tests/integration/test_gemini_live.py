"""The simulator's Live half through the real google-genai client, over TLS."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from google.genai import types
from google.genai.errors import APIError

from tests.integration.simulator_process import (
    ANSWER,
    ASK_CORE,
    GREETING,
    GREETING_TEXT,
    WISH,
    WISH_TEXT,
    SimulatorProcess,
    Turn,
    answer,
    next_message,
    receive,
    running_simulator,
    say,
    send_audio,
    speech,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with running_simulator(tmp_path_factory.mktemp("gemini")) as running:
        yield running


@pytest.fixture
def talkative(simulator: SimulatorProcess) -> SimulatorProcess:
    """Make the next reply so slow that it is interrupted on any machine."""
    simulator.control("faults", {"kind": "slow_reply", "speed": 0.05})
    return simulator


def seeded(*turns: tuple[str, str]) -> dict[str, Any]:
    contents = [{"role": role, "parts": [{"text": text}]} for role, text in turns]
    return {"turns": contents, "turn_complete": True}


HISTORY = seeded(
    ("user", GREETING_TEXT),
    ("model", "Hello Robert, how can I help you?"),
    ("user", WISH_TEXT),
    ("model", ANSWER),
)
QUESTION = "can you tell me my name and when my appointment is"
RECALLED = f"Your name is Robert. {ANSWER}"
WITH_HISTORY = {"history_config": {"initial_history_in_client_content": True}}


def test_a_spoken_greeting_is_heard_and_answered_with_recorded_audio(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            sent = await say(session, GREETING)
            return sent, await receive(session, Turn())

    sent, turn = asyncio.run(call())
    assert turn.heard == GREETING_TEXT
    assert turn.said == "Hello Robert, how can I help you?"
    assert turn.statuses == [""]
    assert turn.generation_complete == 1
    assert turn.biggest_part <= 11_520
    connection = simulator.last_connection()
    assert connection["heard_bytes"] == len(sent)
    assert simulator.recorded(connection["id"], "heard.pcm") == sent
    assert simulator.recorded(connection["id"], "turn-1.pcm") == turn.audio
    assert connection["turns"] == [{"turn": 1, "pcm_bytes": len(turn.audio)}]


def test_a_tool_call_has_a_filler_and_its_answer_is_a_separate_reply(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            await say(session, WISH)
            filler = await receive(session, Turn())
            await answer(session, filler.calls[0], ANSWER)
            return filler, await receive(session, Turn())

    filler, answered = asyncio.run(call())
    assert filler.calls[0].name == "ask_core_agent"
    assert filler.calls[0].args == {"question": WISH_TEXT}
    assert (filler.said, answered.said) == ("One moment, please.", ANSWER)
    connection = simulator.last_connection()
    assert simulator.recorded(connection["id"], "turn-1.pcm") == filler.audio
    assert simulator.recorded(connection["id"], "turn-2.pcm") == answered.audio


def test_what_was_said_in_the_session_is_remembered_and_billed_again(simulator):
    async def call() -> Any:
        turns = []
        async with simulator.connect() as session:
            await say(session, GREETING)
            turns.append(await receive(session, Turn()))
            await session.send_realtime_input(text="do you remember my name")
            turns.append(await receive(session, Turn()))
        return turns

    first, second = asyncio.run(call())
    assert second.said == "Your name is Robert."
    assert second.usage[0].prompt_token_count >= first.usage[0].total_token_count
    modalities = {one.modality.name for one in first.usage[0].prompt_tokens_details}
    assert modalities == {"TEXT", "AUDIO"}


def test_the_model_waits_for_a_seeded_history_and_answers_from_it(simulator):
    async def call() -> Any:
        async with simulator.connect(**WITH_HISTORY) as session:
            await session.send_realtime_input(text=QUESTION)
            await session.send_client_content(**HISTORY)
            return await receive(session, Turn())

    assert asyncio.run(call()).said == RECALLED


def test_a_connection_without_the_seed_does_not_know(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            await session.send_realtime_input(text=QUESTION)
            return await receive(session, Turn())

    turn = asyncio.run(call())
    assert turn.said == "I do not know your name. I do not know of any appointment."


def test_two_callers_are_heard_apart_at_the_same_time(simulator):
    async def one(name: str) -> str:
        async with simulator.connect() as session:
            await say(session, name)
            return (await receive(session, Turn())).heard

    async def call() -> Any:
        return await asyncio.gather(one(GREETING), one(WISH), one(GREETING))

    assert asyncio.run(call()) == [GREETING_TEXT, WISH_TEXT, GREETING_TEXT]


def test_without_automatic_detection_the_client_marks_the_utterance(simulator):
    manual = {"automatic_activity_detection": {"disabled": True}}

    async def call() -> Any:
        async with simulator.connect(realtime_input_config=manual) as session:
            await session.send_realtime_input(activity_start=types.ActivityStart())
            await say(session, GREETING, silence_s=0.2)
            await session.send_realtime_input(activity_end=types.ActivityEnd())
            return await receive(session, Turn())

    assert asyncio.run(call()).heard == GREETING_TEXT


def test_audio_of_another_rate_is_resampled_but_recorded_as_it_came(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            quarter = bytes(b"\x01\x00" * 8_000)
            await send_audio(session, quarter, rate_hz=8_000)
            await session.send_realtime_input(text="hello")
            await receive(session, Turn())

    asyncio.run(call())
    connection = simulator.last_connection()
    assert simulator.recorded(connection["id"], "heard.pcm") == b"\x01\x00" * 8_000
    details = connection["usage"][0]["promptTokensDetails"]
    assert {"modality": "AUDIO", "tokenCount": 25} in details


def test_speech_during_a_reply_interrupts_it(talkative):
    async def call() -> Any:
        async with talkative.connect() as session:
            await session.send_realtime_input(text="hello my name is robert")
            turn = await receive(session, Turn(), "audio")
            await say(session, GREETING)
            cut = await receive(session, turn)
            return cut, await receive(session, Turn())

    cut, after = asyncio.run(call())
    assert cut.interrupted
    assert cut.generation_complete == 0
    assert cut.statuses == [""]
    assert not cut.said.endswith("you?")
    assert after.heard == GREETING_TEXT
    assert after.said == "Hello Robert, how can I help you?"


def test_a_call_that_was_interrupted_is_cancelled_and_its_answer_ignored(talkative):
    async def call() -> Any:
        async with talkative.connect() as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn(), "audio")
            await say(session, GREETING)
            cut = await receive(session, turn)
            await answer(session, cut.calls[0], ANSWER)
            return cut, await receive(session, Turn())

    cut, after = asyncio.run(call())
    assert cut.cancelled == [cut.calls[0].id]
    assert after.said == "Hello Robert, how can I help you?"


def test_no_reply_is_interrupted_if_the_setup_says_so(simulator):
    simulator.control("faults", {"kind": "slow_reply", "speed": 0.5})
    calm = {"activity_handling": "NO_INTERRUPTION"}

    async def call() -> Any:
        async with simulator.connect(realtime_input_config=calm) as session:
            await session.send_realtime_input(text="goodbye")
            turn = await receive(session, Turn(), "audio")
            await say(session, GREETING)
            return await receive(session, turn)

    turn = asyncio.run(call())
    assert not turn.interrupted
    assert turn.said == "Goodbye."


def test_an_answer_with_interrupt_cuts_the_current_reply(talkative):
    async def call() -> Any:
        async with talkative.connect() as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn(), "audio")
            await answer(session, turn.calls[0], ANSWER, "INTERRUPT")
            cut = await receive(session, turn)
            return cut, await receive(session, Turn())

    cut, after = asyncio.run(call())
    assert cut.interrupted
    assert after.said.strip() == ANSWER


def test_a_silent_answer_is_not_spoken_but_known(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn())
            await answer(session, turn.calls[0], ANSWER, "SILENT")
            await session.send_realtime_input(text="when is my appointment")
            return await receive(session, Turn())

    said = asyncio.run(call()).said
    assert said == ANSWER


def test_an_answer_to_an_unknown_call_is_ignored(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            stranger = types.FunctionCall(id="call-of-another-session", name="ask_core_agent")
            await answer(session, stranger, ANSWER)
            await session.send_realtime_input(text="hello")
            return await receive(session, Turn())

    assert asyncio.run(call()).said == "Hello, how can I help you?"


def test_a_blocking_call_takes_no_audio_meanwhile(simulator):
    tools = [{"function_declarations": [{**ASK_CORE, "behavior": "BLOCKING"}]}]

    async def answered() -> Any:
        async with simulator.connect(tools=tools) as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn(), "call")
            await answer(session, turn.calls[0], ANSWER)
            return await receive(session, turn)

    async def spoken_into() -> Any:
        async with simulator.connect(tools=tools) as session:
            await session.send_realtime_input(text=WISH_TEXT)
            await receive(session, Turn(), "call")
            await say(session, GREETING)
            await receive(session, Turn())

    assert asyncio.run(answered()).said == ANSWER
    with pytest.raises(APIError) as closed:
        asyncio.run(spoken_into())
    assert closed.value.code == 1008


def test_an_unanswered_call_deafens_the_session_until_it_is_answered(tmp_path):
    async def call(simulator: SimulatorProcess) -> Any:
        async with simulator.connect() as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn())
            await session.send_realtime_input(text="hello")
            await answer(session, turn.calls[0], ANSWER)
            return await receive(session, Turn())

    with running_simulator(tmp_path, "--deaf-after-s", "0") as simulator:
        assert asyncio.run(call(simulator)).said == ANSWER
        kinds = [one["kind"] for one in simulator.events(simulator.last_connection()["id"])]
        assert "deaf" in kinds


def test_a_client_turn_interrupts_and_is_answered(talkative):
    async def call() -> Any:
        async with talkative.connect() as session:
            await session.send_realtime_input(text="hello my name is robert")
            turn = await receive(session, Turn(), "audio")
            await session.send_client_content(**seeded(("user", "what is my name")))
            cut = await receive(session, turn)
            return cut, await receive(session, Turn())

    cut, after = asyncio.run(call())
    assert cut.interrupted
    assert after.said == "Your name is Robert."


def test_an_old_connection_gets_a_go_away_and_is_closed(tmp_path):
    async def call(simulator: SimulatorProcess) -> Any:
        async with simulator.connect() as session:
            go_away = await next_message(session, "go_away")
            with pytest.raises(APIError) as closed:
                await receive(session, Turn())
            return go_away.time_left, closed.value.code

    with running_simulator(tmp_path, "--connection-age-s", "0.2", "--go-away-s", "60") as simulator:
        assert asyncio.run(call(simulator)) == ("0.2s", 1001)


def test_compression_drops_the_oldest_items_and_lowers_the_bill(simulator):
    compression = {"trigger_tokens": 60, "sliding_window": {"target_tokens": 30}}

    async def call() -> Any:
        async with simulator.connect(context_window_compression=compression) as session:
            turns = []
            for text in ("hello my name is robert", "thank you", "what is my name"):
                await session.send_realtime_input(text=text)
                turns.append(await receive(session, Turn()))
            return turns

    turns = asyncio.run(call())
    assert turns[2].said == "I do not know your name."
    assert turns[1].usage[0].prompt_token_count < turns[0].usage[0].total_token_count


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": "bad-key"}, 1007),
        ({"model": "gemini-9"}, 1008),
        ({"enable_affective_dialog": True}, 1007),
        ({"thinking_config": {"thinking_budget": 1}}, 1007),
    ],
)
def test_a_setup_that_is_refused_closes_with_its_code(simulator, change, code):
    async def call() -> Any:
        async with simulator.connect(**change) as session:
            await session.send_realtime_input(text="hello")
            await receive(session, Turn())

    with pytest.raises(APIError) as closed:
        asyncio.run(call())
    assert closed.value.code == code


def test_wrong_audio_closes_with_1007(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            await send_audio(session, speech(GREETING)[:-1])
            await receive(session, Turn())

    with pytest.raises(APIError) as closed:
        asyncio.run(call())
    assert closed.value.code == 1007
