"""One execution environment: a runtime process and its state in the Runtime API."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from local.hosting.processes import ChildProcess, start_child
from local.lambdas.hosting_types import (
    EnvironmentInfo,
    EnvironmentState,
    HostedFunction,
    InvocationResult,
)
from local.template.model import REGION

_SCALED_RUNTIME = Path(__file__).with_name("scaled_runtime.py")


@dataclass(slots=True, eq=False)
class Invocation:
    """One event for a function, with its result."""

    request_id: str
    payload: bytes
    result: asyncio.Future[InvocationResult]
    assigned: asyncio.Future[None]
    client_context: str | None = None
    deadline_ms: int = 0


def error_payload(error_type: str, message: str) -> bytes:
    """Return an error object in Lambda's form."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


@dataclass(slots=True)
class FunctionLog:
    """A function's log file, shared by its environments; lines are never interleaved."""

    path: Path
    _file: BinaryIO = field(init=False)

    def __post_init__(self) -> None:
        self._file = self.path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        self._file.write(data)

    async def pump(self, source: asyncio.StreamReader) -> None:
        """Copy the output of an environment in whole lines until it ends."""
        rest = b""
        while chunk := await source.read(65_536):
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            self.write(lines + newline)
        if rest:
            self.write(rest + b"\n")

    def close(self) -> None:
        self._file.close()


def runtime_command(hosted: HostedFunction) -> list[str]:
    """Return the command of the runtime client; with scaled time, one that reports scaled time."""
    handler = hosted.function.handler
    if hosted.time_scale == 1:
        return [sys.executable, "-m", "awslambdaric", handler]
    # With -P, the function cannot import modules from the folder of the script.
    return [sys.executable, "-P", str(_SCALED_RUNTIME), str(hosted.time_scale), handler]


def process_environment(
    hosted: HostedFunction, runtime_api: str, environment_id: str
) -> Mapping[str, str]:
    """Return the whole environment of a runtime process; it inherits nothing from the host."""
    function = hosted.function
    name = function.name
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        # The only folder where a function may write.
        "HOME": tempfile.gettempdir(),
        # These hide the developer's AWS configuration from the functions.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": os.pathsep.join(str(path) for path in hosted.code.python_path),
        "LAMBDA_TASK_ROOT": str(hosted.code.task_root),
        "_HANDLER": function.handler,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        **({"AWS_LAMBDA_LOG_LEVEL": function.log_level} if function.log_level else {}),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        # The SDK adds it to its user agent, so a server knows the calling environment.
        "AWS_SDK_UA_APP_ID": environment_id,
        **function.environment,
        **hosted.extra_environment,
    }


@dataclass(slots=True, eq=False)
class Environment:
    """One runtime process; it handles one invocation at a time."""

    environment_id: str
    hosted: HostedFunction
    child: ChildProcess
    started_at_s: float
    ready: asyncio.Future[None]
    state: EnvironmentState = "starting"
    init_ms: float | None = None
    init_error: bytes | None = None
    invocations: int = 0
    current: Invocation | None = None
    pump: asyncio.Task[None] | None = None
    _next: asyncio.Future[Invocation | None] | None = None

    @classmethod
    async def start(
        cls, environment_id: str, hosted: HostedFunction, runtime_api: str, log: FunctionLog
    ) -> "Environment":
        """Start the runtime process."""
        started_at_s = time.monotonic()
        child = await start_child(
            f"{hosted.function.logical_id}/{environment_id}",
            runtime_command(hosted),
            environment=process_environment(hosted, runtime_api, environment_id),
            working_directory=hosted.code.task_root,
        )
        ready = asyncio.get_running_loop().create_future()
        environment = cls(environment_id, hosted, child, started_at_s, ready)
        stdout = child.process.stdout
        if stdout is None:
            raise RuntimeError("an environment's output is always piped")
        environment.pump = asyncio.create_task(log.pump(stdout))
        return environment

    def assign(self, invocation: Invocation) -> None:
        """Assign an invocation to an idle environment."""
        self.state = "busy"
        self.current = invocation
        self.invocations += 1
        if not invocation.assigned.done():
            invocation.assigned.set_result(None)
        if self._next is not None and not self._next.done():
            self._next.set_result(invocation)

    def wait_for_invocation(self) -> "asyncio.Future[Invocation | None]":
        """Return the next invocation for the runtime, or None when the environment ends."""
        if self.init_ms is None:
            self.init_ms = (time.monotonic() - self.started_at_s) * 1000
        self._next = asyncio.get_running_loop().create_future()
        self.state = "idle"
        if not self.ready.done():
            self.ready.set_result(None)
        return self._next

    def finish(self, request_id: str, result: InvocationResult) -> bool:
        """Record the runtime's answer; return False if no such invocation is in progress."""
        invocation = self.current
        if invocation is None or invocation.request_id != request_id:
            return False
        self.current = None
        if not invocation.result.done():
            invocation.result.set_result(result)
        return True

    def end(self) -> None:
        """Record that the process has ended, and release a waiting request for work."""
        self.state = "ended"
        if self._next is not None and not self._next.done():
            self._next.set_result(None)

    def max_memory_mb(self) -> float:
        """Return the peak resident memory in MiB; 0 if the process has ended or without Linux."""
        try:
            status = Path(f"/proc/{self.child.pid}/status").read_text()
        except OSError:
            return 0.0
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def info(self) -> EnvironmentInfo:
        return EnvironmentInfo(
            self.environment_id,
            self.hosted.function.logical_id,
            self.child.pid,
            self.state,
            self.init_ms,
            self.invocations,
        )
