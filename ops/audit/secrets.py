"""Lets detect-secrets look for keys and tokens in all tracked files.

It is checkov's edition, bc-detect-secrets, which installs the same module and program.
"""

import json

from ops.audit.findings import REASONS, Finding
from ops.audit.programs import TOOLS, AuditError, run
from ops.settings import ROOT

SOURCE = "secrets"
_HASH_DIGITS = 12
# The reasons are lists of hashes. The lock files are lists of hashes too.
_HASHES_ONLY = rf"^{REASONS.relative_to(ROOT)}$|^uv\.lock$|package-lock\.json$|/requirements\.txt$"


def scan_secrets() -> list[Finding]:
    """Return what looks like a secret; nothing is sent anywhere."""
    arguments = ["scan", "--no-verify", "--exclude-files", _HASHES_ONLY]
    return findings_of(json.loads(run(TOOLS / "detect-secrets", arguments)))


def findings_of(report: object) -> list[Finding]:
    """Return the findings of a report.

    Raises:
        AuditError: The report has no results, or was made without rules.
    """
    if not isinstance(report, dict) or not report.get("plugins_used"):
        raise AuditError("detect-secrets used no rule")
    return [
        Finding(
            SOURCE, one["type"], one["hashed_secret"][:_HASH_DIGITS], f"{path}:{one['line_number']}"
        )
        for path, found in report["results"].items()
        for one in found
    ]
