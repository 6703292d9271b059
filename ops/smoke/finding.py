"""What a smoke test saw, and whether it is what Repartee assumes."""

from collections.abc import Iterable
from dataclasses import dataclass


class CheckNotRunError(Exception):
    """A check says nothing about its assumption; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer.

    Attributes:
        name: The assumption, as a sentence.
        passed: None where there is nothing to pass: the number itself is the answer.
        seen: What was observed.
        means: What that means for the settings; "" where it changes nothing.
    """

    name: str
    passed: bool | None
    seen: str
    means: str = ""

    @classmethod
    def of(cls, name: str, seen: object, expected: object) -> "Finding":
        """Compare what was seen with what is assumed."""
        passed = seen == expected
        return cls(name, passed, f"{seen}" if passed else f"{seen}, not {expected}")


def report(findings: Iterable[Finding]) -> int:
    """Print each finding; return the exit status, 1 when an assumption does not hold."""
    status = 0
    for finding in findings:
        mark = {True: "holds", False: "FAILS", None: "seen"}[finding.passed]
        print(f"{mark:6} {finding.name}: {finding.seen}")
        if finding.means:
            print(f"{'':6} -> {finding.means}")
        if finding.passed is False:
            status = 1
    return status
