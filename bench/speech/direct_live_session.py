"""The baseline of latency: a google-genai Live session that gets the same chunks directly."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from google import genai
from google.genai import types

from bench.speech.chunked_speech import ChunkedSpeech
from repartee.domain.tools.core_calls import ASK_CORE_AGENT
from repartee_client.transport import now_ms

if TYPE_CHECKING:
    from google.genai.live import AsyncSession

_ANSWER_TIMEOUT_S = 60.0
# The silence that Repartee's worker sends so that the model's detector finds the end.
_SILENCE = bytes(1_000 * 32)
_INSTRUCTION = "You are the voice of a front desk. Speak warmly and briefly."


@dataclass(frozen=True, slots=True)
class DirectAnswer:
    """The answer of a direct session to one utterance.

    Attributes:
        speech_sent_at_ms: The time of the last chunk of the recording, on the clock of ``now_ms``.
        first_audio_ms: The time from there to the first reply audio.
    """

    speech_sent_at_ms: float
    first_audio_ms: float
    said: str


class DirectLiveSession:
    """One open Live session."""

    def __init__(self, session: "AsyncSession") -> None:
        self._session = session

    async def say(self, speech: ChunkedSpeech) -> DirectAnswer:
        """Speak an utterance in real time and wait for the whole answer."""
        answering = asyncio.create_task(self._answer())
        clock_ms = now_ms()
        sent_at_ms = clock_ms
        for number, chunk in enumerate(speech.chunks, start=1):
            clock_ms += speech.duration_ms(chunk)
            await asyncio.sleep(max(0.0, clock_ms - now_ms()) / 1_000)
            blob = types.Blob(data=chunk, mime_type="audio/pcm;rate=16000")
            if number == speech.spoken_chunks:
                sent_at_ms = now_ms()
            await self._session.send_realtime_input(audio=blob)
        silence = types.Blob(data=_SILENCE, mime_type="audio/pcm;rate=16000")
        await self._session.send_realtime_input(audio=silence)
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            first_audio_at_ms, said = await answering
        return DirectAnswer(sent_at_ms, first_audio_at_ms - sent_at_ms, said)

    async def _answer(self) -> tuple[float, str]:
        first_audio_at_ms = 0.0
        said = ""
        # ``receive`` ends with the turn.
        async for message in self._session.receive():
            content = message.server_content
            if content is None:
                continue
            if not first_audio_at_ms and content.model_turn is not None:
                first_audio_at_ms = now_ms()
            if content.output_transcription is not None:
                said += content.output_transcription.text or ""
        return first_audio_at_ms, said


@contextlib.asynccontextmanager
async def open_direct_live_session(
    base_url: str, ca_file: Path, model: str
) -> AsyncIterator[DirectLiveSession]:
    """Open a session with Repartee's set-up and client library."""
    client = genai.Client(
        api_key="simulated-gemini-key",
        http_options=types.HttpOptions(
            api_version="v1beta",
            base_url=base_url,
            async_client_args={
                "ssl": ssl.create_default_context(cafile=str(ca_file)),
                "ping_interval": None,
                "compression": None,
            },
        ),
    )
    question = types.Schema(type=types.Type.OBJECT, properties={}, required=[])
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        system_instruction=f"{_INSTRUCTION} It is {datetime.now(UTC):%A, %Y-%m-%d}.",
        speech_config=types.SpeechConfig(language_code="en-US"),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        tools=[
            types.Tool(
                function_declarations=[
                    types.FunctionDeclaration(name=ASK_CORE_AGENT, parameters=question)
                ]
            )
        ],
    )
    async with client.aio.live.connect(model=model, config=config) as session:
        yield DirectLiveSession(session)
