"""``python -m ops.smoke [CHECK]``: test the project's assumptions on a real account.

Without CHECK it runs all checks of Gemini in order, for less than 0.10 USD; GEMINI_API_KEY is the
key. docs/assumptions.md lists the assumptions and their checks.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from ops.finding import Finding
from ops.smoke.check_context import CheckContext, usd
from ops.smoke.checks import functions, gateway, sign_in, tables, tokens
from ops.smoke.suite import (
    BOOKING_REQUEST_WAV,
    EXPLANATIONS,
    NOT_RUN_ERRORS,
    Check,
    checks,
    report,
    run_checks,
)
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee_client.access import HttpApiClient
from repartee_client.errors import VoiceClientError

_ALL = "all"
_CORE_CHECKS = frozenset({"core", "deadline"})


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.smoke", description=__doc__)
    found = parser.add_subparsers(dest="check", metavar="CHECK")
    for name, explanation in (
        ("gateway", "refusals, limits and message order of the WebSocket API"),
        ("tokens", "which tokens the HTTP API accepts"),
    ):
        check = found.add_parser(name, help=explanation)
        check.add_argument("--http-api", required=True, metavar="URL", help="output HttpApiUrl")
        check.add_argument("--token", required=True, help="token of a test user")
    check = found.add_parser("signin", help="whether the page can sign users in, without a user")
    check.add_argument("--page", required=True, metavar="URL", help="output PageAddress")
    check = found.add_parser("functions", help="the configuration of the functions in Lambda")
    check.add_argument("--stack", required=True, help="the stack's name")
    check = found.add_parser("tables", help="how DynamoDB reports conflicts of transactions")
    check.add_argument("--live-table", required=True, metavar="NAME", help="output LiveTableName")
    check.add_argument(
        "--memory-table", required=True, metavar="NAME", help="output MemoryTableName"
    )
    for name, explanation in {_ALL: "all of the following", **EXPLANATIONS}.items():
        _add_gemini_options(found.add_parser(name, help=explanation), name)
    given = list(sys.argv[1:] if arguments is None else arguments)
    return parser.parse_args(given or [_ALL])


def _add_gemini_options(check: argparse.ArgumentParser, name: str) -> None:
    check.add_argument("--base-url", default="", metavar="URL", help="default: Google's servers")
    check.set_defaults(
        model="gemini-3.8-live", core_model="gemini-3.8-flash", wav=BOOKING_REQUEST_WAV
    )
    check.set_defaults(voice="Kore", language="en-US")
    if name in _CORE_CHECKS:
        check.add_argument("--model", dest="core_model", metavar="MODEL")
        return
    check.add_argument("--model", metavar="MODEL")
    check.add_argument("--voice")
    check.add_argument("--language")
    if name == _ALL:
        check.add_argument("--core-model", metavar="MODEL")
    if name in {_ALL, "gemini"}:
        check.add_argument("--wav", type=Path, help="a recorded request that needs the front desk")


def check_account(given: argparse.Namespace) -> list[Finding]:
    """Run a check of a deployed stack."""
    match given.check:
        case "gateway":
            return asyncio.run(gateway.findings(HttpApiClient(given.http_api, given.token)))
        case "tokens":
            return asyncio.run(tokens.findings(HttpApiClient(given.http_api, given.token)))
        case "signin":
            return sign_in.findings(given.page)
        case "functions":
            import boto3

            return functions.findings(boto3.client("lambda"), given.stack)
        case _:
            import boto3

            return tables.findings(boto3.client("dynamodb"), given.live_table, given.memory_table)


def check_context_of(given: argparse.Namespace, api_key: str) -> CheckContext:
    """Return the context of the Gemini checks, with Google's client."""
    from repartee.adapters.gemini.live import GeminiLive

    def open_live(profiles: Callable[[str], LiveModelProfile]) -> GeminiLive:
        return GeminiLive(lambda: api_key, given.base_url, profiles)

    return CheckContext(open_live, given.model, given.voice, given.language)


def check_gemini(given: argparse.Namespace, api_key: str) -> int:
    """Run and print the selected checks of Gemini; return the exit status."""
    context = check_context_of(given, api_key)
    known = checks(context, given.wav, api_key, given.core_model, given.base_url)
    if given.check == _ALL:
        return asyncio.run(run_checks(known, context.spending))
    wanted: Check = next(check for check in known if check.name == given.check)

    async def make() -> list[Finding]:
        return list(await wanted.make())

    print(f"{wanted.name}: {wanted.explanation}", flush=True)
    status = report(asyncio.run(make()))
    print(f"cost   about {usd(context.spending.usd)}")
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    given = parse_arguments(arguments)
    is_of_gemini = given.check in {_ALL, *EXPLANATIONS}
    api_key = os.environ.get("GEMINI_API_KEY", "")
    if is_of_gemini and not api_key:
        print(
            "set GEMINI_API_KEY first: export GEMINI_API_KEY=… (a key of "
            "https://aistudio.google.com/apikey). `make smoke ARGS=--help` lists the checks",
            file=sys.stderr,
        )
        return 2
    try:
        return check_gemini(given, api_key) if is_of_gemini else report(check_account(given))
    except (*NOT_RUN_ERRORS, VoiceClientError, ValueError, BotoCoreError, ClientError) as error:
        print(f"the check could not be made: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
