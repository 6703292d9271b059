"""Each threat of docs/security.md names a test that exists."""

import pytest

from tests.documents import page, rows, section
from tests.unit.docs.test_docs_field_reports import missing_test

pytestmark = pytest.mark.unit

THREATS = rows(section(page("docs/security.md"), "Threats"))


def test_there_are_threats() -> None:
    assert len(THREATS) > 20


@pytest.mark.parametrize("threat", THREATS, ids=lambda row: f"{row[0]} {row[1]}")
def test_a_threat_names_who_what_the_defence_and_a_test_that_exists(threat: list[str]) -> None:
    assert all(threat)
    assert missing_test(threat[-1]) is None
