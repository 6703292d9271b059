"""A secret is known by its hash, so another one at the same place needs another reason."""

from typing import Any

import pytest

from ops.audit.findings import Reason, faults
from ops.audit.programs import AuditError
from ops.audit.secrets import SOURCE, findings_of

pytestmark = pytest.mark.unit


def report(digest: str) -> dict[str, Any]:
    found = {"type": "Secret Keyword", "hashed_secret": digest, "line_number": 7}
    return {"plugins_used": [{"name": "KeywordDetector"}], "results": {"local/up.py": [found]}}


def test_a_secret_without_a_reason_is_a_fault() -> None:
    known = Reason(SOURCE, "Secret Keyword", "a" * 12, "a made-up password")
    assert faults(findings_of(report("a" * 40)), [known], [SOURCE]) == []
    found = faults(findings_of(report("b" * 40)), [known], [SOURCE])
    assert "local/up.py:7" in found[0]


def test_a_scan_without_rules_is_refused() -> None:
    with pytest.raises(AuditError):
        findings_of({"plugins_used": [], "results": {}})
