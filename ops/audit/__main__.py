"""``make audit``: judge the templates and look for secrets, without a network."""

import sys
from concurrent.futures import ThreadPoolExecutor

from ops.audit.findings import faults, read_reasons
from ops.audit.programs import AuditError
from ops.audit.secrets import SOURCE, scan_secrets
from ops.audit.templates import TEMPLATES, judge_templates, transformed_template
from ops.settings import ROOT


def main() -> int:
    try:
        with ThreadPoolExecutor() as threads:
            scanned = threads.submit(scan_secrets)
            edge = (ROOT / "edge.yaml").read_text()
            judged = judge_templates({"template.yaml": transformed_template(), "edge.yaml": edge})
            found = [*judged, *scanned.result()]
    except AuditError as error:
        print(f"cannot audit: {error}", file=sys.stderr)
        return 2
    wrong = faults(found, read_reasons(), [*TEMPLATES, SOURCE])
    print("\n".join(wrong) or f"{len(found)} findings, each with a reason")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
