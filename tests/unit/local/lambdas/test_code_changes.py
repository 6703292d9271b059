"""Edited source files are noticed between invocations."""

import os
import shutil
from pathlib import Path

import pytest

from local.lambdas.code_changes import SCAN_INTERVAL_S, SourceScan, syntax_error
from tests.fakes.timers import ManualTimers

pytestmark = pytest.mark.unit


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "functions" / "tools"
    folder.mkdir(parents=True)
    (folder / "book.py").write_text("x = 1\n")
    (tmp_path / "functions" / "persona.yaml").write_text("a: 1\n")
    return tmp_path / "functions"


def test_changed_added_and_deleted_files_are_found_once(source: Path, tmp_path: Path) -> None:
    timers = ManualTimers()
    other = tmp_path / "template.yaml"
    other.write_text("a: 1\n")
    scan = SourceScan([source], [other, tmp_path / "missing.yaml"], timers)
    assert scan.changed() == []
    (source / "tools" / "book.py").write_text("x = 22\n")
    (source / "persona.yaml").unlink()
    (source / "new.json").write_text("{}")
    other.write_text("a: 22\n")
    assert scan.changed() == [], "the interval has not passed"
    timers.advance(SCAN_INTERVAL_S)
    found = ["functions/new.json", "functions/persona.yaml", "functions/tools/book.py"]
    assert scan.changed() == [*(tmp_path / name for name in found), other]
    timers.advance(SCAN_INTERVAL_S)
    assert scan.changed() == []


def test_a_folder_that_is_gone_has_no_files(source: Path) -> None:
    timers = ManualTimers()
    scan = SourceScan([source], (), timers)
    files = [source / "persona.yaml", source / "tools" / "book.py"]
    shutil.rmtree(source)
    timers.advance(SCAN_INTERVAL_S)
    assert scan.changed() == files


def test_a_file_that_ends_during_a_scan_is_gone(source: Path) -> None:
    timers = ManualTimers()
    scan = SourceScan([source], (), timers)
    (source / "persona.yaml").unlink()
    (source / "persona.yaml").symlink_to(source / "missing.yaml")
    timers.advance(SCAN_INTERVAL_S)
    assert scan.changed() == [source / "persona.yaml"]


def test_links_in_a_circle_and_pipes_are_no_source(source: Path) -> None:
    timers = ManualTimers()
    scan = SourceScan([source], (), timers)
    (source / "tools" / "up").symlink_to("..")
    (source / "self.py").symlink_to("self.py")
    os.mkfifo(source / "pipe.py")
    timers.advance(SCAN_INTERVAL_S)
    assert scan.changed() == []


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("nul.py", "x = 1\0", ": source code string cannot contain null bytes"),
        ("call.py", "x = 1\nx(", ":2: '(' was never closed"),
        ("deep.yaml", "[" * 5_000, ": maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    name: str, text: str, error: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert (syntax_error(path) or "").startswith(f"{path}{error}")


def test_a_file_of_the_same_size_and_time_that_replaces_another_is_found(source: Path) -> None:
    timers = ManualTimers()
    scan = SourceScan([source], (), timers)
    book, before = source / "tools" / "book.py", (source / "tools" / "book.py").stat()
    (source / "tools" / "book.tmp").write_text("x = 2\n")
    (source / "tools" / "book.tmp").replace(book)
    os.utime(book, ns=(before.st_atime_ns, before.st_mtime_ns))
    timers.advance(SCAN_INTERVAL_S)
    assert scan.changed() == [book]


@pytest.mark.parametrize(
    "name",
    ["tools/book.pyc", "tools/book.py~", "tools/.#book.py", ".cache/a.py", "__pycache__/a.py"],
)
def test_files_of_editors_and_of_python_are_no_source(source: Path, name: str) -> None:
    timers = ManualTimers()
    scan = SourceScan([source], (), timers)
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).write_text("x = 1\n")
    timers.advance(SCAN_INTERVAL_S)
    assert scan.changed() == []
