"""``python -m local.smoke CHECK``: see whether an assumption holds on a real account.

docs/assumptions.md lists the assumptions and which check answers which.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.smoke import functions, gateway, gemini, tables, tokens, voices
from local.smoke.finding import Finding, report
from local.speech import UnusableRecordingError, read_wav
from local.talker.access import HttpApi
from local.talker.errors import TalkerError
from repartee.domain.errors import LiveSetupFailed
from repartee.ports.reasoner import ReasoningFailed

_WAV = Path(__file__).parents[1] / "recordings" / "default" / "2-booking.wav"


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.smoke", description=__doc__)
    checks = parser.add_subparsers(dest="check", required=True, metavar="CHECK")
    for name, explanation in (
        ("gateway", "the doors, limits and order of the WebSocket API"),
        ("tokens", "which tokens the HTTP API takes"),
    ):
        check = checks.add_parser(name, help=explanation)
        check.add_argument("--http-api", required=True, metavar="URL", help="output HttpApiUrl")
        check.add_argument("--token", required=True, help="of a user who is there for tests")
    check = checks.add_parser("functions", help="how Lambda was configured")
    check.add_argument("--stack", required=True, help="the stack's name")
    check = checks.add_parser("tables", help="how DynamoDB's transactions collide")
    check.add_argument("--live-table", required=True, metavar="NAME", help="output LiveTableName")
    check.add_argument(
        "--memory-table", required=True, metavar="NAME", help="output MemoryTableName"
    )
    for name, explanation, model in (
        ("gemini", "what Gemini Live does; key in GEMINI_API_KEY", "gemini-3.8-live"),
        ("voices", "which voices and languages Gemini Live takes; same key", "gemini-3.8-live"),
        ("core", "what core_agent's model does; same key", "gemini-3.8-flash"),
    ):
        check = checks.add_parser(name, help=explanation)
        check.add_argument("--model", default=model)
        check.add_argument("--base-url", default="", metavar="URL", help="default: Google's own")
    for name in ("gemini", "voices"):
        check = checks.choices[name]
        check.add_argument("--voice", default="Kore")
        check.add_argument("--language", default="en-US")
    checks.choices["gemini"].add_argument(
        "--wav", type=Path, default=_WAV, help="a wish that needs the desk"
    )
    return parser.parse_args(arguments)


def ask(given: argparse.Namespace) -> list[Finding]:
    """Make the check that was asked for."""
    match given.check:
        case "gateway":
            return asyncio.run(gateway.findings(HttpApi(given.http_api, given.token)))
        case "tokens":
            return asyncio.run(tokens.findings(HttpApi(given.http_api, given.token)))
        case "gemini" | "voices":
            from repartee.adapters.gemini_live import GeminiLive

            live = GeminiLive(lambda: os.environ["GEMINI_API_KEY"], given.base_url)
            wanted = gemini.config(given.model, given.voice, given.language)
            if given.check == "voices":
                return asyncio.run(voices.findings(live, wanted))
            return asyncio.run(gemini.findings(live, wanted, read_wav(given.wav)))
        case "core":
            from local.smoke import core

            return core.findings(os.environ["GEMINI_API_KEY"], given.model, given.base_url)
        case "functions":
            import boto3

            return functions.findings(boto3.client("lambda"), given.stack)
        case _:
            import boto3

            return tables.findings(boto3.client("dynamodb"), given.live_table, given.memory_table)


def main(arguments: Sequence[str] | None = None) -> int:
    given = parse_arguments(arguments)
    if given.check in {"gemini", "voices", "core"} and not os.environ.get("GEMINI_API_KEY"):
        print("set GEMINI_API_KEY first", file=sys.stderr)
        return 2
    try:
        return report(ask(given))
    except (
        TalkerError,
        LiveSetupFailed,
        ReasoningFailed,
        UnusableRecordingError,
        ValueError,
        BotoCoreError,
        ClientError,
    ) as error:
        print(f"the check could not be made: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
