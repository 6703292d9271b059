"""Tests of engines run on request, and CI fails if they are skipped."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.build.cloudformation import ROOT

pytestmark = pytest.mark.build

MARKED = """
import pytest

@pytest.mark.system
@pytest.mark.skip(reason="no engine")
def test_of_an_engine():
    pass

def test_of_something_else():
    pass
"""
MODULE = 'import pytest; pytest.skip("no engine", allow_module_level=True)'


def pytest_of(folder: Path, module: str, *arguments: str, ci: str) -> str:
    """Run pytest on a module with this project's hooks and settings; return its output."""
    (folder / "test_it.py").write_text(module)
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    run = subprocess.run(  # noqa: S603 - our own interpreter
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
            *("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), *arguments),
            str(folder / "test_it.py"),
        ],
        env={"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


@pytest.mark.parametrize("marks", ["system", "system or browser"])
@pytest.mark.parametrize("module", [MARKED, MODULE])
def test_a_skipped_test_of_an_engine_fails_in_ci(module: str, marks: str, tmp_path: Path) -> None:
    output = pytest_of(tmp_path, module, "-m", marks, ci="true")
    assert "1 error" in output
    assert "skipped, which this test may not be in CI" in output
    assert "1 skipped" in pytest_of(tmp_path, module, "-m", marks, ci="false")


def test_system_tests_run_only_on_request(tmp_path: Path) -> None:
    assert "1 passed, 1 deselected" in pytest_of(tmp_path, MARKED, ci="true")
