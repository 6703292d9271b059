"""pip-audit's report: a skipped package is a fault, because nobody has checked it."""

from typing import Any

import pytest

from ops.audit.findings import Finding
from ops.audit.packages import SOURCE, findings_of
from ops.audit.programs import AuditError

pytestmark = pytest.mark.unit

SOUND: dict[str, Any] = {"name": "idna", "version": "3.7", "vulns": []}
FAULT = {"id": "PYSEC-1", "fix_versions": ["3.8"], "aliases": [], "description": ""}


def test_a_skipped_package_is_a_fault() -> None:
    skipped = {"name": "boto3", "skip_reason": "not found on PyPI"}
    with pytest.raises(AuditError, match="skipped 1 packages: boto3"):
        findings_of({"dependencies": [SOUND, skipped], "fixes": []})


@pytest.mark.parametrize("empty", [{}, {"dependencies": []}, []])
def test_a_report_without_packages_is_refused(empty: object) -> None:
    with pytest.raises(AuditError, match="no package"):
        findings_of(empty)


def test_a_known_fault_is_a_finding() -> None:
    faulty = {**SOUND, "vulns": [FAULT]}
    assert findings_of({"dependencies": [faulty]}) == [
        Finding(SOURCE, "PYSEC-1", "idna", "3.7, mended in 3.8")
    ]
