"""`make up` prints its addresses and keeps its tables, which the next start after Ctrl-C reads."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.hosting.ports import Ports
from local.hosting.programs import dynamodb_local
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


@contextmanager
def up(folder: Path, run: str, base: int) -> "Iterator[subprocess.Popen[str]]":
    """Run `local.up` with its tables in the folder; end it at the end of the context."""
    with program(
        *("local.up", "--pace", "instant", "--no-prewarm", "--record", "events"),
        *("--data", folder / "data", "--run-directory", folder / run),
        *("--set", "MaxUsdPerDay=1 LogRetentionDays=30"),
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


def ask(question: str, base: int) -> str:
    answer, error = program("local.as_user", "ada", "ask", question, base=base).communicate()
    assert error == ""
    return answer.strip()


def test_ctrl_c_ends_the_stack_and_the_next_one_remembers_the_user(tmp_path):
    with Ports.reserved() as ports:
        base = ports.websocket
    with up(tmp_path, "first", base) as stack:
        lines = started(stack)
        assert f"Page            http://127.0.0.1:{base + 1}/" in lines
        assert f"WebSocket API   ws://127.0.0.1:{base}/local" in lines
        assert f"Token           curl -s -d user=ada http://127.0.0.1:{base + 8}/token" in lines
        assert "Setting         MaxUsdPerDay=1 (template: 5)" in lines
        no_effect = "LogRetentionDays=30 (template: 14; no effect on this machine)"
        assert f"Setting         {no_effect}" in lines
        assert ask("My name is Ada.", base) == "Hello Ada, how can I help you?"
        link = PROJECT / ".local" / "running" / str(base)
        assert link.readlink() == tmp_path / "first"
        for _ in range(2):
            stack.send_signal(signal.SIGINT)
        assert stack.wait(PATIENCE_S) == 0
        assert stack.stderr is not None
        assert stack.stderr.read() == ""
        assert not link.is_symlink()
    if dynamodb_local(PROJECT) is None:
        pytest.skip("MiniStack keeps no tables: install npm and run `make setup`")
    assert f"kept in {tmp_path / 'data'} (FRESH=1" in " ".join(lines)
    with up(tmp_path, "second", base) as stack:
        started(stack)
        assert ask("What is my name?", base) == "Your name is Ada."
    files = [path for name in ("data", "first") for path in (tmp_path / name).rglob("*")]
    assert {"heard.pcm", "stack.json", "aws.env", "access-key"} <= {path.name for path in files}
    assert any(path.suffix == ".jsonl" and path.parent.name == "recordings" for path in files)
    readable = {str(path): oct(path.stat().st_mode) for path in files if path.stat().st_mode & 0o77}
    assert readable == {}, "voices and transcripts are the owner's alone to read"
