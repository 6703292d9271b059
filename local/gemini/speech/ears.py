"""A pool of recognizer processes, each of which recognizes one utterance at a time."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from local.gemini.speech.transcripts import Transcripts

PROJECT_ROOT = Path(__file__).resolve().parents[3]


class EarsClosed(Exception):
    """A recognizer process has ended, so the utterance cannot be recognized."""


class NoRecognizer(Exception):
    """This machine has no speech recognizer, so speech is not recognized."""


def has_recognizer() -> bool:
    """Return whether the recognizer's package is installed; it has no wheel for some machines."""
    return find_spec("moonshine_voice") is not None


class Ears:
    """Owns the recognizer processes.

    Args:
        processes: The number of processes.
        transcripts: The words of recordings, which need no recognizer.
    """

    def __init__(self, processes: int = 2, transcripts: Transcripts | None = None) -> None:
        self._count = processes
        self._transcripts = transcripts
        self._all: list[Process] = []
        self._free: asyncio.Queue[Process] = asyncio.Queue()
        self._hearings: set[asyncio.Task[str]] = set()

    async def start(self) -> None:
        """Start the processes, if there is a recognizer, and wait until each has its model.

        Raises:
            EarsClosed: A process ended.
        """
        if not has_recognizer():
            self._count = 0
        self._all = [await _start_decoder() for _ in range(self._count)]
        for process in self._all:
            await _read(process)
            self._free.put_nowait(process)

    async def close(self) -> None:
        """Stop every process and wait for its end."""
        for task in self._hearings:
            task.cancel()
        await asyncio.gather(*self._hearings, return_exceptions=True)
        for process in self._all:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._all = []

    def hear(self, pcm: bytes) -> asyncio.Task[str]:
        """Recognize an utterance of PCM16 mono 16 kHz.

        The task returns its words, "" without any. It raises EarsClosed if the process ends, and
        NoRecognizer without a recognizer.
        """
        hearing = asyncio.create_task(self._recognize(pcm))
        self._hearings.add(hearing)
        hearing.add_done_callback(self._done)
        return hearing

    async def _recognize(self, pcm: bytes) -> str:
        if self._transcripts and (words := self._transcripts.find(pcm)) is not None:
            return words
        if not self._all:
            raise NoRecognizer
        process = await self._free.get()
        try:
            await _send(process, pcm)
            return str((await _read(process))["text"])
        except EarsClosed:
            process = await self._replace(process)
            raise
        finally:
            self._free.put_nowait(process)

    async def _replace(self, process: Process) -> Process:
        """Start a process in the place of one that has closed its input or output."""
        await process.wait()
        self._all.remove(process)
        process = await _start_decoder()
        self._all.append(process)
        await _read(process)
        return process

    def _done(self, task: asyncio.Task[str]) -> None:
        self._hearings.discard(task)
        if not task.cancelled():
            task.exception()  # read here too, because the end of a connection awaits no task


async def _start_decoder() -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "local.gemini.speech.decoder",
        stdin=PIPE,
        stdout=PIPE,
        cwd=PROJECT_ROOT,
    )


async def _send(process: Process, pcm: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - opened with PIPE
    try:
        process.stdin.write(len(pcm).to_bytes(4, "little") + pcm)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError) as error:
        raise EarsClosed("a recognizer process ended") from error


async def _read(process: Process) -> dict[str, object]:
    assert process.stdout is not None  # noqa: S101 - opened with PIPE
    line = await process.stdout.readline()
    if not line:
        raise EarsClosed("a recognizer process ended")
    answer: dict[str, object] = json.loads(line)
    return answer
