"""What one check found, and the line that reports it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "could not check"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        subject: What was checked, as the template or AWS names it.
        verdict: How the check ended.
        detail: What was seen. Never a key.
        mend: The command, or the change of samconfig.toml, that mends it.
    """

    subject: str
    verdict: Verdict
    detail: str
    mend: str = ""

    @property
    def line(self) -> str:
        """The finding as one line of the report."""
        mend = f" | mend: {self.mend}" if self.mend else ""
        return f"{self.verdict:15}  {self.subject}: {self.detail}{mend}"


def ok(subject: str, detail: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(subject, Verdict.OK, detail)


def wrong(subject: str, detail: str, mend: str) -> Finding:
    """Return a finding that needs mending."""
    return Finding(subject, Verdict.WRONG, detail, mend)


def unknown(subject: str, detail: str, mend: str = "") -> Finding:
    """Return a finding for a check that could not be made."""
    return Finding(subject, Verdict.UNKNOWN, detail, mend)


def exit_status(findings: Iterable[Finding]) -> int:
    """Return 1 when something is wrong, 2 when something could not be checked, otherwise 0."""
    verdicts = {finding.verdict for finding in findings}
    if Verdict.WRONG in verdicts:
        return 1
    return 2 if Verdict.UNKNOWN in verdicts else 0
