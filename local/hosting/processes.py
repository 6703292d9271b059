"""Child processes that end with the program that started them, however it ends."""

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
    """A child process ended, or was not ready in time; the message carries the tail of its log."""


@dataclass(slots=True)
class ChildProcess:
    """One running child. Whoever starts it stops it."""

    name: str
    process: asyncio.subprocess.Process
    log_path: Path | None = None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process.returncode is None

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the child's log, "" without one."""
        if self.log_path is None or not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def failed(self, reason: str) -> ChildFailedError:
        """An error that says what went wrong and shows the end of the log."""
        return ChildFailedError(f"{self.name} {reason}\n--- end of its log ---\n{self.log_tail()}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child alone; a child that has ended is left in peace."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def stop(self, grace_s: float = 3.0) -> None:
        """Ask the child to end, kill what is left of its process group, and wait for it."""
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
) -> ChildProcess:
    """Start ``command`` in a process group of its own, tied to this process's life.

    Args:
        name: What messages call it.
        command: Program and arguments.
        environment: Its whole environment; nothing is inherited.
        log_path: Where standard error (and output, unless piped) is appended; None gives both
            to one pipe.
        working_directory: Where it runs; None for here.
        pipe_output: Standard output is readable at ``process.stdout``.
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
        )
    finally:
        if log is not None:
            log.close()
    return ChildProcess(name, process, log_path)
