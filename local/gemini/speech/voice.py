"""The simulator's voice: Hibari for English, espeak-ng for other languages."""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING

import audioop

from local.gemini.speech.espeak import Espeak

if TYPE_CHECKING:
    from hibari import Hibari

OUTPUT_RATE_HZ = 24_000
# A full stop after a short word may belong to an abbreviation.
_SENTENCE_END = re.compile(r"(?<=\w{4}\.)\s+|(?<=[!?…।])\s+")


@dataclass(frozen=True, slots=True)
class VoiceStyle:
    """The style of the voice.

    Attributes:
        name: A prebuilt voice of Gemini; here it only selects a pitch.
        language_code: The language as a BCP 47 tag.
    """

    name: str = "Kore"
    language_code: str = "en-US"

    @property
    def pitch(self) -> int:
        """The pitch, 0 to 99; Kore has the default of both voices, 50."""
        return 50 if self.name == "Kore" else 30 + zlib.crc32(self.name.lower().encode()) % 41


class Voice:
    """Synthesizes text as PCM16 mono 24 kHz in one thread, which ``close`` ends."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="voice")
        self._natural: Hibari | None = None
        self._plain: Espeak | None = None

    async def start(self) -> None:
        """Load the voices and speak once with each, because the first time takes longer.

        Raises:
            VoiceUnavailable: The library of espeak-ng did not start.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def stream(self, text: str, style: VoiceStyle) -> AsyncIterator[tuple[str, bytes]]:
        """Yield each sentence of a text with its samples; b"" for a sentence without words."""
        loop = asyncio.get_running_loop()
        for sentence in split_sentences(text):
            pcm = await loop.run_in_executor(self._thread, self._speak, sentence, style)
            yield sentence, pcm

    def close(self) -> None:
        """End the thread; the libraries stay loaded until the process ends."""
        self._thread.shutdown(wait=True)

    def _load(self) -> None:
        self._plain = Espeak(OUTPUT_RATE_HZ)
        # Without a wheel for this machine, espeak-ng speaks English too.
        if find_spec("hibari"):
            from hibari import Hibari

            self._natural = Hibari()
            self._speak("Hello, how can I help you?", VoiceStyle())

    def _speak(self, text: str, style: VoiceStyle) -> bytes:
        if self._natural and style.language_code.lower().startswith("en"):
            return _speak_naturally(self._natural, text, style.pitch)
        assert self._plain is not None  # noqa: S101 - start() has loaded it
        return self._plain.speak(text, style.language_code, style.pitch)


def _speak_naturally(hibari: "Hibari", text: str, pitch: int) -> bytes:
    # Played faster, the speech has a higher pitch; it is spoken slower to keep its length.
    factor = 1 + (pitch - 50) / 100
    samples = hibari(text, speed=1 / factor, seed=0)
    pcm = (samples.clip(-1, 1) * 32_767).astype("<i2").tobytes()
    if pitch == 50:
        return bytes(pcm)
    resampled, _ = audioop.ratecv(pcm, 2, 1, round(OUTPUT_RATE_HZ * factor), OUTPUT_RATE_HZ, None)
    return resampled


def split_sentences(text: str) -> list[str]:
    """Split a text after its sentences; joined by spaces they have the same words."""
    return [sentence for sentence in _SENTENCE_END.split(text.strip()) if sentence]


def split_audio(pcm: bytes, chunk_ms: int = 240) -> list[bytes]:
    """Split 24 kHz PCM16 into parts of Gemini's size: 240 ms, 11,520 bytes; the last is shorter."""
    size = OUTPUT_RATE_HZ * chunk_ms // 1000 * 2
    return [pcm[start : start + size] for start in range(0, len(pcm), size)]


def split_words(text: str, pieces: int) -> list[str]:
    """Spread the words of ``text`` over ``pieces`` strings that join to ``text`` again."""
    words = text.split(" ")
    cuts = [round(len(words) * index / pieces) for index in range(pieces + 1)]
    parts = [" ".join(words[start:end]) for start, end in pairwise(cuts)]
    seen = False
    for index, part in enumerate(parts):
        if part and seen:
            parts[index] = " " + part
        seen = seen or bool(part)
    return parts
