"""Starts the Gemini simulator as a process and talks to it with the real google-genai client."""

import asyncio
import json
import ssl
import subprocess
import sys
import urllib.request
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google import genai
from google.genai import types
from google.genai.live import AsyncSession

from local.gemini.live.records import read_events

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "tests" / "fixtures" / "speech"
GREETING = "gemini_hello_my_name_is_robert"
WISH = "gemini_see_the_doctor_friday_three_afternoon"
GREETING_TEXT = "Hello, my name is Robert."
WISH_TEXT = "I'd like to see the doctor on Friday at 3 in the afternoon."
ANSWER = "Your appointment is booked for Friday the 27th of November at 3 p.m."
MODEL = "gemini-3.8-live"
# One process at a time decodes speech, in a quarter of its length on an idle core and many times
# slower beside other work. Only a hang takes this long.
DEADLINE_S = 120.0

ASK_CORE = {
    "name": "ask_core_agent",
    "description": "Looks up and changes the desk's data.",
    "parameters": {
        "type": "OBJECT",
        "properties": {"question": {"type": "STRING"}},
        "required": ["question"],
    },
}


@dataclass(frozen=True)
class SimulatorProcess:
    """A running simulator."""

    port: int
    ca_file: str
    record_dir: Path
    process: subprocess.Popen[str]

    @property
    def base_url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)

    def control(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Call the control API: POST with a body, else GET."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base_url}/control/{path}", data)  # noqa: S310
        with urllib.request.urlopen(request, context=self.tls) as response:  # noqa: S310
            return json.load(response)

    def events(self, connection: str) -> list[dict[str, Any]]:
        return read_events(self.record_dir / connection)

    def recorded(self, connection: str, name: str) -> bytes:
        return (self.record_dir / connection / name).read_bytes()

    def last_connection(self) -> dict[str, Any]:
        newest: dict[str, Any] = self.control("connections")["connections"][-1]
        return newest

    def client(self, key: str = "a-key") -> genai.Client:
        options = types.HttpOptions(
            base_url=self.base_url,
            api_version="v1beta",
            async_client_args={"ssl": self.tls, "ping_interval": None, "compression": None},
        )
        return genai.Client(api_key=key, http_options=options)

    def connect(self, key: str = "a-key", model: str = MODEL, **config: Any) -> Any:
        """Open a Live session; the simplest set-up, changed by ``config``."""
        settings = {
            "response_modalities": ["AUDIO"],
            "system_instruction": "You are the voice of a front desk.",
            "input_audio_transcription": {},
            "output_audio_transcription": {},
            "tools": [{"function_declarations": [ASK_CORE]}],
            **config,
        }
        return self.client(key).aio.live.connect(
            model=model, config=types.LiveConnectConfig.model_validate(settings)
        )


@contextmanager
def running_simulator(folder: Path, *flags: str) -> Iterator[SimulatorProcess]:
    """Run ``python -m local.gemini`` until the end of the block."""
    record_dir = folder / "records"
    command = [sys.executable, "-m", "local.gemini", "--port", "0", "--with-parent"]
    command += ["--tls-dir", str(folder / "tls"), "--record-dir", str(record_dir)]
    process = subprocess.Popen(  # noqa: S603
        [*command, "--pace", "instant", *flags], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield SimulatorProcess(ready["port"], ready["ca_file"], record_dir, process)
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout:
            process.stdout.close()


@dataclass
class Turn:
    """The messages of one turn."""

    audio: bytes = b""
    heard: str = ""
    said: str = ""
    statuses: list[str] = field(default_factory=list)
    calls: list[types.FunctionCall] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    interrupted: bool = False
    generation_complete: int = 0
    usage: list[types.UsageMetadata] = field(default_factory=list)
    biggest_part: int = 0

    def add(self, message: types.LiveServerMessage) -> None:
        if message.data:
            self.audio += message.data
            self.biggest_part = max(self.biggest_part, len(message.data))
        if message.tool_call:
            self.calls += message.tool_call.function_calls or []
        if message.tool_call_cancellation:
            self.cancelled += message.tool_call_cancellation.ids or []
        if message.usage_metadata:
            self.usage.append(message.usage_metadata)
        content = message.server_content
        if content is None:
            return
        self.heard += (content.input_transcription and content.input_transcription.text) or ""
        self.said += (content.output_transcription and content.output_transcription.text) or ""
        self.interrupted |= bool(content.interrupted)
        self.generation_complete += bool(content.generation_complete)
        if content.turn_complete:
            status = content.interaction_status
            self.statuses.append(status.name if status else "")


async def receive(session: AsyncSession, turn: Turn, until: str = "turn") -> Turn:
    """Receive until a turn completes, with the given status if any, or until "call" or "audio"."""
    before = len(turn.statuses)
    async with asyncio.timeout(DEADLINE_S):
        while True:
            async for message in session.receive():
                turn.add(message)
                if until == "call" and turn.calls:
                    return turn
                if until == "audio" and turn.audio:
                    return turn
                if turn.statuses[before:] and until in ("turn", turn.statuses[-1]):
                    return turn


async def next_message(session: AsyncSession, wanted: str) -> Any:
    """Return the field ``wanted`` of the next message that has it."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            async for message in session.receive():
                if found := getattr(message, wanted):
                    return found


async def say(
    session: AsyncSession, name: str, silence_s: float = 1.0, chunk_ms: int = 200
) -> bytes:
    """Send a recording and some silence as fast as possible; return the sent bytes."""
    pcm = speech(name) + bytes(int(silence_s * 32_000))
    size = chunk_ms * 32
    for start in range(0, len(pcm), size):
        await send_audio(session, pcm[start : start + size])
    return pcm


async def send_audio(session: AsyncSession, pcm: bytes, rate_hz: int = 16_000) -> None:
    blob = types.Blob(data=pcm, mime_type=f"audio/pcm;rate={rate_hz}")
    await session.send_realtime_input(audio=blob)


async def answer(
    session: AsyncSession, call: types.FunctionCall, text: str, scheduling: str | None = None
) -> None:
    response = types.FunctionResponse(
        id=call.id,
        name=call.name,
        response={"status": "done", "answer": text},
        scheduling=types.FunctionResponseScheduling(scheduling) if scheduling else None,
    )
    await session.send_tool_response(function_responses=[response])


def speech(name: str) -> bytes:
    with wave.open(str(SPEECH / f"{name}.wav")) as file:
        return bytes(file.readframes(file.getnframes()))
