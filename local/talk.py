"""``python -m local.talk [WAV…]``: speak recordings to a running stack and print the events.

Recordings are PCM WAV files (local/recordings/README.md); the default are those of
the demo. Each is spoken when the answer to the previous one is complete.
"""

import argparse
import asyncio
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.calls.opening import open_reconnecting_voice_call
from local.calls.turn_collector import TurnRecord
from local.calls.utterances import ANSWER_TIMEOUT_S, Pace, hear_greeting, say
from local.demo.recorded_script import DEFAULT_RECORDINGS, UnusableScriptError, load_script
from local.hosting.ports import Ports, port_base_or_exit
from local.timeline_printer import TimelinePrinter
from repartee.domain.audio import OUTPUT_RATE_HZ
from repartee_client.access import HttpApiClient, get_token
from repartee_client.errors import UnreachableError, VoiceClientError
from repartee_client.recordings import Recording, UnusableRecordingError, read_wav, write_wav
from repartee_client.transport import now_ms

_PLAYERS = (
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.talk", description="Speak recordings to a running stack."
    )
    ports = Ports.from_base(port_base_or_exit(parser))
    parser.add_argument("wavs", nargs="*", type=Path, metavar="WAV", help="WAV file of speech")
    parser.add_argument("--user", default="demo", help="name of the user (default: demo)")
    parser.add_argument(
        "--conversation", help='id to continue, or "new" (default: the latest conversation)'
    )
    parser.add_argument("--fast", action="store_true", help="as fast as allowed, not in real time")
    parser.add_argument(
        "--greeting", action="store_true", help="let the agent greet first, then speak"
    )
    parser.add_argument("--save", type=Path, metavar="DIR", help="save each reply as WAV")
    parser.add_argument(
        "--play", action="store_true", help="play each reply (aplay, afplay, ffplay)"
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=ANSWER_TIMEOUT_S, metavar="S", help="seconds per answer"
    )
    parser.add_argument("--http-api", default=f"http://127.0.0.1:{ports.http}", metavar="URL")
    parser.add_argument("--issuer", default=f"http://127.0.0.1:{ports.issuer}", metavar="URL")
    parser.add_argument("--token", help="bearer token of a deployed stack, instead of an issuer")
    return parser.parse_args(arguments)


def find_player() -> tuple[str, ...] | None:
    """Return the first installed player with its arguments, or None."""
    return next((player for player in _PLAYERS if shutil.which(player[0])), None)


async def play(player: tuple[str, ...], wav: Path) -> None:
    """Play a file to its end; cancellation stops the player."""
    process = await asyncio.create_subprocess_exec(*player, str(wav))
    try:
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def talk(options: argparse.Namespace, recordings: Sequence[tuple[str, Recording]]) -> None:
    """Hold one call and print its events."""
    printer = TimelinePrinter(now_ms())
    token = options.token or await get_token(options.issuer, options.user)
    api = HttpApiClient(options.http_api, token)
    ticket = await api.start_session(conversation_id=options.conversation)
    pace = Pace.FAST if options.fast else Pace.REAL_TIME
    async with open_reconnecting_voice_call(api, ticket, listener=printer) as call:
        if options.greeting:
            turn = await hear_greeting(call, timeout_s=options.timeout)
            await _keep([turn], "greeting", options)
        for name, recording in recordings:
            await call.until_ready()
            printer.line(now_ms(), f"speaks  {name} ({recording.duration_ms / 1_000:.1f} s)")
            answered = await say(call, recording, pace=pace, timeout_s=options.timeout)
            if answered.first_audio_ms is not None:
                printer.line(now_ms(), f"first audio {answered.first_audio_ms} ms after the speech")
            await _keep(answered.turns, name, options)
        await call.hang_up()


async def _keep(turns: Sequence[TurnRecord], name: str, options: argparse.Namespace) -> None:
    for turn in turns:
        if not turn.pcm:
            continue
        reply = Recording(bytes(turn.pcm), OUTPUT_RATE_HZ)
        file_name = f"{name}-turn-{turn.number}.wav"
        if options.save:
            options.save.mkdir(parents=True, exist_ok=True)
            write_wav(options.save / file_name, reply)
            print(f"{'':11}saved {options.save / file_name}")
        if options.play and (player := find_player()):
            with tempfile.TemporaryDirectory() as folder:
                write_wav(Path(folder) / file_name, reply)
                await play(player, Path(folder) / file_name)


def main() -> int:
    options = parse_arguments()
    try:
        wavs = options.wavs or [one.wav for one in load_script(DEFAULT_RECORDINGS)]
        recordings = [(wav.stem, read_wav(wav)) for wav in wavs]
    except OSError as error:
        example = DEFAULT_RECORDINGS / "1-greeting.wav"
        print(
            f"cannot use the recording: {error.filename}: {error.strerror}; "
            f"give a WAV file, such as {os.path.relpath(example)}",
            file=sys.stderr,
        )
        return 2
    except (UnusableRecordingError, UnusableScriptError) as error:
        print(f"cannot use the recording: {error}", file=sys.stderr)
        return 2
    if options.play and find_player() is None:
        print("no player found (aplay, afplay or ffplay): replies are not played", file=sys.stderr)
    try:
        asyncio.run(talk(options, recordings))
    except UnreachableError as error:
        hint = "" if options.token else "\nno stack runs there: start one with `make up`"
        print(f"the call failed: {error}{hint}", file=sys.stderr)
        return 1
    except VoiceClientError as error:
        print(f"the call failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
