"""The changes that CONTRIBUTING.md describes touch files that exist and hold what it names."""

import re
from typing import NamedTuple

import pytest

from tests.documents import ROOT, page, rows, section

pytestmark = pytest.mark.unit

# The most files that a change may touch, by the first words of its paragraph.
MOST_FILES = {
    "A new tool of the core agent": 4,
    "A new client message": 4,
    "Another barge-in policy": 1,
    "Another live model of Gemini's": 1,
    "A second dialect": 1,
    "A text of the page": 1,
    "A colour of the page": 1,
    "A panel in the page's menu": 2,
    "A new frame from the server": 8,
}


class Change(NamedTuple):
    title: str
    stated_files: int
    rows: list[list[str]]


def changes() -> list[Change]:
    text = section(page("CONTRIBUTING.md"), "Changes newcomers make")
    parts = re.findall(
        r"^\*\*(.+?)\*\*.*?\([^)]*?(\d+) files?\)(.*?)(?=^\*\*|\Z)",
        text,
        re.MULTILINE | re.DOTALL,
    )
    return [Change(title, int(files), rows(rest)) for title, files, rest in parts]


def missing_names(row: list[str]) -> set[str]:
    """Return the names in a row that the last module of the row does not define."""
    spans = re.findall(r"`([^`]+)`", " ".join(row))
    modules = [span for span in spans if (ROOT / span).is_file()]
    source = (ROOT / modules[-1]).read_text()
    return {
        name
        for name in spans
        if "/" not in name
        and not re.search(
            rf"^\s*(class|def|type|(export )?(const|function)) {name}\b|^{name}(\b.* = |: )",
            source,
            re.MULTILINE,
        )
    }


def test_each_change_is_described() -> None:
    found = {change.title: change.stated_files for change in changes()}
    for words, most in MOST_FILES.items():
        (files,) = (files for title, files in found.items() if title.startswith(words))
        assert files <= most, words
    assert len(found) == len(MOST_FILES)


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.title)
def test_a_change_touches_as_many_files_as_it_states(change: Change) -> None:
    files = [row for row in change.rows if "new folder" not in row[0]]
    assert len(files) == change.stated_files


@pytest.mark.parametrize(
    "row", [row for change in changes() for row in change.rows], ids=lambda row: row[0]
)
def test_a_file_holds_the_names_that_its_row_gives(row: list[str]) -> None:
    assert missing_names(row) == set()


def test_a_gone_name_would_be_noticed() -> None:
    profiles = "`layers/shared/repartee/domain/live/model_profiles.py`"
    assert missing_names([profiles, "a `LiveModelProfile` in `_GONE`"]) == {"_GONE"}
