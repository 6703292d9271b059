"""The page's JavaScript: its types, its unit tests, and the copies of other projects' files."""

import subprocess
from pathlib import Path

import pytest

from local.stack import PROJECT
from tests.browser.engines import NODE_MODULES

pytestmark = pytest.mark.browser

VENDOR = PROJECT / "clients" / "web" / "site" / "vendor"
# The npm package of each folder in `vendor`.
PACKAGES = {"fvad": "@echogarden/fvad-wasm", "preact": "htm/preact"}
CODE = {".js", ".mjs", ".wasm"}


def output_of(*command: str | Path) -> str:
    run = subprocess.run(  # noqa: S603 - node and the compiler of the lock
        command, cwd=PROJECT, capture_output=True, text=True, check=False
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def test_the_types_are_right() -> None:
    compiler = NODE_MODULES / ".bin" / "tsc"
    assert output_of(compiler, "-p", PROJECT / "clients" / "web" / "tsconfig.json") == ""


def test_the_unit_tests_in_node_pass() -> None:
    tests = sorted((PROJECT / "tests" / "unit" / "clients" / "web").rglob("*.test.js"))
    assert tests
    assert output_of("node", "--test", *tests) == ""


def test_each_vendored_file_is_the_one_of_its_package() -> None:
    vendored = [path for path in VENDOR.rglob("*") if path.suffix in CODE]
    assert vendored
    for path in vendored:
        folder, name = path.relative_to(VENDOR).parts
        assert path.read_bytes() == (NODE_MODULES / PACKAGES[folder] / name).read_bytes(), path
        assert list(path.parent.glob("LICENSE*")), path
