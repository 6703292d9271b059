"""``python -m local.up``: the whole stack, until Ctrl-C.

REPARTEE_PORT_BASE moves the ports; GEMINI_API_KEY makes the functions talk to the real Gemini.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from local.hosting.ports import PortInUseError, port_base_from
from local.hosting.processes import ChildFailedError
from local.hosting.services import NotInstalledError
from local.lambdas.hosting_types import InitFailedError
from local.stack import PREWARM, Stack, StackOptions, running_stack, write_addresses
from local.template.intrinsics import TemplateError

# What a start can fail with; the message is for the person at the keyboard.
EXPECTED_FAILURES = (
    PortInUseError,
    NotInstalledError,
    ChildFailedError,
    InitFailedError,
    TemplateError,
)


def options_from(arguments: list[str] | None = None) -> StackOptions:
    """Options from the command line and the environment."""
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--pace", choices=["human", "instant"], default="human")
    parser.add_argument("--data", type=Path, help="folder that keeps DynamoDB's tables")
    parser.add_argument("--run-directory", type=Path, help="default: a new one under .local/")
    parser.add_argument(
        "--record",
        choices=["off", "events", "events_and_audio"],
        default="off",
        help="record sessions for python -m local.replay",
    )
    parser.add_argument("--model", help="Gemini's live model (default: the template's)")
    parser.add_argument("--no-prewarm", action="store_true", help="let functions start when called")
    given = parser.parse_args(arguments)
    try:
        port_base = port_base_from(os.environ)
    except ValueError as error:
        parser.error(str(error))
    return StackOptions(
        run_directory=given.run_directory,
        port_base=port_base,
        parameters={"RecordSessions": given.record},
        live_model=given.model,
        gemini_api_key=os.environ.get("GEMINI_API_KEY") or None,
        gemini_pace=given.pace,
        dynamodb_data=given.data,
        prewarm={} if given.no_prewarm else PREWARM,
    )


def describe(stack: Stack) -> str:
    """The addresses, for people."""
    addresses = stack.addresses
    lines = [
        f"WebSocket API   {addresses.websocket}",
        f"HTTP API        {addresses.http}",
        f"@connections    {addresses.connections}",
        f"Lambda          {addresses.lambdas}",
        f"DynamoDB        {addresses.dynamodb}",
        f"AWS services    {addresses.aws}",
        f"Gemini          {addresses.gemini or 'the real one'}",
        f"Token           curl -s -d user=ada {addresses.issuer}/token",
        f"Logs and data   {stack.run_directory}",
        f"Started in      {sum(stack.start_s.values()):.1f} s",
        "Ctrl-C stops it.",
    ]
    return "\n".join(lines)


async def serve(options: StackOptions) -> int:
    """Run the stack until SIGINT or SIGTERM; return the exit status."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)

    async def until_cancelled() -> None:
        async with running_stack(options) as stack:
            write_addresses(stack)
            print(describe(stack), flush=True)
            await asyncio.Event().wait()

    work = asyncio.create_task(until_cancelled())
    signalled = asyncio.create_task(stopping.wait())
    await asyncio.wait({work, signalled}, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    # A start that is under way is undone as well; further signals do not disturb it.
    work.cancel()
    try:
        await work
    except asyncio.CancelledError:
        return 0
    except EXPECTED_FAILURES as error:
        print(f"local.up: {error}", file=sys.stderr)
    return 1


def main() -> None:
    sys.exit(asyncio.run(serve(options_from())))


if __name__ == "__main__":
    main()
