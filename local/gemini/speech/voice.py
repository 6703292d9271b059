"""The simulator's voice: espeak-ng in one thread, because its library state is global."""

import asyncio
import ctypes
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import audioop
import espeakng_loader

OUTPUT_RATE_HZ = 24_000
WORDS_PER_MINUTE = 130

# speak_lib.h
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_RATE_PARAMETER = 1
_PITCH_PARAMETER = 3
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1

_SynthCallback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)

# espeak's names for languages whose BCP 47 tag it does not know.
_ESPEAK_LANGUAGES = {"en-us": "en-us", "en-gb": "en-gb", "es-us": "es-419", "pt-br": "pt-br"}


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
        """The pitch for espeak, 0 to 99; Kore has espeak's default, 50."""
        return 50 if self.name == "Kore" else 30 + zlib.crc32(self.name.lower().encode()) % 41


class VoiceUnavailable(Exception):
    """espeak-ng could not be loaded or refused to speak."""


class Voice:
    """Synthesizes text as PCM16 mono 24 kHz; ``close`` ends its thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak")
        self._library: ctypes.CDLL | None = None
        self._rate_hz = 22_050
        self._language = ""
        self._samples = bytearray()
        self._callback: Callable[..., int] = _SynthCallback(self._collect)

    async def start(self) -> None:
        """Load espeak-ng and its data.

        Raises:
            VoiceUnavailable: The library did not start.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def speak(self, text: str, style: VoiceStyle) -> bytes:
        """Return the samples of a text, 24 kHz mono PCM16; b"" for a text without words."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._synthesise, text, style)

    def close(self) -> None:
        """End the thread; the library stays loaded until the process ends."""
        self._thread.shutdown(wait=True)

    def _load(self) -> None:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_SetSynthCallback.argtypes = [_SynthCallback]
        rate = library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0
        )
        if rate <= 0:
            raise VoiceUnavailable(f"espeak_Initialize gave {rate}")
        self._rate_hz = rate
        library.espeak_SetSynthCallback(self._callback)
        library.espeak_SetParameter(_RATE_PARAMETER, WORDS_PER_MINUTE, 0)
        self._library = library

    def _collect(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: object) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, count * 2)
        return 0

    def _synthesise(self, text: str, style: VoiceStyle) -> bytes:
        library = self._library
        if library is None:
            raise VoiceUnavailable("the voice was not started")
        self._choose_language(library, style.language_code)
        library.espeak_SetParameter(_PITCH_PARAMETER, style.pitch, 0)
        self._samples.clear()
        data = text.encode()
        library.espeak_Synth(
            data, len(data) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        library.espeak_Synchronize()
        resampled, _ = audioop.ratecv(
            bytes(self._samples), 2, 1, self._rate_hz, OUTPUT_RATE_HZ, None
        )
        return resampled

    def _choose_language(self, library: ctypes.CDLL, language_code: str) -> None:
        if language_code == self._language:
            return
        tag = language_code.lower()
        for name in (_ESPEAK_LANGUAGES.get(tag, tag), tag.split("-", maxsplit=1)[0], "en-us"):
            if library.espeak_SetVoiceByName(name.encode()) == 0:
                break
        self._language = language_code


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
