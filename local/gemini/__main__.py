"""``python -m local.gemini``: serve the simulated Gemini until SIGINT or SIGTERM."""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from local.gemini.mind.data_files import DataFileError
from local.gemini.mind.tool_files import read_tools
from local.gemini.server import Simulator
from local.gemini.settings import SimulatorSettings
from local.gemini.speech.transcripts import Transcripts
from local.hosting.lifeline import die_with_parent


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.gemini", description=__doc__)
    parser.add_argument("--port", type=int, default=8707, help="0 selects a free port")
    parser.add_argument("--tls-dir", type=Path, required=True, help="folder for ca.pem")
    parser.add_argument("--record-dir", type=Path, required=True)
    parser.add_argument("--pace", choices=["human", "instant"], default="human")
    parser.add_argument("--speed", type=float, help="audio seconds per second (human: 4)")
    parser.add_argument("--first-audio-ms", type=int, help="thinking time (human: 250)")
    parser.add_argument("--setup-ms", type=int, help="until setupComplete (human: 300)")
    parser.add_argument("--connection-age-s", type=float, default=600.0)
    parser.add_argument("--go-away-s", type=float, default=60.0)
    parser.add_argument(
        "--time-scale", type=float, default=1.0, help="factor by which connections age faster"
    )
    parser.add_argument("--deaf-after-s", type=float, default=20.0)
    parser.add_argument(
        "--silence",
        choices=["burst", "paced"],
        default="burst",
        help="paced: silence after speech counts in real time, however fast it arrives",
    )
    parser.add_argument("--decoders", type=int, default=2, help="processes; about 200 MB each")
    parser.add_argument(
        "--tools",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="file of a tool, read before those in local/gemini/tools; may be repeated",
    )
    parser.add_argument(
        "--transcripts",
        type=Path,
        metavar="FOLDER",
        help="folder of recordings whose words are in the .txt beside them, not recognized",
    )
    parser.add_argument("--with-parent", action="store_true", help="end with the parent process")
    return parser.parse_args(arguments)


def settings_from(arguments: argparse.Namespace) -> SimulatorSettings:
    human = arguments.pace == "human"

    def chosen(value: int | None, for_human: int) -> int:
        return value if value is not None else for_human if human else 0

    return SimulatorSettings(
        record_dir=arguments.record_dir,
        setup_ms=chosen(arguments.setup_ms, 300),
        first_audio_ms=chosen(arguments.first_audio_ms, 250),
        speed=arguments.speed or (4.0 if human else None),
        wait_for_playback=human,
        connection_age_s=arguments.connection_age_s,
        go_away_s=arguments.go_away_s,
        time_scale=arguments.time_scale,
        deaf_after_s=arguments.deaf_after_s,
        silence=arguments.silence,
    )


async def serve(arguments: argparse.Namespace) -> int:
    try:
        tools = read_tools(arguments.tools)
        transcripts = Transcripts(arguments.transcripts) if arguments.transcripts else None
    except DataFileError as error:
        print(f"local.gemini: {error}", file=sys.stderr)
        return 1
    simulator = Simulator(
        settings_from(arguments),
        arguments.tls_dir,
        arguments.port,
        arguments.decoders,
        tools,
        transcripts,
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    try:
        await simulator.start()
    except OSError as error:
        print(f"local.gemini cannot listen on port {arguments.port}: {error}", file=sys.stderr)
        return 1
    ready = {"ready": True, "port": simulator.port, "ca_file": str(simulator.ca_file.resolve())}
    print(json.dumps(ready), flush=True)
    await stopping.wait()
    await simulator.stop()
    return 0


def main() -> None:
    arguments = parse_arguments()
    if arguments.with_parent:
        die_with_parent(os.getppid())
    sys.exit(asyncio.run(serve(arguments)))


if __name__ == "__main__":
    main()
