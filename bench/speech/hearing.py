"""Measures the simulator's speech recognition: word errors over callers' sentences, by voice."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.report import Report, print_now
from bench.speech.hearing_results import HeardSentence, report
from bench.speech.room_noise import with_room_noise
from local.gemini.speech.ears import Ears
from local.gemini.speech.vad import Segmenter, SpeechAudio, SpeechEnded, SpeechStarted, VadSettings
from local.gemini.speech.voice import OUTPUT_RATE_HZ, Voice, VoiceStyle
from repartee_client.audio.conversion import convert
from repartee_client.recordings import INPUT_SAMPLE_RATE_HZ, Recording, read_wav

FLITE_VOICES = ("rms", "slt", "awb", "kal16")
OWN_VOICE = "the simulator's own"
_NO_FLITE = "flite is not installed, so its voices are missing: sudo apt-get install flite"
_QUICK_STEP = 5
_CHUNK_MS = 20
_BEFORE_MS, _AFTER_MS = 500, 1_000

type Speak = Callable[[str], Awaitable[Recording]]


def sentences() -> list[str]:
    """Return the sentences of the callers."""
    path = Path(__file__).with_name("callers.txt")
    return path.read_text(encoding="utf-8").splitlines()


async def measure_hearing(*, quick: bool) -> Report:
    """Let each voice say the sentences to the simulator's segmenter and recogniser.

    Raises:
        RuntimeError: A voice could not speak.
    """
    spoken = sentences()[:: _QUICK_STEP if quick else 1]
    ears, voice = Ears(processes=1), Voice()
    heard: dict[str, list[HeardSentence]] = {}
    try:
        await voice.start()
        await ears.start()
        with TemporaryDirectory() as folder:
            for name, speak in _voices(voice, Path(folder)).items():
                print_now(f"hearing: {name}, {len(spoken)} sentences")
                heard[name] = [await _hear(ears, text, await speak(text)) for text in spoken]
    finally:
        await ears.close()
        voice.close()
    return report(heard, () if shutil.which("flite") else (_NO_FLITE,))


def _voices(voice: Voice, folder: Path) -> dict[str, Speak]:
    async def speak_own(text: str) -> Recording:
        pcm = b"".join([pcm async for _, pcm in voice.stream(text, VoiceStyle())])
        rates = {"from_rate_hz": OUTPUT_RATE_HZ, "to_rate_hz": INPUT_SAMPLE_RATE_HZ}
        return Recording(convert(pcm, width_bytes=2, channels=1, **rates))

    def flite(name: str) -> Speak:
        async def speak(text: str) -> Recording:
            wav = folder / "sentence.wav"
            arguments = ("flite", "-voice", name, "-t", text, "-o", str(wav))
            process = await asyncio.create_subprocess_exec(*arguments)
            if await process.wait():
                raise RuntimeError(f"flite does not speak with the voice {name}")
            return read_wav(wav)

        return speak

    others = FLITE_VOICES if shutil.which("flite") else ()
    return {OWN_VOICE: speak_own} | {f"flite {name}": flite(name) for name in others}


async def _hear(ears: Ears, text: str, recording: Recording) -> HeardSentence:
    """Send one sentence as a microphone does, with the quiet around it."""
    before, after = (bytes(32 * ms) for ms in (_BEFORE_MS, _AFTER_MS))
    audio = with_room_noise(Recording(before + recording.pcm + after), seed=0)
    segmenter = Segmenter(VadSettings())
    heard: list[str] = []
    seconds = 0.0
    utterance = bytearray()
    for chunk in audio.chunks(_CHUNK_MS):
        for event in segmenter.feed(chunk):
            match event:
                case SpeechStarted():
                    utterance.clear()
                case SpeechAudio():
                    utterance += event.pcm
                case SpeechEnded():
                    started_s = time.monotonic()
                    heard.append(await ears.hear(bytes(utterance)))
                    seconds += time.monotonic() - started_s
    return HeardSentence(text, " ".join(heard), seconds)
