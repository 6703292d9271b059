"""Each live model's handling of speech and tool calls, through the real google-genai."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from google.genai import types
from google.genai.errors import APIError
from google.genai.live import AsyncSession

from tests.integration.simulator_process import (
    ANSWER,
    ASK_CORE,
    GREETING,
    GREETING_TEXT,
    WISH_TEXT,
    SimulatorProcess,
    Turn,
    answer,
    receive,
    running_simulator,
    say,
    send_audio,
    speech,
)

pytestmark = pytest.mark.integration

THINKING = "gemini-3.8-live-extended-thinking"
FLASH = "gemini-3.1-flash-live-preview"
NATIVE = "gemini-2.5-flash-native-audio-preview-12-2025"
LEVEL = {"thinking_config": {"thinking_level": "low"}}
MANUAL = {"realtime_input_config": {"automatic_activity_detection": {"disabled": True}}}
BYTES_PER_MS = 32
# Longer than the simulator needs to recognise an utterance, on a busy machine too.
UNANSWERED_S = 3.0


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with running_simulator(tmp_path_factory.mktemp("gemini"), "--decoders", "1") as running:
        yield running


def settings_of(model: str) -> dict[str, Any]:
    return {"model": model, **(LEVEL if model == THINKING else {})}


async def silence(session: AsyncSession, duration_ms: int) -> None:
    await send_audio(session, bytes(duration_ms * BYTES_PER_MS))


async def stays_silent(session: AsyncSession) -> bool:
    """Return whether no message comes for some time."""
    try:
        async with asyncio.timeout(UNANSWERED_S):
            await anext(session.receive())
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize("model", ["gemini-3.8-live", THINKING, NATIVE])
def test_speech_has_no_end_without_audio_after_it(simulator, model):
    async def call() -> Any:
        async with simulator.connect(**settings_of(model)) as session:
            await send_audio(session, speech(GREETING))
            await silence(session, 500)
            await session.send_realtime_input(audio_stream_end=True)
            unanswered = await stays_silent(session)
            # Later silence continues the earlier one.
            await silence(session, 300)
            return unanswered, await receive(session, Turn())

    unanswered, turn = asyncio.run(call())
    assert unanswered
    assert turn.heard == GREETING_TEXT
    assert turn.said == "Hello Robert, how can I help you?"


@pytest.mark.parametrize("model", ["gemini-3.8-live", THINKING, NATIVE])
def test_a_burst_of_one_second_of_silence_ends_the_speech(simulator, model):
    async def call() -> Any:
        async with simulator.connect(**settings_of(model)) as session:
            await send_audio(session, speech(GREETING))
            await silence(session, 1_000)
            return await receive(session, Turn())

    assert asyncio.run(call()).heard == GREETING_TEXT


def test_paced_silence_ends_the_speech_only_once_it_would_have_been_played(simulator):
    simulator.control("faults", {"kind": "paced_silence"})

    async def call() -> Any:
        async with simulator.connect() as session:
            await send_audio(session, speech(GREETING))
            await silence(session, 1_000)
            return await receive(session, Turn())

    assert asyncio.run(call()).heard == GREETING_TEXT
    events = simulator.events(simulator.last_connection()["id"])
    at_ms = {one["kind"]: one["t_ms"] for one in events}
    assert at_ms["speech_ended"] - at_ms["speech_started"] >= 750


def test_the_end_of_the_audio_stream_is_the_end_of_speech_for_3_1_alone(simulator):
    async def call() -> Any:
        async with simulator.connect(model=FLASH) as session:
            await say(session, GREETING, silence_s=0)
            await session.send_realtime_input(audio_stream_end=True)
            return await receive(session, Turn())

    assert asyncio.run(call()).heard == GREETING_TEXT


def test_silence_is_billed_like_any_other_audio(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            await silence(session, 4_000)
            await session.send_realtime_input(text="hello")
            return await receive(session, Turn())

    details = asyncio.run(call()).usage[0].prompt_tokens_details
    assert {one.modality.name: one.token_count for one in details}["AUDIO"] == 100


def test_a_transcript_comes_whole_and_late_or_in_pieces_and_early(simulator):
    async def call(model: str) -> list[str]:
        order: list[str] = []
        async with simulator.connect(model=model) as session:
            await say(session, GREETING)
            async for message in session.receive():
                content = message.server_content
                if message.data:
                    order.append("audio")
                if content and content.input_transcription:
                    order.append(content.input_transcription.text or "")
        return order

    late = asyncio.run(call("gemini-3.8-live"))
    assert late[:3] == ["audio", GREETING_TEXT, "audio"]
    early = asyncio.run(call(NATIVE))
    pieces = early[: early.index("audio")]
    assert len(pieces) == 3
    assert "".join(pieces) == GREETING_TEXT


def test_extended_thinking_says_when_more_follows_and_takes_no_scheduling(simulator):
    async def call(scheduling: str | None) -> Any:
        async with simulator.connect(**settings_of(THINKING)) as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn())
            await answer(session, turn.calls[0], ANSWER, scheduling)
            return await receive(session, turn, "IDLE")

    turn = asyncio.run(call(None))
    assert turn.statuses == ["IN_PROGRESS", "IDLE"]
    assert turn.said == f"One moment, please.{ANSWER}"
    with pytest.raises(APIError) as closed:
        asyncio.run(call("WHEN_IDLE"))
    assert closed.value.code == 1007


def test_every_call_of_3_1_blocks_its_turn(simulator):
    tools = [{"function_declarations": [{**ASK_CORE, "behavior": "NON_BLOCKING"}]}]

    async def call() -> Any:
        async with simulator.connect(model=FLASH, tools=tools) as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn(), "call")
            silent = await stays_silent(session)
            await answer(session, turn.calls[0], ANSWER)
            return silent, await receive(session, turn)

    silent, turn = asyncio.run(call())
    assert silent
    assert (turn.said, turn.statuses) == (ANSWER, [""])


def test_a_model_with_synchronous_tools_speaks_once_when_all_its_calls_are_answered(simulator):
    simulator.control("faults", {"kind": "duplicate_call"})

    async def call() -> Turn:
        async with simulator.connect(model=FLASH) as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn(), "call")
            turn = await receive(session, turn, "call")
            for one in turn.calls:
                await answer(session, one, ANSWER)
            return await receive(session, turn)

    turn = asyncio.run(call())
    assert len(turn.calls) == 2
    assert turn.said == ANSWER


def test_3_1_takes_content_only_as_history(simulator):
    async def call() -> Any:
        async with simulator.connect(model=FLASH) as session:
            content = {"role": "user", "parts": [{"text": "hello"}]}
            await session.send_client_content(turns=content, turn_complete=True)
            await receive(session, Turn())

    with pytest.raises(APIError) as closed:
        asyncio.run(call())
    assert closed.value.code == 1007


def test_with_manual_detection_audio_outside_the_marks_is_not_heard(simulator):
    async def call() -> Any:
        async with simulator.connect(**MANUAL) as session:
            await say(session, GREETING)
            unheard = await stays_silent(session)
            await session.send_realtime_input(activity_start=types.ActivityStart())
            await say(session, GREETING, silence_s=0)
            await session.send_realtime_input(activity_end=types.ActivityEnd())
            return unheard, await receive(session, Turn())

    unheard, turn = asyncio.run(call())
    assert unheard
    assert turn.heard == GREETING_TEXT


def test_with_manual_detection_a_mark_interrupts_the_reply(simulator):
    simulator.control("faults", {"kind": "slow_reply", "speed": 0.05})

    async def call() -> Any:
        async with simulator.connect(**MANUAL) as session:
            await session.send_realtime_input(text="hello")
            turn = await receive(session, Turn(), "audio")
            await session.send_realtime_input(activity_start=types.ActivityStart())
            return await receive(session, turn)

    assert asyncio.run(call()).interrupted


def test_with_manual_detection_the_audio_stream_has_no_end(simulator):
    async def call() -> Any:
        async with simulator.connect(**MANUAL) as session:
            await session.send_realtime_input(audio_stream_end=True)
            await receive(session, Turn())

    with pytest.raises(APIError) as closed:
        asyncio.run(call())
    assert closed.value.code == 1007
