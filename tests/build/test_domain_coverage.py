"""Every line and branch of the domain is covered by unit tests of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.build

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = ROOT / "layers" / "shared" / "repartee" / "domain"
# The tests take a minute, and several on a busy machine. Only a hang takes this long.
TIMEOUT_S = 1_800.0
PRODUCT_FOLDERS = ("adapters/", "application/", "domain/", "functions/", "repartee/")
# These tests are slow and reach lines by chance or through the whole API. Such lines need a test
# of their own.
NOT_COUNTED = (
    "domain/session/test_properties.py",
    "functions/http_api/",
    "functions/test_function_wiring.py",
)


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


def is_body_of_protocol(source: Path, line: int) -> bool:
    """Return whether a line is the body of a Protocol's method, which never runs."""
    return source.read_text().splitlines()[line - 1].strip() == "..."


def test_every_branch_of_the_domain_is_covered(tmp_path: Path):
    tests = [str(path) for path in modules_with_domain_tests()]
    assert tests
    report = tmp_path / "coverage.json"
    measure = ("-m", "slipcover", "--branch", "--source", str(DOMAIN), "--json", "--out", report)
    # slipcover is imported before pytest, which cannot rewrite its assertions any more.
    quiet = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
    ran = subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, *measure, "-m", "pytest", *quiet, "--hypothesis-profile=few", *tests],
        cwd=ROOT,
        # A separate environment, because this test may run beside others.
        env={"PATH": os.defpath, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

    files = {ROOT / name: found for name, found in json.loads(report.read_text())["files"].items()}
    assert set(files) == set(DOMAIN.rglob("*.py"))
    missing = {
        path.relative_to(DOMAIN).as_posix(): (lines, found["missing_branches"])
        for path, found in files.items()
        if (lines := [x for x in found["missing_lines"] if not is_body_of_protocol(path, x)])
        or found["missing_branches"]
    }
    assert missing == {}


def test_nothing_of_the_domain_is_excluded_from_being_covered():
    sources = list(DOMAIN.rglob("*.py"))
    assert len(sources) > 40
    assert [path.name for path in sources if "pragma: no" in path.read_text()] == []
