"""The plain voice: espeak-ng, which speaks about a hundred languages.

The state of its library is global, so one thread at a time may use it.
"""

import ctypes
from collections.abc import Callable

import audioop
import espeakng_loader

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


class VoiceUnavailable(Exception):
    """espeak-ng could not be loaded."""


class Espeak:
    """Synthesizes text as PCM16 mono.

    Args:
        output_rate_hz: The sample rate of the speech.

    Raises:
        VoiceUnavailable: The library did not start.
    """

    def __init__(self, output_rate_hz: int) -> None:
        self._output_rate_hz = output_rate_hz
        self._language = ""
        self._samples = bytearray()
        self._callback: Callable[..., int] = _SynthCallback(self._collect)
        self._library = library = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_SetSynthCallback.argtypes = [_SynthCallback]
        self._rate_hz = library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0
        )
        if self._rate_hz <= 0:
            raise VoiceUnavailable(f"espeak_Initialize gave {self._rate_hz}")
        library.espeak_SetSynthCallback(self._callback)
        library.espeak_SetParameter(_RATE_PARAMETER, WORDS_PER_MINUTE, 0)

    def speak(self, text: str, language_code: str, pitch: int) -> bytes:
        """Return the samples of a text; b"" for a text without words.

        Args:
            text: The text.
            language_code: Its language as a BCP 47 tag.
            pitch: 0 to 99; the default of espeak is 50.
        """
        library = self._library
        self._choose_language(language_code)
        library.espeak_SetParameter(_PITCH_PARAMETER, pitch, 0)
        self._samples.clear()
        data = text.encode()
        library.espeak_Synth(
            data, len(data) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        library.espeak_Synchronize()
        resampled, _ = audioop.ratecv(
            bytes(self._samples), 2, 1, self._rate_hz, self._output_rate_hz, None
        )
        return resampled

    def _collect(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: object) -> int:
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, count * 2)
        return 0

    def _choose_language(self, language_code: str) -> None:
        if language_code == self._language:
            return
        tag = language_code.lower()
        for name in (_ESPEAK_LANGUAGES.get(tag, tag), tag.split("-", maxsplit=1)[0], "en-us"):
            if self._library.espeak_SetVoiceByName(name.encode()) == 0:
                break
        self._language = language_code
