"""`make up` keeps its tables: the next start remembers what users said before Ctrl-C."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.hosting.ports import Ports
from local.hosting.private_folders import DataInUseError
from local.hosting.programs import dynamodb_local
from local.stack import StackOptions, running_stack
from tests.integration.processes import PATIENCE_S, children, eventually, exists

pytestmark = pytest.mark.integration

PROJECT = Path(__file__).resolve().parents[2]


def program(name: str, *arguments: object, base: int) -> "subprocess.Popen[str]":
    """Start a program of the project for the stack at ``base``."""
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", name, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "REPARTEE_PORT_BASE": str(base)},  # noqa: TID251
        umask=0o022,
    )


def free_base() -> int:
    with Ports.reserved() as ports:
        return ports.websocket


@contextmanager
def up(folder: Path, run: str, base: int) -> "Iterator[subprocess.Popen[str]]":
    """Run `local.up` with its tables in the folder; end it at the end of the context."""
    with program(
        *("local.up", "--pace", "instant", "--no-prewarm", "--record", "events"),
        *("--data", folder / "data", "--run-directory", folder / run),
        base=base,
    ) as stack:
        try:
            yield stack
        finally:
            pids = children(stack.pid)
            stack.send_signal(signal.SIGINT)
            stack.communicate(timeout=PATIENCE_S)
    assert eventually(lambda: not any(map(exists, pids)))


def started(stack: "subprocess.Popen[str]") -> list[str]:
    """Wait until the stack serves; return what it printed."""
    assert stack.stdout is not None
    lines = []
    for line in stack.stdout:
        lines.append(line.strip())
        if line.startswith("Ctrl-C"):
            return lines
    assert stack.stderr is not None
    raise AssertionError(stack.stderr.read())


def refusal_of(options: StackOptions) -> str:
    async def run() -> None:
        async with running_stack(options):
            pass

    with pytest.raises(DataInUseError) as refused:
        asyncio.run(run())
    return str(refused.value)


def ask(question: str, base: int) -> str:
    answer, error = program("local.ask", "--user", "ada", question, base=base).communicate()
    assert error == ""
    return answer.strip()


def test_a_user_is_remembered_after_ctrl_c(tmp_path):
    if dynamodb_local(PROJECT) is None:
        pytest.skip("MiniStack keeps no tables: install npm and run `make setup`")
    base = free_base()
    with up(tmp_path, "first", base) as stack:
        lines = started(stack)
        assert f"kept in {tmp_path / 'data'} (FRESH=1" in " ".join(lines)
        refusal = refusal_of(StackOptions(port_base=None, dynamodb_data=tmp_path / "data"))
        assert f"in use by the stack of process {stack.pid}, ports from {base}." in refusal
        assert ask("My name is Ada.", base) == "Hello Ada, how can I help you?"
        link = PROJECT / ".local" / "running" / str(base)
        assert link.readlink() == tmp_path / "first"
        for _ in range(2):
            stack.send_signal(signal.SIGINT)
        assert stack.wait(PATIENCE_S) == 0
        assert not link.is_symlink()
    with up(tmp_path, "second", base) as stack:
        started(stack)
        assert ask("What is my name?", base) == "Your name is Ada."
    files = [path for name in ("data", "first") for path in (tmp_path / name).rglob("*")]
    assert {"heard.pcm", "stack.json", "aws.env", "access-key"} <= {path.name for path in files}
    assert any(path.suffix == ".jsonl" and path.parent.name == "recordings" for path in files)
    readable = {str(path): oct(path.stat().st_mode) for path in files if path.stat().st_mode & 0o77}
    assert readable == {}, "voices and transcripts are the owner's alone to read"
