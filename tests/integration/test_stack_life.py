"""The local stack starts, works end to end, and leaves nothing behind, however it ends."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from local.hosting.aws_resources import (
    client_options,
)
from local.hosting.ports import PortInUseError, Ports
from local.hosting.processes import ChildFailedError, start_child
from local.lambdas.hosting_types import FunctionCode, InitFailedError
from local.stack import Stack, StackOptions, running_stack
from tests.integration.processes import (
    LOOPBACK,
    children,
    eventually,
    exists,
    listeners,
)

pytestmark = pytest.mark.integration

PROJECT = Path(__file__).resolve().parent.parent.parent
APPLICATION = PROJECT / "tests" / "fixtures" / "lambdas"
FUNCTIONS = ("Authorizer", "Connect", "Message", "Worker", "Http")


def options(tmp_path: Path, **changes: Any) -> StackOptions:
    code = FunctionCode(APPLICATION, (APPLICATION,))
    return StackOptions(
        **{
            "template": APPLICATION / "template.yaml",
            "run_directory": tmp_path / "run",
            "port_base": None,
            "code": {f"{name}Function": code for name in FUNCTIONS},
            "gemini": False,
            "prewarm": {"WorkerFunction": 1},
            "deadline_s": 60,
            **changes,
        }
    )


async def use(stack: Stack) -> dict[str, Any]:
    """Send a message through every part; return the results."""
    url = stack.addresses.websocket
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{url}?ticket=bad-ada"):
            pass
    async with connect(f"{url}?ticket=good-ada") as client:
        await client.send("hello")
        answer = json.loads(await client.recv())
        await client.send("fail")
        queue = boto3.session.Session().client("sqs", **client_options(stack.addresses.aws))
        url = stack.resources.queue_urls["FailureQueue"]
        failure: Any = {}
        while "Messages" not in failure:
            failure = await asyncio.to_thread(queue.receive_message, QueueUrl=url)
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{stack.addresses.issuer}/token", data={"user": "ada"}) as response:
            token = (await response.json())["access_token"]
        async with http.get(
            f"{stack.addresses.http}/notes", headers={"Authorization": f"Bearer {token}"}
        ) as response:
            notes = json.loads(await response.text())
    expiry = await asyncio.to_thread(stack.dynamodb().describe_time_to_live, TableName="NotesTable")
    return {
        "refused": refused.value.response.status_code,
        "answer": answer,
        "notes": notes,
        "failure": json.loads(failure["Messages"][0]["Body"]),
        "expiry": expiry["TimeToLiveDescription"]["AttributeName"],
    }


def test_two_applications_run_from_their_template_and_end_without_a_trace(tmp_path):
    async def run() -> Any:
        first = options(tmp_path, run_directory=tmp_path / "a")
        second = options(tmp_path, run_directory=tmp_path / "b", dynamodb="ministack")
        before = children(os.getpid())
        async with running_stack(first) as one, running_stack(second) as two:
            both = await asyncio.gather(use(one), use(two))
            pids = children(os.getpid()) - before
            listening = listeners()
        return both, pids, listening, one, two

    both, pids, listening, one, two = asyncio.run(run())
    for seen in both:
        assert seen["refused"] == 403
        assert seen["answer"] == {"noted": "hello", "key_length": 48}
        assert seen["notes"] == ["hello"], "each has tables of its own"
        assert seen["failure"]["requestPayload"]["text"] == "fail"
        assert seen["failure"]["responsePayload"]["errorMessage"] == "set to fail"
        assert seen["expiry"] == "expires_at"
    assert two.addresses.dynamodb == two.addresses.aws
    assert len(pids) >= 3 + 5 + 5, "DynamoDB, MiniStack twice, a runtime per function"
    assert not any(map(exists, pids))
    for stack in (one, two):
        assert "REPORT RequestId" in stack.log_path("WorkerFunction").read_text()
        addresses = stack.addresses
        for address in (addresses.http, addresses.aws, addresses.lambdas, addresses.issuer):
            port = int(address.rsplit(":", 1)[1])
            assert listening[port] == {LOOPBACK}
            assert port not in listeners()


def test_a_busy_port_is_named_before_anything_starts(tmp_path):
    with Ports.reserved() as ports:
        port = ports.lambdas
    with socket.create_server(("127.0.0.1", port)):

        async def run() -> Any:
            async with running_stack(options(tmp_path, port_base=ports.websocket)):
                pass

        with pytest.raises(PortInUseError) as caught:
            asyncio.run(run())
    assert f"port {port} is in use" in str(caught.value)
    assert "the Lambda host" in str(caught.value)
    assert "REPARTEE_PORT_BASE" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_layout_of_ports_is_fixed():
    assert Ports.from_base(8_700) == Ports(8700, 8701, 8702, 8703, 8705, 8706, 8707, 8708, 8709)


def test_reserved_ports_are_exclusive_until_the_programs_listen(monkeypatch):
    with Ports.reserved() as first:
        with Ports.reserved() as other:
            pass
        bases = iter([first.websocket, other.websocket])
        monkeypatch.setattr("local.hosting.ports.secrets.choice", lambda _bases: next(bases))
        with Ports.reserved() as second:
            assert second == other


def test_a_failed_start_cleans_up_and_gives_the_reason(tmp_path):
    async def run() -> Any:
        broken = options(
            tmp_path,
            code={"WorkerFunction": FunctionCode(tmp_path, (tmp_path,))},
            dynamodb="ministack",
        )
        before = children(os.getpid())
        with pytest.raises(InitFailedError) as caught:
            async with running_stack(broken):
                pass
        return str(caught.value), children(os.getpid()) - before

    message, left = asyncio.run(run())
    assert "No module named 'application'" in message
    assert not any(map(exists, left))


def test_a_program_that_fails_shows_the_end_of_its_log(tmp_path):
    async def run() -> Any:
        missing = options(tmp_path, gemini=True, gemini_arguments=("--no-such-argument",))
        with pytest.raises(ChildFailedError) as caught:
            async with running_stack(missing):
                pass
        return str(caught.value)

    message = asyncio.run(run())
    assert "the Gemini simulator ended before it was ready" in message
    assert "--no-such-argument" in message


PARENT = """
import asyncio, json, sys
from pathlib import Path
sys.path.insert(0, {project!r})
from tests.integration.test_stack_life import options
from local.stack import running_stack

async def main():
    async with running_stack(options(Path({folder!r}), gemini=True)) as stack:
        print(stack.addresses.dynamodb, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.contextmanager
def stack_in_another_process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a stack in a process; yield the process and the port of the tables."""
    script = PARENT.format(project=str(PROJECT), folder=str(tmp_path))
    parent = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )
    try:
        with parent:
            assert parent.stdout is not None
            yield parent, int(parent.stdout.readline().rpartition(":")[2])
    finally:
        if parent.poll() is None:
            parent.kill()


def test_servers_listen_on_loopback_only_and_end_with_the_parent(tmp_path):
    with stack_in_another_process(tmp_path) as (parent, dynamodb):
        pids = children(parent.pid)
        by_port = listeners({parent.pid, *pids})
        assert len(by_port) >= 8, "every server of the stack, and one per environment"
        everywhere = [port for port, found in by_port.items() if found != {LOOPBACK}]
        assert everywhere == [dynamodb], "DynamoDB Local alone, which has no option for it"
        commands = {Path(f"/proc/{pid}/cmdline").read_text() for pid in pids}
        for program in ("DynamoDBLocal.jar", "ministack", "awslambdaric", "local.gemini"):
            assert any(program in command for command in commands), program
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert eventually(lambda: not any(map(exists, pids)))


def test_a_command_on_other_systems_is_watched_and_ends_with_its_parent(tmp_path):
    """Tests the fallback for systems without the kernel's parent-death signal."""
    launcher = PROJECT / "local" / "hosting" / "lifeline.py"
    started = tmp_path / "pid"
    command = f"import os,time;open({str(started)!r},'w').write(str(os.getpid()));time.sleep(600)"
    watched = subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-I", "-S", launcher, "--watch", sys.executable, "-c", command],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    with watched:
        assert eventually(lambda: started.exists() and bool(started.read_text()))
        pid = int(started.read_text())
        assert exists(pid)
        assert watched.stdin is not None
        watched.stdin.close()
        assert eventually(lambda: not exists(pid))


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path):
    async def run() -> Any:
        command = (
            "import signal;signal.signal(15,signal.SIG_IGN);print('up',flush=True)\n"
            "while True: signal.pause()"
        )
        child = await start_child(
            "a stubborn program",
            [sys.executable, "-c", command],
            environment={},
            log_path=tmp_path / "log",
            pipe_output=True,
        )
        assert child.process.stdout is not None
        assert await child.process.stdout.readline() == b"up\n"
        await child.stop(grace_s=0.1)
        return child.process.returncode

    assert asyncio.run(run()) == -signal.SIGKILL
