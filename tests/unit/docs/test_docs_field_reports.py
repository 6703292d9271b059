"""Each report of the page has a source, and a test that exists or the reason why there is none."""

import ast
import re
from collections import Counter

import pytest

from tests.documents import ROOT, page, rows

pytestmark = pytest.mark.unit

ROWS = rows(page("docs/field-reports.md"))
TEST = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>(Test\w+::)?test_\w+)(\[[^\]`]+\])?`")
REPORT = re.compile(r"[\w.-]+/[\w.-]+#\d+")
# A page or a thread: its host, then its name.
PAGE = re.compile(r"[\w-]+(\.[\w-]+)+,? .+")
MOST_ROWS_PER_TEST = 3


def names_in(module: ast.Module | ast.ClassDef) -> set[str]:
    """Return the names of the tests; a test in a class follows the name of its class."""
    names = set()
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{name}" for name in names_in(node)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
    return names


def missing_test(cell: str) -> str | None:
    """Return the fault of the cell that names a row's test, None without a fault."""
    if cell.startswith("none: "):
        return None if len(cell.split()) > 5 else "a reason is missing"
    if not (named := TEST.fullmatch(cell)):
        return "neither a test nor a reason"
    path = ROOT / named["path"]
    is_there = path.is_file() and named["name"] in names_in(ast.parse(path.read_text()))
    return None if is_there else f"there is no {named['name']}"


def test_reports_are_numbered_without_gaps() -> None:
    assert sorted(int(number) for number, *_ in ROWS) == list(range(1, len(ROWS) + 1))


def test_every_report_has_a_source() -> None:
    wrong = {
        number: source
        for number, _, sources, *_ in ROWS
        for source in sources.split("; ")
        if not (REPORT.fullmatch(source) or PAGE.fullmatch(source))
    }
    assert wrong == {}


def test_every_report_has_a_test_that_exists_or_a_reason() -> None:
    wrong = {number: fault for number, *_, cell in ROWS if (fault := missing_test(cell))}
    assert wrong == {}


def test_every_report_says_what_happens_and_what_is_done() -> None:
    assert all(len(row) == 5 and all(row) for row in ROWS)


def test_most_reports_have_a_test_and_few_share_one() -> None:
    named = [cell.partition("[")[0].rstrip("`") for *_, cell in ROWS if TEST.fullmatch(cell)]
    assert len(named) >= 40
    assert max(Counter(named).values()) <= MOST_ROWS_PER_TEST


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "none: no",
        "tests/unit/docs/test_docs_field_reports.py",
        "`tests/unit/docs/test_docs_field_reports.py::test_that_was_renamed`",
        "`tests/unit/test_that_was_moved.py::test_reports_are_numbered_without_gaps`",
    ],
)
def test_a_test_that_is_gone_would_be_noticed(cell: str) -> None:
    assert missing_test(cell)
