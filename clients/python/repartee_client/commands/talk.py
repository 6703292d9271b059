"""``repartee talk``: a spoken call, with the microphone or with WAV files."""

import asyncio
import math
from argparse import Namespace

from repartee_client.audio.sound_devices import SoundDevices
from repartee_client.audio.wav_files import WavFiles
from repartee_client.call import Call
from repartee_client.commands.answers import Listener
from repartee_client.commands.exit_codes import DONE
from repartee_client.commands.presentation import Timeline, show_json, warn
from repartee_client.connect import HANG_UP_WITHIN_S
from repartee_client.recordings import read_wav


def open_audio(options: Namespace) -> SoundDevices | WavFiles:
    """Open the sound devices, or the files.

    Raises:
        NoSoundError: A device cannot be used.
        OSError: The file for the replies cannot be written.
    """
    if options.wav:
        return WavFiles(sink=options.out, speed=math.inf if options.fast else 1.0)
    return SoundDevices(
        microphone=options.microphone,
        speaker=options.speaker,
        is_half_duplex=options.half_duplex,
    )


async def talk(options: Namespace, call: Call, audio: SoundDevices | WavFiles) -> int:
    """Talk until the user or the agent hangs up, or until each file has its answer."""
    timeline = Timeline()
    async with Listener(call, show_json if options.json else timeline) as listener:
        if isinstance(audio, WavFiles):
            await _speak_files(options, call, audio, listener, timeline)
        else:
            await _talk_live(options, call, listener)
        await listener.end()
    listener.check_end()
    return DONE


async def _talk_live(options: Namespace, call: Call, listener: Listener) -> None:
    advice = "" if options.half_duplex else "; without headphones use --half-duplex"
    warn(f"speak; Ctrl-C hangs up{advice}")
    try:
        await listener.end()
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()
        await call.hang_up(HANG_UP_WITHIN_S)


async def _speak_files(
    options: Namespace, call: Call, audio: WavFiles, listener: Listener, timeline: Timeline
) -> None:
    if options.greeting:
        await listener.greeting(options.timeout)
        await _play_to_the_end(audio)
    for path in options.wav:
        recording = read_wav(path)
        if not options.json:
            timeline.line(f"speaks  {path.stem} ({recording.duration_ms / 1_000:.1f} s)")
        if not await audio.speak(recording):
            await listener.end()
            listener.check_open()
        await listener.answer(options.timeout)
        await _play_to_the_end(audio)
    await call.hang_up()


async def _play_to_the_end(audio: WavFiles) -> None:
    await asyncio.sleep(audio.unplayed_ms() / 1_000)
