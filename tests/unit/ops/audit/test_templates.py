"""What checkov reports becomes findings; a report on nothing is refused."""

from typing import Any

import pytest

from ops.audit.findings import Finding
from ops.audit.programs import AuditError
from ops.audit.templates import findings_of

pytestmark = pytest.mark.unit

CHECK = {"check_id": "CKV_1", "check_name": "a rule", "resource": "AWS::SQS::Queue.OnFailureQueue"}


def report(resources: int, errors: int = 0) -> dict[str, Any]:
    return {
        "summary": {"resource_count": resources, "parsing_errors": errors},
        "results": {"failed_checks": [CHECK]},
    }


def test_a_failed_check_is_a_finding_on_its_resource() -> None:
    assert findings_of("edge.yaml", report(3)) == [
        Finding("edge.yaml", "CKV_1", "OnFailureQueue", "a rule")
    ]


@pytest.mark.parametrize("unusable", [report(0), report(3, errors=1), [], {"passed": 0}])
def test_a_report_without_resources_or_with_errors_is_refused(unusable: object) -> None:
    with pytest.raises(AuditError):
        findings_of("edge.yaml", unusable)
