"""Runs a command of ``repartee`` and returns its exit code."""

import asyncio
import contextlib
import io
import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from repartee_client.access import HttpApiClient, Token
from repartee_client.audio.sound_devices import NoSoundError
from repartee_client.commands import user_commands
from repartee_client.commands.arguments import parser
from repartee_client.commands.ask import ask
from repartee_client.commands.exit_codes import FAILED, INTERRUPTED, UNUSABLE
from repartee_client.commands.presentation import warn
from repartee_client.commands.talk import open_audio, talk
from repartee_client.connect import connect
from repartee_client.errors import InvalidUrlError, UnusableTokenError, VoiceClientError
from repartee_client.recordings import UnusableRecordingError, read_wav
from repartee_client.user_data import UserData


class UnusableError(Exception):
    """The arguments cannot be used together; the message says which and why."""


def main(
    arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ
) -> int:
    """Run the command that the arguments name.

    Args:
        arguments: The arguments after the program's name; None for those of the process.
        environment: The environment variables.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal may lack characters of a reply.
            stream.reconfigure(errors="backslashreplace")
    options = parser().parse_args(arguments)
    try:
        options.api = options.api or environment.get("REPARTEE_API")
        if not options.api:
            raise UnusableError(
                "the address of the HTTP API is missing: set REPARTEE_API, or give --api URL"
            )
        options.token = _token(options, environment)
        if options.command == "erase" and not user_commands.confirm_erasure(options):
            return UNUSABLE
        code = asyncio.run(_run(options))
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except (
        UnusableError,
        UnusableRecordingError,
        NoSoundError,
        InvalidUrlError,
        UnusableTokenError,
    ) as error:
        warn(f"repartee: {error}")
        return UNUSABLE
    except BrokenPipeError:
        # The reader of the output, such as `head`, has ended.
        _drop_output()
        return FAILED
    except OSError as error:
        _drop_output()
        cause = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        warn(f"repartee: {cause}")
        return UNUSABLE
    except VoiceClientError as error:
        warn(f"repartee: {error}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _drop_output() -> None:
    """Prevent a second attempt to write the rest of the output at the program's end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _token(options: Namespace, environment: Mapping[str, str]) -> Token:
    if options.token:
        return str(options.token)
    file = options.token_file
    if file is None and (token := environment.get("REPARTEE_TOKEN")):
        return token
    if file is None and (name := environment.get("REPARTEE_TOKEN_FILE")):
        file = Path(name)
    if file is None:
        raise UnusableError("the user's token is missing: set REPARTEE_TOKEN, or give --token-file")
    return lambda: file.read_text(encoding="utf-8", errors="replace").strip()


def _check_files(options: Namespace) -> None:
    if not options.wav and (options.out or options.fast or options.greeting):
        raise UnusableError("--out, --fast and --greeting are for files: give --wav FILE too")
    for path in options.wav or ():
        read_wav(path)
        if options.out is not None and options.out.exists() and path.samefile(options.out):
            raise UnusableError(f"--out would overwrite the recording {path}: give another file")


async def _run(options: Namespace) -> int:
    api = HttpApiClient(options.api, options.token)
    match options.command:
        case "usage":
            return await user_commands.usage(options, UserData(api))
        case "export":
            return await user_commands.export(options, UserData(api))
        case "erase":
            return await user_commands.erase(options, UserData(api))
    conversation = None if options.conversation == "latest" else options.conversation
    if options.command == "ask":
        async with connect(options.api, token=options.token, conversation=conversation) as call:
            return await ask(options, call)
    _check_files(options)
    audio = open_audio(options)
    if options.language:
        await api.change_preferences(language=options.language)
    async with connect(
        options.api,
        token=options.token,
        conversation=conversation,
        audio=audio,
        marks_speech=bool(options.wav),
    ) as call:
        return await talk(options, call, audio)
