"""Modules and folders stay small enough to read: CONTRIBUTING.md gives the numbers."""

import re
from collections import Counter

import pytest

from tests.documents import page, sources

pytestmark = pytest.mark.unit

SIZES = re.search(r"at most\s+(\d+) lines, a\s+folder\s+at\s+most\s+(\d+)", page("CONTRIBUTING.md"))
MODULES = [
    path
    for path in sources(".py", ".js", ".css")
    if path.parts[0] != "tests" and "vendor" not in path.parts
]


def most(group: int) -> int:
    assert SIZES is not None
    return int(SIZES[group])


def test_the_numbers_are_those_of_the_project() -> None:
    assert (most(1), most(2)) == (400, 15)
    assert {path.suffix for path in MODULES} == {".py", ".js", ".css"}


def test_no_module_is_too_long() -> None:
    lines = {str(path): len(page(str(path)).splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count > most(1)} == {}


def test_no_folder_has_too_many_modules() -> None:
    folders = Counter(str(path.parent) for path in MODULES if path.name != "__init__.py")
    assert {folder: count for folder, count in folders.items() if count > most(2)} == {}
