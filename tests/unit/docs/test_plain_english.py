"""The project's texts are in plain English: words that made them strange stay rare."""

import re

import pytest

from tests.documents import page, sources

pytestmark = pytest.mark.unit

MOST_LINES = 30
STRANGE = re.compile(
    r"\b(anew|as yet|whoever|the begin of|is told|are told|was told)\b", re.IGNORECASE
)
# Entries of released versions stay as they are, and so do the texts of golden files.
LEFT_OUT = ("CHANGELOG.md", "tests/golden/", "tests/unit/docs/test_plain_english.py")


def strange_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if STRANGE.search(line)]


def test_strange_words_are_rare() -> None:
    paths = [str(path) for path in sources(".py", ".md", ".yaml", "Makefile")]
    found = {
        path: lines
        for path in paths
        if not path.startswith(LEFT_OUT) and (lines := strange_lines(page(path)))
    }
    assert sum(map(len, found.values())) <= MOST_LINES, found


def test_a_strange_line_would_be_noticed() -> None:
    assert strange_lines("x\nWhoever is told, begins Anew.\n") == ["Whoever is told, begins Anew."]
    assert strange_lines("a renewal, a manewer") == []
