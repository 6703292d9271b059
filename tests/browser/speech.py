"""Speech for the fake microphone: recordings, and sentences in the simulator's own voice."""

import wave
from functools import cache
from pathlib import Path

import audioop

from local.gemini.speech.voice import OUTPUT_RATE_HZ, Voice, VoiceStyle
from tests.integration.running import RunningStack

RATE_HZ = 16_000
PLAYBACK_RATE_HZ = OUTPUT_RATE_HZ


def silence(seconds: float) -> bytes:
    """Return PCM16 zeros at 16 kHz."""
    return bytes(round(seconds * RATE_HZ) * 2)


def recorded(path: Path) -> bytes:
    """Return the PCM16 samples of a WAV file at 16 kHz."""
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, RATE_HZ), path
        return bytes(file.readframes(file.getnframes()))


def write_wav(path: Path, *parts: bytes) -> Path:
    """Write a WAV file for Chromium's fake device."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(b"".join(parts))
    return path


@cache
def _voice(running: RunningStack) -> Voice:
    voice = Voice()
    running.run(voice.start())
    return voice


def spoken(running: RunningStack, text: str) -> bytes:
    """Return ``text`` in the simulator's voice, as PCM16 at 16 kHz."""
    voice = _voice(running)

    async def parts() -> bytes:
        return b"".join([pcm async for _, pcm in voice.stream(text, VoiceStyle())])

    pcm, _ = audioop.ratecv(running.run(parts()), 2, 1, OUTPUT_RATE_HZ, RATE_HZ, None)
    return pcm
