"""``python -m local.up``: run the local stack until Ctrl-C.

REPARTEE_PORT_BASE sets the first port. With GEMINI_API_KEY the functions use the real Gemini.
"""

import signal

if __name__ == "__main__":
    # Ctrl-C during the imports, which take a second, prints no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import asyncio
import errno
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.gemini.mind.languages import languages
from local.gemini.speech.ears import has_recognizer
from local.hosting.ports import port_base_or_exit
from local.hosting.signals import run_until_signal
from local.stack import (
    LOCAL,
    PREWARM,
    START_ERRORS,
    Stack,
    StackOptions,
    new_run_directory,
    published,
    remove_old_runs,
    running_stack,
)
from local.stack.code_changes import describe_change
from local.stack.template_settings import (
    add_settings_argument,
    describe_settings,
    settings_or_exit,
)
from repartee.adapters.personas import load_persona
from repartee.domain.live.model_profiles import profile_of


def options_from() -> StackOptions:
    """Read the options from the command line and the environment."""
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--pace", choices=["human", "instant"], default="human")
    tables = parser.add_mutually_exclusive_group()
    tables.add_argument(
        "--data", type=Path, help="folder that keeps the tables (default: .local/data/PORT_BASE)"
    )
    tables.add_argument(
        "--fresh", action="store_true", help="start with empty tables, and keep none"
    )
    parser.add_argument("--run-directory", type=Path, help="default: a new one under .local/")
    parser.add_argument(
        "--record",
        metavar="off|events|events_and_audio",
        help="record sessions for python -m local.replay",
    )
    parser.add_argument("--model", help="Gemini's live model (default: the template's)")
    parser.add_argument(
        "--transcripts",
        type=Path,
        metavar="FOLDER",
        help="recordings in a language that the simulator does not hear, with their words in .txt",
    )
    add_settings_argument(parser)
    parser.add_argument(
        "--no-prewarm", action="store_true", help="start functions on their first call"
    )
    given = parser.parse_args()
    parameters = settings_or_exit(
        " ".join(given.set), live_model=given.model, recording=given.record
    )
    port_base = port_base_or_exit(parser)
    return StackOptions(
        run_directory=given.run_directory or new_run_directory(),
        port_base=port_base,
        parameters=parameters,
        gemini_api_key=os.environ.get("GEMINI_API_KEY") or None,
        gemini_pace=given.pace,
        gemini_arguments=(
            ("--transcripts", str(given.transcripts.resolve())) if given.transcripts else ()
        ),
        dynamodb_data=None if given.fresh else given.data or LOCAL / "data" / str(port_base),
        prewarm={} if given.no_prewarm else PREWARM,
        tracing=True,
        code_changed=lambda change: print(describe_change(change), flush=True),
    )


def describe(stack: Stack, options: StackOptions) -> str:
    """Return the addresses, and the settings that are not the template's, for the developer."""
    addresses = stack.addresses
    settings = describe_settings(options.parameters)
    worker = stack.application.functions["StreamAgentFunction"]
    is_simulated = bool(addresses.gemini)
    lines = [
        f"Page            {addresses.http}/",
        f"WebSocket API   {addresses.websocket}",
        f"HTTP API        {addresses.http}",
        f"@connections    {addresses.connections}",
        f"Lambda          {addresses.lambdas}",
        f"DynamoDB        {addresses.dynamodb}",
        f"AWS services    {addresses.aws}",
        f"Gemini          {addresses.gemini or 'the real one'}",
        f"Dashboards      {addresses.observer}/dashboard",
        f"Traces          {describe_traces(worker.environment, addresses.observer)}",
        f"Token           curl -s -d user=ada {addresses.issuer}/token",
        f"Persona         {describe_persona(worker.environment, simulated=is_simulated)}",
        *([f"Speech          {describe_hearing()}"] if is_simulated else []),
        f"Tables          {describe_tables(stack.data_directory, options.dynamodb_data)}",
        f"Logs, records   {stack.run_directory}",
        *(f"Setting         {setting}" for setting in settings),
        f"Started in      {sum(stack.start_s.values()):.1f} s",
        "Ctrl-C stops it.",
    ]
    return "\n".join(lines)


def describe_persona(environment: Mapping[str, str], *, simulated: bool) -> str:
    """Return which persona the functions have, by their environment variables.

    Args:
        environment: The variables of the worker.
        simulated: Whether the simulator stands in Gemini's place, which knows few languages.
    """
    name = environment["PERSONA"]
    persona = load_persona(name)
    model = profile_of(environment["GEMINI_LIVE_MODEL"])
    language = persona.default_language(model, environment["LANGUAGE"])
    first = "the agent speaks first" if persona.speaks_first else "the user speaks first"
    described = f"{name} ({persona.business}, {language}, {first})"
    if simulated and language.partition("-")[0] not in languages():
        described += f"; the simulator has no file for {language} and answers in English"
    return described


def describe_traces(environment: Mapping[str, str], observer: str) -> str:
    """Return where the traces of turns are.

    Args:
        environment: The variables of the worker.
        observer: The address of the observer.
    """
    if not (url := environment["TRACE_URL"]):
        return "off"
    return f"{observer}/traces" if url.startswith(f"{observer}/") else f"sent to {url}"


def describe_hearing() -> str:
    """Return what the simulator understands of speech on this machine."""
    if has_recognizer():
        return "the simulator hears English; in other languages, type or use TRANSCRIPTS=DIR"
    return "not heard, as moonshine-voice has no wheel for this machine: type to the simulator"


def describe_tables(kept: Path | None, wanted: Path | None) -> str:
    """Return whether the next run finds the tables of this one.

    Args:
        kept: The folder that keeps the tables; None if they end with the stack.
        wanted: The folder of the options.
    """
    if kept is not None:
        return f"kept in {kept} (FRESH=1 starts with empty ones)"
    if wanted is not None:
        return "not kept, because MiniStack holds them; DynamoDB Local, which npm installs, can"
    return "empty at the start, and not kept"


async def serve(options: StackOptions) -> int:
    """Run the stack until SIGINT or SIGTERM; return the exit status."""

    async def until_cancelled() -> int:
        async with running_stack(options) as stack, published(stack):
            print(describe(stack, options), flush=True)
            await asyncio.Event().wait()
        return 0

    try:
        return await run_until_signal(until_cancelled()) or 0
    except START_ERRORS as error:
        print(f"local.up: {error}", file=sys.stderr)
        return 1


def main() -> None:
    # The run's files hold voices and transcripts: only their owner may read them.
    os.umask(0o077)
    options = options_from()
    folder = options.run_directory.parent if options.run_directory else LOCAL
    try:
        if removed := remove_old_runs(folder):
            print(removed, flush=True)
        sys.exit(asyncio.run(serve(options)))
    except OSError as error:
        if error.filename is None and error.errno != errno.ENOSPC:
            raise
        sys.exit(f"local.up: {error.filename or 'a file'} cannot be used: {error.strerror}")


if __name__ == "__main__":
    main()
