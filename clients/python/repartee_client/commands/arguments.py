"""The arguments of ``repartee``."""

import argparse
import math
from pathlib import Path

from repartee_client.call import MAX_TEXT_CHARACTERS
from repartee_client.commands.answers import ANSWER_TIMEOUT_S

EXIT_CODES = """\
exit codes:
  0    done
  1    the server refused or cannot be reached, or there was no answer
  2    an argument, the token, a file or a sound device cannot be used; nothing was confirmed
  130  Ctrl-C; a call with the microphone ends with 0

environment:
  REPARTEE_API         the address of the HTTP API, instead of --api
  REPARTEE_TOKEN       the user's bearer token
  REPARTEE_TOKEN_FILE  a file with the token; it is read again for each request
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser; ``command`` is the name of the command."""
    whole = argparse.ArgumentParser(
        prog="repartee",
        description="Talk to a deployment of Repartee, and manage a user's data there.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    access = argparse.ArgumentParser(add_help=False)
    access.add_argument(
        "--api", metavar="URL", help="the HTTP API, such as https://api.example.com"
    )
    access.add_argument(
        "--token-file", type=Path, metavar="FILE", help="a file with the user's bearer token"
    )
    access.add_argument(
        "--token", help="the token; other users of the machine can see it here: prefer a file"
    )
    access.add_argument(
        "--json", action="store_true", help="JSON for programs; calls print an event on each line"
    )
    call = argparse.ArgumentParser(add_help=False)
    call.add_argument(
        "--conversation",
        default="latest",
        metavar="new|latest|ID",
        help="the conversation to start or to continue (default: latest)",
    )
    call.add_argument(
        "--timeout",
        type=_seconds,
        default=ANSWER_TIMEOUT_S,
        metavar="S",
        help=f"seconds for each answer (default: {ANSWER_TIMEOUT_S:g})",
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_talk(commands.add_parser("talk", parents=[access, call], help="hold a spoken call"))
    ask = commands.add_parser("ask", parents=[access, call], help="ask one typed question")
    ask.add_argument(
        "question",
        type=_question,
        metavar="QUESTION",
        help=f"1 to {MAX_TEXT_CHARACTERS:,} characters",
    )
    usage = commands.add_parser("usage", parents=[access], help="print today's usage and limits")
    usage.add_argument(
        "--days", type=int, metavar="N", help="also print the last N days, up to 100"
    )
    export = commands.add_parser("export", parents=[access], help="export all data of the user")
    export.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="default: standard output"
    )
    erase = commands.add_parser("erase", parents=[access], help="erase all data of the user")
    erase.add_argument("--conversation", metavar="ID", help="only this conversation")
    erase.add_argument("--yes", action="store_true", help="do not ask for a confirmation")
    return whole


def _add_talk(talk: argparse.ArgumentParser) -> None:
    talk.description = "Hold a call with the microphone and the speaker, or speak WAV files."
    talk.add_argument("--language", metavar="TAG", help="first change the user's language")
    devices = talk.add_argument_group("microphone and speaker")
    devices.add_argument("--microphone", type=_device, metavar="DEVICE", help="number or name")
    devices.add_argument("--speaker", type=_device, metavar="DEVICE", help="number or name")
    devices.add_argument(
        "--half-duplex",
        action="store_true",
        help="mute the microphone while a reply plays, for use without headphones",
    )
    files = talk.add_argument_group("files")
    files.add_argument(
        "--wav",
        type=Path,
        action="append",
        metavar="FILE",
        help="speak this PCM WAV file; once for each utterance",
    )
    files.add_argument("--out", type=Path, metavar="FILE", help="a WAV file for the replies")
    files.add_argument("--fast", action="store_true", help="do not speak and play in real time")
    files.add_argument("--greeting", action="store_true", help="wait for the agent to speak first")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _device(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _question(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        # Python reads bytes that are not UTF-8 as lone surrogates.
        raise argparse.ArgumentTypeError("not UTF-8: write it in UTF-8") from error
    if not text.strip() or len(text) > MAX_TEXT_CHARACTERS:
        raise argparse.ArgumentTypeError(
            f"has {len(text):,} characters: write 1 to {MAX_TEXT_CHARACTERS:,}, one of them visible"
        )
    return text
