"""Scripted faults, the control API, and the simulator as a process."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import audioop
import pytest
from google.genai.errors import APIError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from tests.integration.simulator_process import (
    ANSWER,
    DEADLINE_S,
    GREETING,
    GREETING_TEXT,
    MODEL,
    ROOT,
    WISH_TEXT,
    SimulatorProcess,
    Turn,
    answer,
    next_message,
    receive,
    running_simulator,
    say,
)

pytestmark = pytest.mark.integration

LIVE_PATH = "ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, waits on pidfds")
SETUP = {"setup": {"model": "models/gemini-3.8-live"}}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with running_simulator(tmp_path_factory.mktemp("gemini"), "--decoders", "1") as running:
        yield running


@pytest.fixture(autouse=True)
def no_fault_left(simulator: SimulatorProcess) -> Iterator[None]:
    """Check that each test used all faults that it ordered."""
    yield
    assert simulator.control("faults")["waiting"] == []


def greet(simulator: SimulatorProcess, **config: Any) -> Turn:
    """Send one typed greeting on a separate connection."""

    async def call() -> Turn:
        async with simulator.connect(**config) as session:
            await session.send_realtime_input(text=GREETING_TEXT)
            return await receive(session, Turn())

    return asyncio.run(call())


@pytest.mark.parametrize("moment", ["setup", "turn", "audio"])
@pytest.mark.parametrize("code", [1006, 1007, 1008, 1011])
def test_a_connection_closes_with_the_ordered_code_at_the_ordered_moment(simulator, moment, code):
    simulator.control("faults", {"kind": "close", "at": moment, "code": code, "reason": "why"})
    with pytest.raises(APIError) as closed:
        greet(simulator)
    assert closed.value.code == code
    assert greet(simulator).said == "Hello Robert, how can I help you?"


def test_faults_can_strike_open_connections_at_once(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            connection = simulator.last_connection()["id"]
            order = {"kind": "close", "code": 1011, "connection": connection}
            struck = simulator.control("faults", order)["struck"]
            with pytest.raises(APIError) as closed:
                await receive(session, Turn())
            return connection, struck, closed.value.code

    connection, struck, code = asyncio.run(call())
    assert struck == [connection]
    assert code == 1011


def test_a_stalled_turn_never_ends_until_the_client_speaks_again(simulator):
    simulator.control("faults", {"kind": "stall"})

    async def call() -> Any:
        async with simulator.connect() as session:
            await say(session, GREETING)
            turn = Turn()
            while not turn.heard:
                turn.add(await anext(session.receive()))
            await session.send_realtime_input(text="Please continue.")
            return await receive(session, turn)

    turn = asyncio.run(call())
    assert turn.said == "Hello Robert, how can I help you?"
    assert turn.statuses == [""]


def test_only_one_reply_is_slow_and_it_can_be_interrupted(simulator):
    simulator.control("faults", {"kind": "slow_reply", "speed": 0.05})

    async def call() -> Any:
        async with simulator.connect() as session:
            await session.send_realtime_input(text=GREETING_TEXT)
            cut = await receive(session, Turn(), "audio")
            await session.send_realtime_input(text=GREETING_TEXT)
            cut = await receive(session, cut)
            return cut, await receive(session, Turn())

    cut, whole = asyncio.run(call())
    assert cut.interrupted
    assert 0 < len(cut.audio) < len(whole.audio)
    assert not whole.interrupted


def test_an_empty_turn_completes_without_output(simulator):
    simulator.control("faults", {"kind": "empty_turn"})
    turn = greet(simulator)
    assert (turn.audio, turn.said, turn.statuses) == (b"", "", [""])


def test_a_duplicate_call_has_its_own_id(simulator):
    simulator.control("faults", {"kind": "duplicate_call"})

    async def call() -> Any:
        async with simulator.connect() as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn())
            for one in turn.calls:
                await answer(session, one, ANSWER)
            return await receive(session, turn)

    turn = asyncio.run(call())
    first, second = turn.calls
    assert (first.name, first.args) == (second.name, second.args)
    assert first.id != second.id


def test_setup_can_be_slow(simulator):
    simulator.control("faults", {"kind": "slow_setup", "delay_ms": 100})
    greet(simulator)
    assert simulator.control("faults")["consumed"]["slow_setup"] == 1


def test_a_go_away_can_be_ordered_and_is_followed_by_the_close(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            simulator.control("faults", {"kind": "go_away", "time_left_s": 0.05})
            told = await next_message(session, "go_away")
            with pytest.raises(APIError) as closed:
                await receive(session, Turn())
            return told.time_left, closed.value.code

    assert asyncio.run(call()) == ("0.05s", 1001)


def test_a_lost_seed_is_accepted_and_forgotten(simulator):
    simulator.control("faults", {"kind": "lost_seed"})

    async def call() -> Any:
        config = {"history_config": {"initial_history_in_client_content": True}}
        async with simulator.connect(**config) as session:
            seed = [{"role": "user", "parts": [{"text": GREETING_TEXT}]}]
            await session.send_client_content(turns=seed, turn_complete=True)
            await session.send_realtime_input(text="what is my name")
            return await receive(session, Turn())

    assert asyncio.run(call()).said == "I do not know your name."


@pytest.mark.parametrize("code", [None, 1008])
def test_a_refused_history_closes_the_connection_after_the_seed(simulator, code):
    simulator.control("faults", {"kind": "history_refused", **({"code": code} if code else {})})

    async def call(**config: Any) -> Any:
        async with simulator.connect(**config) as session:
            if config:
                seed = [{"role": "user", "parts": [{"text": GREETING_TEXT}]}]
                await session.send_client_content(turns=seed, turn_complete=True)
            else:
                await session.send_realtime_input(text="hello")
            return await receive(session, Turn())

    assert asyncio.run(call()).said  # the fault does not strike a session without history
    with pytest.raises(APIError) as closed:
        asyncio.run(call(history_config={"initial_history_in_client_content": True}))
    assert closed.value.code == (code or 1007)


@pytest.mark.parametrize("model", [MODEL, "gemini-3.1-flash-live-preview"])
def test_an_answer_can_be_left_unspoken_and_is_still_known(simulator, model):
    simulator.control("faults", {"kind": "silent_after_tool_answer"})

    async def call() -> Any:
        async with simulator.connect(model=model) as session:
            await session.send_realtime_input(text=WISH_TEXT)
            turn = await receive(session, Turn(), "call")
            if model == MODEL:
                await receive(session, turn)
            await answer(session, turn.calls[0], ANSWER)
            await session.send_realtime_input(text="when is my appointment")
            return await receive(session, Turn())

    said = asyncio.run(call()).said
    assert said == ANSWER


def test_a_reply_can_be_text_without_audio(simulator):
    simulator.control("faults", {"kind": "text_without_audio"})
    frames = asyncio.run(raw(simulator, SETUP, {"realtimeInput": {"text": GREETING_TEXT}}))
    contents = [frame["serverContent"] for frame in frames if "serverContent" in frame]
    text = "Hello Robert, how can I help you?"
    assert contents == [{"modelTurn": {"parts": [{"text": text}]}}, {"turnComplete": True}]


def test_a_text_can_be_ignored_and_the_next_one_is_answered(simulator):
    simulator.control("faults", {"kind": "ignored_text"})
    texts = [{"realtimeInput": {"text": text}} for text in (WISH_TEXT, GREETING_TEXT)]
    frames = asyncio.run(raw(simulator, SETUP, *texts))
    ends = [one for one in frames if "turnComplete" in one.get("serverContent", {})]
    assert len(ends) == 1
    assert not any("toolCall" in one for one in frames)


def test_a_text_can_be_answered_late(simulator):
    simulator.control("faults", {"kind": "late_text", "delay_ms": 700})
    begun_s = time.monotonic()
    assert greet(simulator).said
    assert time.monotonic() - begun_s >= 0.7


def test_a_reply_can_lack_its_transcript(simulator):
    simulator.control("faults", {"kind": "no_reply_transcript"})
    reply = greet(simulator)
    assert (reply.said, bool(reply.audio)) == ("", True)


def test_a_reply_can_be_all_but_silent(simulator):
    loud = greet(simulator)
    simulator.control("faults", {"kind": "near_silent_audio"})
    quiet = greet(simulator)
    assert quiet.said == loud.said
    assert len(quiet.audio) == len(loud.audio)
    assert 0 < audioop.max(quiet.audio, 2) < 33 < audioop.max(loud.audio, 2)  # -60 dBFS


def test_speech_can_be_misheard_as_another_language(simulator):
    simulator.control("faults", {"kind": "wrong_language_transcript"})

    async def call() -> Any:
        async with simulator.connect() as session:
            await say(session, GREETING)
            return await receive(session, Turn())

    turn = asyncio.run(call())
    assert turn.heard == f"¡Hola! {GREETING_TEXT}"
    assert turn.said == "Hola Robert, ¿en qué puedo ayudarle?"


def test_a_transcript_can_come_twice_and_after_the_end_of_its_turn(simulator):
    simulator.control("faults", {"kind": "transcript_twice"})
    simulator.control("faults", {"kind": "late_transcript", "delay_ms": 50})

    async def call() -> tuple[Any, list[Any]]:
        async with simulator.connect() as session:
            await say(session, GREETING)
            turn = await receive(session, Turn())
            return turn, [await next_message(session, "server_content") for _ in range(2)]

    turn, after = asyncio.run(call())
    assert (turn.heard, turn.said) == ("", "Hello Robert, how can I help you?")
    assert [one.input_transcription.text for one in after] == [GREETING_TEXT] * 2


def test_a_short_utterance_after_a_reply_can_be_dropped_without_a_sign(simulator):
    simulator.control("faults", {"kind": "dropped_short_utterance"})

    async def call() -> Any:
        async with simulator.connect() as session:
            await session.send_realtime_input(text="hello")
            await receive(session, Turn())
            await say(session, GREETING)
            await session.send_realtime_input(text="what is my name")
            return await receive(session, Turn())

    turn = asyncio.run(call())
    assert (turn.heard, turn.said) == ("", "I do not know your name.")


def test_the_old_name_of_idle_can_be_sent(simulator):
    simulator.control("faults", {"kind": "requires_action"})
    assert greet(simulator).statuses == ["REQUIRES_ACTION"]


async def raw(simulator: SimulatorProcess, *frames: object) -> list[dict[str, Any]]:
    """Send frames without a client library; return the answers up to turnComplete or the close."""
    url = f"wss://127.0.0.1:{simulator.port}/some/prefix/{LIVE_PATH}"
    headers = {"x-goog-api-key": "a-key"}
    received: list[dict[str, Any]] = []
    async with (
        asyncio.timeout(DEADLINE_S),
        connect(url, ssl=simulator.tls, additional_headers=headers) as wire,
    ):
        for frame in frames:
            await wire.send(frame if isinstance(frame, str) else json.dumps(frame))
        async for text in wire:
            received.append(json.loads(text))
            if "turnComplete" in received[-1].get("serverContent", {}):
                break
    return received


def test_frames_are_camel_case_and_setup_complete_comes_first(simulator):
    frames = asyncio.run(raw(simulator, SETUP, {"realtimeInput": {"text": "hello"}}))
    assert list(frames[0]) == ["setupComplete"]
    turns = [frame.get("serverContent", {}).get("modelTurn", {}) for frame in frames]
    audio = [part["inlineData"]["mimeType"] for turn in turns for part in turn.get("parts", [])]
    assert set(audio) == {"audio/pcm;rate=24000"}
    assert {"generationComplete": True} in [frame.get("serverContent") for frame in frames]
    assert frames[-1]["usageMetadata"]["totalTokenCount"] > 0
    assert not any("outputTranscription" in frame.get("serverContent", {}) for frame in frames)


def test_a_message_from_the_future_can_be_ordered(simulator):
    simulator.control("faults", {"kind": "unknown_message", "at": "turn"})
    frames = asyncio.run(raw(simulator, SETUP, {"realtimeInput": {"text": "hello"}}))
    assert {"somethingNew": {"fromTheFuture": True}} in frames


@pytest.mark.parametrize(
    "frames",
    [
        ({"realtimeInput": {"text": "no setup"}},),
        ({"setup": {"model": "models/gemini-3.8-live", "modle": 1}},),
        (SETUP, SETUP),
        (SETUP, {"realtimeInput": {"activityStart": {}}}),
        (SETUP, "nonsense"),
    ],
)
def test_what_the_protocol_does_not_allow_closes_with_1007(simulator, frames):
    with pytest.raises(ConnectionClosedError) as closed:
        asyncio.run(raw(simulator, *frames))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007


def test_bad_orders_and_unknown_connections_are_refused(simulator):
    for path, body, status in (
        ("faults", {"kind": "earthquake"}, 400),
        ("connections/nobody", None, 404),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            simulator.control(path, body)
        assert refused.value.code == status
        refused.value.close()


def test_a_taken_port_is_a_clear_message(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "local.gemini", "--port", port]
        command += ["--tls-dir", str(tmp_path), "--record-dir", str(tmp_path / "records")]
        done = subprocess.run(  # noqa: S603
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def decoders_of(simulator: SimulatorProcess) -> list[int]:
    pid = simulator.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


@on_linux
def test_a_decoder_that_dies_costs_one_connection_and_is_replaced(simulator):
    async def call() -> Any:
        async with simulator.connect() as session:
            await say(session, GREETING)
            return (await receive(session, Turn())).heard

    (decoder,) = decoders_of(simulator)
    os.kill(decoder, signal.SIGKILL)
    with pytest.raises(APIError) as closed:
        asyncio.run(call())
    assert closed.value.code == 1011
    assert asyncio.run(call()) == GREETING_TEXT
    assert decoders_of(simulator) != [decoder]


def test_a_restart_keeps_the_certificate(tmp_path):
    certificates = []
    for _ in range(2):
        with running_simulator(tmp_path, "--decoders", "1") as simulator:
            certificates.append(Path(simulator.ca_file).read_bytes())
            assert simulator.control("health")["status"] == "ok"
    assert certificates[0] == certificates[1]


@on_linux
def test_decoder_processes_die_with_a_killed_simulator(tmp_path):
    with running_simulator(tmp_path) as simulator:
        watched = [os.pidfd_open(decoder) for decoder in decoders_of(simulator)]
        assert len(watched) == 2
        simulator.process.kill()
        for descriptor in watched:
            ended, _, _ = select.select([descriptor], [], [], DEADLINE_S)
            os.close(descriptor)
            assert ended


def test_without_the_speech_packages_speech_has_a_clear_answer_and_text_is_understood(
    tmp_path, monkeypatch
):
    blocked = "import sys\nsys.modules['moonshine_voice'] = sys.modules['hibari'] = None\n"
    (tmp_path / "sitecustomize.py").write_text(blocked)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def call(simulator: SimulatorProcess) -> Any:
        async with simulator.connect() as session:
            await say(session, GREETING)
            spoken = await receive(session, Turn())
            await session.send_realtime_input(text=GREETING_TEXT)
            return spoken, await receive(session, Turn())

    with running_simulator(tmp_path) as simulator:
        spoken, typed = asyncio.run(call(simulator))

    assert (spoken.heard, spoken.said) == (
        "",
        "I cannot hear speech on this computer. Please type.",
    )
    assert typed.said == "Hello Robert, how can I help you?"
    assert spoken.audio
    assert typed.audio
