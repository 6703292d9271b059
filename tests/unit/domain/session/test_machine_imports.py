"""The session machine needs the standard library and the domain, and nothing else."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[4] / "layers" / "shared"
MACHINE = "repartee.domain.session.machine"


def source_of(module: str) -> Path:
    path = SHARED.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_of(source: str) -> set[str]:
    """Every module that the source names in an import, at its top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            assert node.module is not None
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = {name for name in names if source_of(name).exists()}
            found |= submodules or {node.module}
    return found


def is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def needs_of(module: str) -> set[str]:
    """Every module that ``module`` imports, and the imports of the project's modules among them."""
    seen: set[str] = set()
    waiting = {module}
    while waiting:
        current = waiting.pop()
        seen.add(current)
        if current.startswith("repartee."):
            waiting |= imports_of(source_of(current).read_text()) - seen
    return seen


def foreign_to_domain(modules: set[str]) -> set[str]:
    return {
        name
        for name in modules
        if not is_standard(name) and not f"{name}.".startswith("repartee.domain.")
    }


def test_nothing_that_the_machine_imports_is_foreign():
    needs = needs_of(MACHINE)
    assert "repartee.domain.session.client.outbox" in needs
    assert foreign_to_domain(needs) == set()


def test_an_import_inside_a_function_would_be_found():
    source = "def later():\n    import boto3\n    from repartee.adapters import clock\n"
    assert foreign_to_domain(imports_of(source)) == {"boto3", "repartee.adapters.clock"}


def test_the_machine_is_imported_where_no_package_is_installed():
    program = (
        "import json, sys\n"
        f"sys.path.insert(0, {str(SHARED)!r})\n"
        f"import {MACHINE}\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    # -I and -S: neither the environment nor an installed package adds anything to the path.
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout)) - {"__main__", "repartee"}
    assert MACHINE in loaded
    assert foreign_to_domain(loaded) == set()
