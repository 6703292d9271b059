"""What a smoke test saw, and whether it is what Repartee assumes."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer.

    Attributes:
        name: The assumption, as a sentence.
        passed: None where there is nothing to pass: the number itself is the answer.
        seen: What was observed.
    """

    name: str
    passed: bool | None
    seen: str

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
        if finding.passed is False:
            status = 1
    return status
