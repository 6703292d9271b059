"""The demo, the client's and the operators' commands: their output, their files and their end."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.hosting.aws_resources import send_message
from local.hosting.ports import Ports
from local.stack import PROJECT
from local.stack.running import write_addresses
from ops import calls, failed_wakes
from ops.users import data, erasures, largest
from repartee.domain.audio import OUTPUT_RATE_HZ
from repartee_client.access import get_token
from repartee_client.commands.program import main
from repartee_client.recordings import read_wav
from tests.documents import page
from tests.integration.running import RunningStack, new_user, recordings

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

PROGRAM_TIMEOUT_S = 150.0
# Time for the kernel to end the process; only a process that is not ended takes that long.
PATIENCE_S = 60.0


def free_base() -> int:
    """Return the first of ten free ports."""
    with Ports.reserved() as ports:
        return ports.websocket


class Descendants:
    """All descendants of a process while it runs."""

    def __init__(self, pid: int) -> None:
        # A pid may be used again: the start time tells two processes apart.
        self._known = {(pid, _started(pid))}
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._run)
        self._watch.start()

    def alive_after_the_end(self) -> list[str]:
        """Return the command lines of running processes, after a moment for killed ones to end."""
        self._over.set()
        self._watch.join()
        give_up_at_s = time.monotonic() + PATIENCE_S
        while (alive := self._alive()) and time.monotonic() < give_up_at_s:
            time.sleep(0.05)
        return alive

    def _alive(self) -> list[str]:
        alive = [_command(pid) for pid, started in self._known if _started(pid) == started]
        return [command for command in alive if command]

    @property
    def count(self) -> int:
        return len(self._known) - 1

    def _run(self) -> None:
        while not self._over.wait(0.1):
            parents = {pid for pid, _ in self._known}
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and _parent(int(entry.name)) in parents:
                    self._known.add((int(entry.name), _started(int(entry.name))))


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on, none for a process that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] == "Z" else fields


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _started(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[19] if fields else None


def _command(pid: int) -> str:
    """Return the command line of a process, empty for an ended one."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@contextmanager
def demo(folder: Path, base: int) -> Iterator[subprocess.Popen[str]]:
    environment = {key: value for key, value in os.environ.items() if key != "GEMINI_API_KEY"}  # noqa: TID251
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "local.demo", "--once", "--folder", str(folder)],
        cwd=PROJECT,
        env={**environment, "REPARTEE_PORT_BASE": str(base), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_demo_succeeds_reports_and_leaves_nothing_running(tmp_path: Path):
    base = free_base()
    with demo(tmp_path, base) as process:
        descendants = Descendants(process.pid)
        output, _ = process.communicate(timeout=PROGRAM_TIMEOUT_S)

    assert process.returncode == 0, output
    assert descendants.count > 5
    assert descendants.alive_after_the_end() == []
    Ports.from_base(base).check()
    report = json.loads((tmp_path / "report.json").read_text())
    assert [check["passed"] for check in report["checks"]] == [True] * 6
    for turn in report["turns"]:
        assert turn["word_error"] <= 0.2
        assert turn["first_audio_ms"] > 0
        assert turn["reply_ms"] > 500
        assert turn["heard"] in output
        assert turn["said"] in output
        assert read_wav(Path(turn["reply_wav"]), sample_rate_hz=OUTPUT_RATE_HZ).pcm
    assert [turn["tool_calls"] for turn in report["turns"]] == [[], ["ask_core_agent"], []]
    assert len(report["bookings"]) == 1


def test_an_interrupted_demo_stops_everything(tmp_path: Path):
    base = free_base()
    with demo(tmp_path, base) as process:
        descendants = Descendants(process.pid)
        assert process.stdout is not None
        first_line = process.stdout.readline()
        assert "started in" in first_line
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PROGRAM_TIMEOUT_S)

    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert descendants.alive_after_the_end() == []
    Ports.from_base(base).check()
    assert not (tmp_path / "report.json").exists()


def test_a_busy_port_is_named(tmp_path: Path):
    base = free_base()
    with socket.create_server(("127.0.0.1", base + 7)), demo(tmp_path, base) as process:
        output, _ = process.communicate(timeout=PROGRAM_TIMEOUT_S)

    assert process.returncode == 1
    assert f"port {base + 7} is in use" in output
    assert "Traceback" not in output


def repartee(running: RunningStack, user: str, *arguments: str | Path) -> int:
    """Run a command as a user of the stack."""
    addresses = running.stack.addresses
    token = asyncio.run(get_token(addresses.issuer, user))
    access = {"REPARTEE_API": addresses.http, "REPARTEE_TOKEN": token}
    return main([str(argument) for argument in arguments], access)


@pytest.mark.xdist_group("stack")
def test_talk_prints_the_call_and_keeps_the_replies(
    running: RunningStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    before = {record.name for record in running.records()}
    greeting, out = recordings("default")[0].wav, tmp_path / "out.wav"

    assert repartee(running, new_user("talker"), "talk", "--wav", greeting, "--out", out) == 0

    shown = capsys.readouterr().out
    for words in ("heard", "Robert", "audio   the reply", "end     turn 1", "closed  bye"):
        assert words in shown
    (record,) = (record for record in running.records() if record.name not in before)
    assert [read_wav(out, sample_rate_hz=OUTPUT_RATE_HZ).pcm] == list(record.replies)


@pytest.mark.xdist_group("stack")
def test_a_user_is_known_only_in_their_own_next_call(
    running: RunningStack, capsys: pytest.CaptureFixture[str]
):
    shown = re.findall(
        r'^    \$ \S+ -m local\.as_user (\w+) ask "(.+?)".*\n    (.+)$',
        page("README.md"),
        re.MULTILINE,
    )
    users = {name: new_user(name) for name, _, _ in shown}
    assert len(users) == 2

    for name, question, answer in shown:
        assert repartee(running, users[name], "ask", question) == 0
        assert capsys.readouterr() == (f"{answer}\n", "")


@pytest.mark.xdist_group("stack")
def test_a_note_is_known_in_the_next_call_and_exported(
    running: RunningStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    user, file = new_user("noter"), tmp_path / "mine.json"

    assert repartee(running, user, "ask", "Remember that I like mornings.") == 0
    noted = capsys.readouterr()
    assert "I will remember that." in noted.out
    assert "tool ask_core_agent done" in noted.err
    repartee(running, user, "ask", "What do you know about me?")
    assert "You had me note: I like mornings." in capsys.readouterr().out
    repartee(running, user, "usage")
    assert "today    2 turns" in capsys.readouterr().out
    assert repartee(running, user, "export", file) == 0
    exported = json.loads(file.read_text())
    assert [note["text"] for note in exported["account"]["notes"]] == ["I like mornings"]
    assert [len(one["turns"]) for one in exported["conversations"]] == [2]


def test_a_user_of_no_stack_is_advised_to_start_one():
    done = subprocess.run(
        [sys.executable, "-m", "local.as_user", "ada", "ask", "hello"],
        cwd=PROJECT,
        env={"REPARTEE_PORT_BASE": str(free_base())},
        capture_output=True,
        text=True,
        timeout=PROGRAM_TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 1
    assert "`make up`" in done.stderr
    assert "Traceback" not in done.stderr


def test_operators_see_and_handle_the_data_of_users(
    running: RunningStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    user, cut_off = new_user("large"), new_user("cut off")
    style = "slowly and formally"
    running.run(running.run(running.api_of(user)).change_preferences(style=style))
    # No other test has usage on this day. The tombstone is that of an erasure without its end.
    for name, sort, numbers in (
        (user, "usage#2020-02-02", {"turns": 3, "talk_ms": 61_000, "cost_usd": "1.25"}),
        (cut_off, "profile", {"erased_at_ms": 1_580_601_600_000, "step": 1}),
    ):
        key = {"pk": {"S": f"user#{name}"}, "sk": {"S": sort}}
        values = {attribute: {"N": str(value)} for attribute, value in numbers.items()}
        running.dynamodb().put_item(
            TableName=running.stack.table_names["MemoryTable"], Item={**key, **values}
        )
    stack = running.stack
    context = {"functionArn": "arn:aws:lambda:r:1:function:agent", "condition": "EventAgeExceeded"}
    failure = {"timestamp": "2020-02-02T00:00:00Z", "requestContext": context}
    send_message(
        stack.addresses.aws, stack.resources.queue_urls["OnFailureQueue"], json.dumps(failure)
    )
    write_addresses(stack)
    (tmp_path / "9990").symlink_to(stack.run_directory)
    monkeypatch.setattr("ops.stack_access.RUNNING", tmp_path)
    monkeypatch.setenv("REPARTEE_PORT_BASE", "9990")
    capsys.readouterr()

    def shown(command: Callable[..., int], *arguments: str) -> str:
        assert command([*arguments, "--env", "local"]) == 0
        return capsys.readouterr().out

    assert shown(largest.main, "--day", "2020-02-02").splitlines() == [
        f"      1.2500 USD        3 turns           0:01:01 talk  {user}",
        "      1.2500 USD        3 turns           0:01:01 talk  all 1 users on 2020-02-02 UTC",
    ]
    file = tmp_path / "export.json"
    shown(data.main, "export", "--user", user, "--file", str(file))
    account = json.loads(file.read_text())["account"]
    assert (account["preferences"]["style"], account["usage_total"]["turns"]) == (style, 3)
    assert "1 usage days" in shown(data.main, "erase", "--user", user, "--yes")
    line = f"2020-02-02T00:00:00Z  all data of {cut_off}"
    assert f"{line}: erased no items" in shown(erasures.main, "--repeat", "--yes")
    assert cut_off not in shown(erasures.main)
    assert "EventAgeExceeded  agent" in shown(failed_wakes.main)
    assert "messages deleted" in shown(failed_wakes.main, "--purge", "--yes")
    assert shown(failed_wakes.main) == "0 messages\n"
    try:
        assert "Stopped." in shown(calls.main, "stop", "--yes")
        assert "Calls are stopped since" in shown(calls.main, "show")
    finally:
        assert "Allowed." in shown(calls.main, "allow", "--yes")
