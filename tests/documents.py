"""Reads the project's Markdown pages as the tests of the documentation need them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Folders that tools create.
_GENERATED = {".venv", ".tools", ".aws-sam", ".local", "node_modules", ".pytest_cache"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text below it, up to the next heading of its level or a higher one."""

    title: str
    text: str


def page(name: str) -> str:
    """Return a page's text, by its path from the project's root."""
    return (ROOT / name).read_text()


def pages() -> list[Path]:
    """Return every Markdown page of the project."""
    found = (path for path in ROOT.rglob("*.md"))
    return sorted(
        path for path in found if not _GENERATED.intersection(path.relative_to(ROOT).parts)
    )


def sources(*endings: str) -> list[Path]:
    """Return the project's files by the ends of their names, as paths from its root."""
    tops = [top for top in ROOT.iterdir() if not top.name.startswith(".")]
    files = [path for top in tops for path in (top.rglob("*") if top.is_dir() else [top])]
    found = (path.relative_to(ROOT) for path in files if path.name.endswith(endings))
    return sorted(path for path in found if not _GENERATED.intersection(path.parts))


def sections(text: str, level: int) -> Iterator[Section]:
    """Return the sections whose heading has ``level`` signs, in order."""
    marks = "#" * level
    for found in re.finditer(
        rf"^{marks} (?P<title>.+)\n(?P<text>(?:(?!#{{1,{level}}} ).*\n?)*)", text, re.MULTILINE
    ):
        yield Section(found["title"].strip(), found["text"])


def section(text: str, title: str) -> str:
    """Return the text below the second-level heading ``title``."""
    return next(one.text for one in sections(text, 2) if one.title == title)


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table row, without headings and rules."""
    tables = re.findall(r"(?:^\|.*\|\n?)+", text, re.MULTILINE)
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for table in tables
        for line in table.strip().splitlines()[2:]
    ]


def code_spans(text: str) -> list[str]:
    """Return the texts in single backticks, without fenced blocks."""
    return re.findall(r"`([^`\n]+)`", without_blocks(text))


def without_blocks(text: str) -> str:
    """Return the text without its fenced and its indented code blocks."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<=\n\n)(?: {4}[^ \n-].*\n)+", "", text)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def first_code(cell: str) -> str:
    """Return the first backticked text of a cell, "" without one."""
    found = re.search(r"`([^`]+)`", cell)
    return found[1] if found else ""
