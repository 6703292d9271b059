"""The result of one check of the doctor or the smoke tests."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "could not check"
    SEEN = "seen"  # an observation that is neither right nor wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        subject: What was checked: a name in the template or in AWS, or an assumption.
        verdict: The outcome.
        detail: What was observed. Never contains a key.
        advice: The command or the change of settings that follows; "" where nothing follows.
    """

    subject: str
    verdict: Verdict
    detail: str
    advice: str = ""


def ok(subject: str, detail: str) -> Finding:
    """Return a finding that requires no action."""
    return Finding(subject, Verdict.OK, detail)


def wrong(subject: str, detail: str, advice: str) -> Finding:
    """Return a finding that requires action."""
    return Finding(subject, Verdict.WRONG, detail, advice)


def unknown(subject: str, detail: str, advice: str = "") -> Finding:
    """Return a finding for a check that could not be made."""
    return Finding(subject, Verdict.UNKNOWN, detail, advice)


def noted(subject: str, detail: str, advice: str = "") -> Finding:
    """Return an observation that is neither right nor wrong."""
    return Finding(subject, Verdict.SEEN, detail, advice)


def judged(subject: str, passed: bool | None, detail: str, advice: str = "") -> Finding:
    """Return a finding for an assumption that was tested; None makes it an observation."""
    if passed is None:
        return noted(subject, detail, advice)
    return Finding(subject, Verdict.OK if passed else Verdict.WRONG, detail, advice)


def compared(subject: str, seen: object, expected: object) -> Finding:
    """Return a finding that compares an observation with its expected value."""
    return judged(
        subject, seen == expected, f"{seen}" if seen == expected else f"{seen}, not {expected}"
    )


def exit_status(findings: Iterable[Finding]) -> int:
    """Return 1 when something is wrong, 2 when something could not be checked, otherwise 0."""
    verdicts = {finding.verdict for finding in findings}
    if Verdict.WRONG in verdicts:
        return 1
    return 2 if Verdict.UNKNOWN in verdicts else 0
