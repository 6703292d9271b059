"""Every finding needs a reason, and every reason a finding."""

import pytest

from ops.audit.findings import Finding, Reason, faults, read_reasons

pytestmark = pytest.mark.unit

FOUND = Finding("template.yaml", "CKV_1", "MessageFunction", "no VPC")
WHY = Reason("template.yaml", "CKV_1", "*Function", "no function needs one")


def test_a_finding_with_a_reason_is_no_fault() -> None:
    assert faults([FOUND], [WHY], ["template.yaml"]) == []


@pytest.mark.parametrize("other", ["Table", "LiveTable"])
def test_a_finding_that_no_reason_covers_is_a_fault(other: str) -> None:
    found = Finding("template.yaml", "CKV_1", other, "no VPC")
    (fault,) = faults([FOUND, found], [WHY], ["template.yaml"])
    assert other in fault


def test_a_reason_that_no_finding_needs_is_a_fault() -> None:
    (fault,) = faults([], [WHY], ["template.yaml"])
    assert fault.startswith("no finding needs the reason")


def test_reasons_of_what_was_not_judged_are_left_alone() -> None:
    assert faults([], [WHY], ["secrets"]) == []


def test_a_reason_has_some_words() -> None:
    (fault,) = faults(
        [FOUND], [Reason("template.yaml", "CKV_1", "*", "accepted")], ["template.yaml"]
    )
    assert fault.endswith("is too short")


def test_every_written_reason_can_be_read() -> None:
    assert {reason.source for reason in read_reasons()} <= {
        *("template.yaml", "edge.yaml", "secrets", "packages")
    }
