"""Every line and branch of the domain is covered by unit tests of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.build

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = ROOT / "layers" / "shared" / "repartee" / "domain"
# Tracing every line takes minutes, more than five on a busy machine. Only a hang takes this long.
TIMEOUT_S = 1_800.0
PRODUCT_FOLDERS = ("adapters/", "application/", "domain/", "functions/", "repartee/")
# These tests are slow and reach lines by chance or through the whole API. Such lines need a test
# of their own.
NOT_COUNTED = ("functions/http_api/", "domain/session/test_properties.py")


def modules_with_domain_tests() -> list[Path]:
    """Return the unit tests of the product that import the domain."""
    unit = ROOT / "tests" / "unit"
    found = []
    for path in sorted(unit.rglob("test_*.py")):
        text = path.read_text()
        name = path.relative_to(unit).as_posix()
        imports_domain = "from repartee.domain" in text or "from tests.session_harness" in text
        if imports_domain and name.startswith(PRODUCT_FOLDERS) and not name.startswith(NOT_COUNTED):
            found.append(path)
    return found


def coverage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "coverage", *arguments]
    # A separate environment, because this test may itself be measured or run beside others.
    environment = {"PATH": os.defpath, "HOME": str(folder), "COVERAGE_FILE": str(folder / "data")}
    return subprocess.run(  # noqa: S603 - our own tests
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_every_branch_of_the_domain_is_covered(tmp_path: Path):
    tests = [str(path) for path in modules_with_domain_tests()]
    assert tests
    quiet = ("-q", "-p", "no:cacheprovider", "--hypothesis-profile=few")
    ran = coverage(
        tmp_path, "run", "--branch", f"--source={DOMAIN}", "-m", "pytest", *quiet, *tests
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

    report = coverage(tmp_path, "report", "--show-missing", "--skip-covered", "--fail-under=100")
    assert report.returncode == 0, f"not covered:\n{report.stdout}{report.stderr}"


def test_nothing_of_the_domain_is_excluded_from_being_covered():
    sources = list(DOMAIN.rglob("*.py"))
    assert len(sources) > 40
    assert [path.name for path in sources if "pragma: no" in path.read_text()] == []
