"""docs/glossary.md explains words that the other pages use, in few lines."""

import re

import pytest

from tests.documents import page

pytestmark = pytest.mark.unit

GLOSSARY = page("docs/glossary.md")
TERMS = re.findall(r"^- \*\*(.+?)\*\*: ", GLOSSARY, re.MULTILINE)
USED = "".join(page(f"docs/{name}.md") for name in ("architecture", "protocol", "clients")).lower()


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_used_by_another_page(term: str) -> None:
    assert re.search(rf"\b{re.escape(term.lower())}s?\b", USED)


def test_a_term_is_explained_once_and_in_one_sentence() -> None:
    assert len(TERMS) == len(set(TERMS)) == GLOSSARY.count("\n- ")
    for line in GLOSSARY.splitlines():
        assert not line.startswith("- ") or re.fullmatch(r"- [^.]*(\.[^. ][^.]*)*\.", line), line


def test_the_glossary_is_short() -> None:
    assert len(GLOSSARY.splitlines()) <= 60
