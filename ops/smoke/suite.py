"""Runs the checks of Gemini in the order of `make smoke`, within a cost limit."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ops.finding import Finding, Verdict, exit_status
from ops.smoke.check_context import CheckContext, CheckNotRunError, usd
from ops.smoke.checks import (
    gemini,
    greeting,
    history,
    language,
    short_utterance,
    speech_end,
    tool_answer,
    voices,
)
from ops.smoke.spending import Spending
from repartee.domain.errors import LiveSetupFailed
from repartee.ports.answers import ReasoningFailed
from repartee_client.recordings import UnusableRecordingError, read_wav

_RECORDINGS = Path(__file__).parents[2] / "local" / "recordings"
BOOKING_REQUEST_WAV = _RECORDINGS / "default" / "2-booking.wav"
_GREETING = _RECORDINGS / "default" / "1-greeting.wav"
# Between 1 and 2 s long. Gemini is reported to drop such utterances.
_SHORT = _RECORDINGS / "second_user" / "1-greeting.wav"

NOT_RUN_ERRORS = (
    CheckNotRunError,
    LiveSetupFailed,
    ReasoningFailed,
    UnusableRecordingError,
    OSError,
)
"""Errors of a check that do not refute its assumption."""

type Make = Callable[[], Awaitable[list[Finding]]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of Gemini.

    Attributes:
        name: The name on the command line.
        explanation: What the check tests.
        make: Runs the check; raises one of ``NOT_RUN_ERRORS`` if it cannot be made.
    """

    name: str
    explanation: str
    make: Make


EXPLANATIONS = {
    "speech": "whether spoken turns are answered, and how soon, for each TurnDetection",
    "short": "whether a short utterance right after a reply is heard",
    "tool": "what Gemini sends while a tool call is pending, and whether it speaks the answer",
    "greeting": "whether a text makes the model greet before any input",
    "history": "whether a new session knows earlier turns, sent as messages or as text",
    "language": "whether a regional language tag is accepted and followed",
    "gemini": "whether a spoken turn with a tool call works with the product's configuration",
    "voices": "whether all voices and languages are accepted",
    "deadline": "which deadlines the model of core_agent accepts",
    "core": "whether the model of core_agent answers as expected",
}


def checks(
    context: CheckContext, request: Path, api_key: str, core_model: str, base_url: str
) -> list[Check]:
    """Return every check of Gemini, in order.

    Args:
        context: The context of the checks of the live model.
        request: A recorded request that needs the front desk.
        api_key: The Gemini API key.
        core_model: The model of core_agent.
        base_url: The API's address; empty for Google's servers.
    """
    spend = context.spending.add

    async def deadline_findings() -> list[Finding]:
        from ops.smoke.checks import deadline

        return await asyncio.to_thread(deadline.findings, api_key, core_model, base_url, spend)

    async def core_findings() -> list[Finding]:
        from ops.smoke.checks import core

        return await asyncio.to_thread(core.findings, api_key, core_model, base_url, spend)

    makers: dict[str, Make] = {
        "speech": lambda: speech_end.findings(context, read_wav(_GREETING)),
        "short": lambda: short_utterance.findings(context, read_wav(_SHORT)),
        "tool": lambda: tool_answer.findings(context),
        "greeting": lambda: greeting.findings(context),
        "history": lambda: history.findings(context),
        "language": lambda: language.findings(context),
        "gemini": lambda: gemini.findings(context, read_wav(request)),
        "voices": lambda: voices.findings(context),
        "deadline": deadline_findings,
        "core": core_findings,
    }
    return [Check(name, explanation, makers[name]) for name, explanation in EXPLANATIONS.items()]


_MARKS = {Verdict.OK: "holds", Verdict.WRONG: "FAILS", Verdict.SEEN: "seen"}


def report(findings: Iterable[Finding]) -> int:
    """Print each finding; return 1 when an assumption does not hold, otherwise 0."""
    found = list(findings)
    for finding in found:
        print(f"{_MARKS[finding.verdict]:6} {finding.subject}: {finding.detail}")
        if finding.advice:
            print(f"{'':6} -> {finding.advice}")
    return exit_status(found)


async def run_checks(all_checks: Iterable[Check], spending: Spending) -> int:
    """Run and print the checks until the cost limit.

    Returns:
        The exit status: 1 when an assumption does not hold, otherwise 2 when a check could not be
        made, otherwise 0.
    """
    statuses = {0}
    for check in all_checks:
        print(f"\n{check.name}: {check.explanation}", flush=True)
        if not spending.may_run_another_check():
            print(
                f"not made: {usd(spending.usd)} are spent, and another check could exceed "
                f"{usd(spending.limit_usd)}"
            )
            statuses.add(2)
            continue
        try:
            statuses.add(report(await check.make()))
        except NOT_RUN_ERRORS as reason:
            print(f"not made: {reason}")
            statuses.add(2)
        cost = spending.end_check()
        print(f"cost   {usd(cost)}, {usd(spending.usd)} so far", flush=True)
    print(
        f"\nabout {usd(spending.usd)} by Gemini's usage reports and the product's price list; "
        f"limit {usd(spending.limit_usd)}"
    )
    return min(statuses - {0}, default=0)
