"""``make audit-packages``: known faults of the locked packages, deployed and developers' ones."""

import json
import os
import sys
import tempfile
from pathlib import Path

from ops.audit.findings import Finding, faults, read_reasons
from ops.audit.programs import TOOLS, AuditError, run

SOURCE = "packages"
_EXPORT = ("export", "--quiet", "--frozen", "--no-hashes", "--no-header", "--no-annotate")
_OFFLINE_INSTALL = ("--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")


def findings_of(report: object) -> list[Finding]:
    """Return the known faults of a report of pip-audit.

    Raises:
        AuditError: Packages were skipped, or there is none.
    """
    packages = report.get("dependencies") if isinstance(report, dict) else None
    if not packages:
        raise AuditError("pip-audit checked no package")
    skipped = [one for one in packages if "skip_reason" in one]
    if skipped:
        names = ", ".join(one["name"] for one in skipped)
        why = skipped[0]["skip_reason"]
        raise AuditError(f"pip-audit skipped {len(skipped)} packages: {names} ({why})")
    return [
        Finding(SOURCE, fault["id"], one["name"], f"{one['version']}, mended in {fixed(fault)}")
        for one in packages
        for fault in one["vulns"]
    ]


def fixed(fault: dict[str, list[str]]) -> str:
    """Return the versions without the fault, in words."""
    return ", ".join(fault.get("fix_versions", [])) or "no version"


def main() -> int:
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "requirements.txt"
            path.write_text(run(os.environ.get("UV", "uv"), _EXPORT))
            arguments = ["--requirement", str(path), *_OFFLINE_INSTALL]
            found = findings_of(json.loads(run(TOOLS / "pip-audit", arguments)))
    except AuditError as error:
        print(f"cannot audit: {error}", file=sys.stderr)
        return 2
    wrong = faults(found, read_reasons(), [SOURCE])
    print("\n".join(wrong) or f"{len(found)} known faults, each with a reason")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
