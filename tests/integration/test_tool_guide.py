"""The guide to a new tool, followed word for word in a copy of the project."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.hosting.ports import DEFAULT_BASE, Ports
from tests.documents import ROOT
from tests.tool_guide import GUIDE, Block, blocks, changed

pytestmark = pytest.mark.integration

# What a new tool could break: itself, the fakes, the export, the erasure, and the pages.
TESTS = (
    "tests/unit/functions/core_agent",
    "tests/unit/adapters/test_personas.py",
    "tests/unit/local/gemini/mind/test_tool_files.py",
    "tests/unit/docs/test_docs_links.py",
    "tests/unit/docs/test_sizes.py",
    "tests/unit/docs/test_plain_english.py",
    "tests/contract/test_tool_records.py",
    "tests/contract/test_export_user.py",
    "tests/contract/test_erasure_store.py",
    "tests/integration/test_core_agent_loop.py::test_each_declared_argument_has_a_type_and_nothing_that_gemini_refuses",
    "tests/integration/test_core_agent_loop.py::test_the_model_is_told_the_day_and_the_tools_with_their_arguments",
    "tests/build/test_template.py",
)
NOT_COPIED = (
    ".git",
    ".venv",
    ".tools",
    ".local",
    ".aws-sam",
    "node_modules",
    "*_cache",
    "__pycache__",
)
# The suites of the stores on their fakes alone, because the guide changes no adapter.
QUICK = ("-q", "-p", "no:cacheprovider", "-k", "not dynamodb and not ministack")


@dataclass(frozen=True, slots=True)
class ProjectCopy:
    """A copy of the project, with the programs that the original has installed."""

    folder: Path
    port_base: int

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the copy, with its code."""
        code = ("functions", "layers/shared", "clients/python")
        variables = (
            f"PYTHONPATH={':'.join(str(self.folder / each) for each in code)}",
            f"REPARTEE_PORT_BASE={self.port_base}",
        )
        return subprocess.Popen(  # noqa: S603 - our own commands
            ("/usr/bin/env", *variables, *command),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str) -> str:
        """Run a command, which must succeed; return its output."""
        running = self.start(*command)
        output, _ = running.communicate()
        assert running.returncode == 0, f"{command}\n{output}"
        return output

    def apply(self, block: Block) -> None:
        """Write the new file, or make the changes."""
        path = self.folder / block.path
        if block.language == "diff":
            path.write_text(changed(path.read_text(), block.text))
            return
        assert not path.exists(), block.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectCopy]:
    """Return a copy of the project after the guide's steps, with free ports."""
    folder = tmp_path_factory.mktemp("guide") / "project"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for installed in (".venv", ".tools"):
        (folder / installed).symlink_to(ROOT / installed)
    with Ports.reserved() as ports:
        copied = ProjectCopy(folder, ports.websocket)
        for block in blocks():
            if block.language != "console":
                copied.apply(block)
        yield copied


def test_the_guide_says_how_many_files_it_touches() -> None:
    paths = [block.path for block in blocks() if block.language != "console"]

    assert len(paths) == len(set(paths)) == 9
    assert "touches nine files" in " ".join(GUIDE.split())


def test_the_tests_and_the_style_of_the_project_pass_with_the_new_tool(copy: ProjectCopy) -> None:
    modules = [block.path for block in blocks() if block.path.endswith(".py")]

    copy.run(sys.executable, "-m", "ruff", "format", "--check", *modules)
    copy.run(sys.executable, "-m", "ruff", "check", *modules)
    copy.run(sys.executable, "-m", "pytest", *QUICK, *TESTS)


@pytest.fixture
def stack(copy: ProjectCopy) -> Iterator[None]:
    """Run the copy's stack."""
    up = copy.start(sys.executable, "-m", "local.up", "--fresh", "--no-prewarm")
    try:
        assert up.stdout is not None
        shown = []
        for line in up.stdout:
            shown.append(line)
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail("".join(shown))
        yield
    finally:
        up.terminate()
        up.communicate()


@pytest.mark.usefixtures("stack")
def test_the_commands_of_the_guide_print_what_it_shows(copy: ProjectCopy) -> None:
    for block in blocks():
        if block.language != "console":
            continue
        shown = re.sub(
            r"(?<=127\.0\.0\.1:)8\d{3}",
            lambda port: str(copy.port_base + int(port[0]) - DEFAULT_BASE),
            block.text,
        )
        # One shell for all commands of the block, because they share variables.
        script = "\n".join(
            f"echo {shlex.quote(line)}; {line.removeprefix('$ ')}"
            for line in shown.splitlines()
            if line.startswith("$ ")
        )
        # On a slow machine the model says more than "One moment, please." until it has the answer,
        # or gives the answer in another turn.
        printed = copy.run("bash", "-c", script).replace(" I am still looking.", "")
        assert printed.replace("\nthe agent goes on\n", " ") == shown
