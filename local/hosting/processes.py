"""Child processes that always end with the program that started them."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.hosting import lifeline

_LIFELINE = str(Path(lifeline.__file__).resolve())


class ChildFailedError(RuntimeError):
    """A child process ended or was not ready in time; the message holds the end of its log."""


@dataclass(slots=True)
class ChildProcess:
    """One running child. The code that starts it also stops it."""

    name: str
    process: asyncio.subprocess.Process
    log_path: Path | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    def failed(self, reason: str) -> ChildFailedError:
        """Return an error with the reason and the end of the log."""
        tail = ""
        if self.log_path is not None and self.log_path.exists():
            tail = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-20:])
        return ChildFailedError(f"{self.name} {reason}\n--- end of its log ---\n{tail}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child alone; do nothing if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def stop(self, grace_s: float = 3.0) -> None:
        """Ask the child to end, then kill the rest of its process group and wait for it."""
        if self.running:
            self.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), grace_s)
        await self.kill()

    async def kill(self) -> None:
        """Kill the child and its process group at once, and wait for it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


async def start_child(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log_path: Path | None = None,
    working_directory: Path | None = None,
    pipe_output: bool = False,
    pass_fds: Sequence[int] = (),
) -> ChildProcess:
    """Start ``command`` in a new process group that ends with this process.

    Only the owner may read the files that the child creates.

    Args:
        name: The name of the child in messages.
        command: Program and arguments.
        environment: The whole environment; the child inherits nothing.
        log_path: The file that gets standard error, and standard output unless it is piped; None
            sends both to one pipe.
        working_directory: The working directory of the child; None for the current one.
        pipe_output: Whether standard output is readable at ``process.stdout``.
        pass_fds: Further descriptors that the child inherits.
    """
    watched = sys.platform != "linux"
    anchor = ["--watch"] if watched else [str(os.getpid())]
    launcher = [sys.executable, "-I", "-S", _LIFELINE, *anchor]
    log = log_path.open("ab") if log_path is not None else None
    try:
        process = await asyncio.create_subprocess_exec(
            *launcher,
            *command,
            env=dict(environment),
            cwd=working_directory,
            stdin=asyncio.subprocess.PIPE if watched else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if pipe_output or log is None else log,
            stderr=asyncio.subprocess.STDOUT if log is None else log,
            start_new_session=True,
            pass_fds=pass_fds,
            umask=0o077,
        )
    finally:
        if log is not None:
            log.close()
    return ChildProcess(name, process, log_path)
