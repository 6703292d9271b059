"""Lets checkov judge the templates as CloudFormation gets them."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ops.audit.findings import Finding
from ops.audit.programs import TOOLS, AuditError, run
from ops.settings import ROOT

TEMPLATES = ("template.yaml", "edge.yaml")
_SAM = ROOT / ".tools" / "sam" / "bin" / "python"
# It neither loads rules nor sends results.
_OFFLINE = ("--skip-download", "--framework", "cloudformation", "--output", "json", "--compact")


def transformed_template() -> str:
    """Return template.yaml without its transform, as JSON."""
    script = str(ROOT / "ops" / "audit" / "transform.py")
    return run(_SAM, [script], (ROOT / "template.yaml").read_text())


def judge_templates(documents: Mapping[str, str]) -> list[Finding]:
    """Return what checkov finds.

    Args:
        documents: The templates by name, as JSON or YAML.

    Raises:
        AuditError: checkov did not judge every template.
    """
    found: list[Finding] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in documents.items():
            is_json = text.lstrip().startswith("{")
            path = (Path(folder) / name).with_suffix(".json" if is_json else ".yaml")
            path.write_text(text)
            report = json.loads(run(TOOLS / "checkov", ["--file", str(path), *_OFFLINE]))
            found += findings_of(name, report)
    return found


def findings_of(name: str, report: object) -> list[Finding]:
    """Return the failed checks of checkov's report on one template.

    Raises:
        AuditError: It judged no resource, or could not read the template.
    """
    if not isinstance(report, dict) or not report.get("summary", {}).get("resource_count"):
        raise AuditError(f"checkov found no resource in {name}")
    if report["summary"]["parsing_errors"]:
        raise AuditError(f"checkov cannot read {name}")
    return [
        Finding(name, check["check_id"], check["resource"].rpartition(".")[2], check["check_name"])
        for check in report["results"]["failed_checks"]
    ]
