"""Compares findings with the reasons for which they are accepted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from ops.settings import ROOT

REASONS = ROOT / "ops" / "audit" / "reasons.yaml"
_FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a program found.

    Attributes:
        source: A template, ``secrets`` or ``packages``.
        rule: The rule.
        subject: A resource, the beginning of a secret's hash, or a package.
        words: The finding in words, with its place.
    """

    source: str
    rule: str
    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why findings are accepted.

    Attributes:
        source: As in a finding.
        rule: As in a finding.
        subject: As in a finding, or a pattern with ``*``.
        why: The reason.
    """

    source: str
    rule: str
    subject: str
    why: str

    def covers(self, finding: Finding) -> bool:
        """Return whether it is the reason for a finding."""
        return (self.source, self.rule) == (finding.source, finding.rule) and fnmatchcase(
            finding.subject, self.subject
        )


def read_reasons(path: Path = REASONS) -> list[Reason]:
    """Return the written reasons: source, rule, reason, then the list of subjects."""
    return [
        Reason(source, str(rule), str(subject), str(why))
        for source, rules in yaml.safe_load(path.read_text()).items()
        for rule, reasons in rules.items()
        for why, subjects in reasons.items()
        for subject in subjects
    ]


def faults(
    findings: Sequence[Finding], reasons: Iterable[Reason], sources: Iterable[str]
) -> list[str]:
    """Return the findings without a reason, and the reasons that no finding needs.

    Args:
        findings: All findings of ``sources``.
        reasons: The written reasons; those of other sources are not judged.
        sources: What was judged.
    """
    judged = set(sources)
    known = [reason for reason in reasons if reason.source in judged]
    found = [
        f"no reason is written for {one.source}: {one.rule} {one.subject}: {one.words}"
        for one in findings
        if not any(reason.covers(one) for reason in known)
    ]
    found += [
        f"no finding needs the reason for {reason.source}: {reason.rule} {reason.subject}"
        for reason in known
        if not any(reason.covers(one) for one in findings)
    ]
    found += [
        f"the reason for {reason.source}: {reason.rule} {reason.subject} is too short"
        for reason in known
        if len(reason.why.split()) < _FEWEST_WORDS
    ]
    return found
