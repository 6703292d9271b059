"""A pool of decoder processes, and the recognition of one utterance."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

from local.gemini.speech.decoder import HEADER
from local.gemini.speech.transcripts import Transcripts
from local.gemini.speech.utterance_cache import UtteranceCache

PROJECT_ROOT = Path(__file__).resolve().parents[3]


class EarsClosed(Exception):
    """A decoder process has ended, so the utterance cannot be recognized."""


class Hearing:
    """The recognition of one utterance, created by ``Ears.open``.

    Samples that are fed before a decoder is free wait in order.
    """

    def __init__(self, ears: "Ears") -> None:
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._dropped = False
        self._task = asyncio.create_task(self._run(ears))

    def feed(self, pcm: bytes) -> None:
        """Add PCM16 mono 16 kHz."""
        self._chunks.put_nowait(pcm)

    def end(self) -> None:
        """Mark the utterance as complete; ``text`` then returns its words."""
        self._chunks.put_nowait(None)

    async def text(self) -> str:
        """Return the recognized words after the utterance is complete and decoded.

        Raises:
            EarsClosed: The decoder process has ended.
        """
        return await asyncio.shield(self._task)

    def drop(self) -> None:
        """Drop the utterance and free its decoder."""
        self._dropped = True
        self._chunks.put_nowait(None)

    async def _run(self, ears: "Ears") -> str:
        if ears.cache is None and ears.transcripts is None:
            return await self._decode(ears)
        chunks = []
        while (chunk := await self._chunks.get()) is not None:
            chunks.append(chunk)
        pcm = b"".join(chunks)
        if self._dropped:
            return ""
        for known in (ears.transcripts, ears.cache):
            if known is not None and (words := known.find(pcm)) is not None:
                return words
        self.feed(pcm)
        self.end()
        words = await self._decode(ears)
        if ears.cache is not None and not self._dropped:
            ears.cache.keep(pcm, words)
        return words

    async def _decode(self, ears: "Ears") -> str:
        decoder = await ears.take()
        is_alive = True
        try:
            await _send(decoder, b"S")
            while (chunk := await self._chunks.get()) is not None:
                await _send(decoder, b"A", chunk)
            if self._dropped:
                await _send(decoder, b"X")
                return ""
            await _send(decoder, b"E")
            return str((await _read(decoder))["text"])
        except EarsClosed:
            is_alive = False
            raise
        finally:
            await ears.give_back(decoder, is_alive=is_alive)


class Ears:
    """Owns the decoder processes; each serves one utterance at a time.

    Args:
        processes: The number of processes.
        cache: The words of earlier utterances.
        transcripts: The words of recordings, which are not decoded. With transcripts or a cache,
            an utterance is decoded after its end, not while it arrives.
    """

    def __init__(
        self,
        processes: int = 2,
        cache: UtteranceCache | None = None,
        transcripts: Transcripts | None = None,
    ) -> None:
        self.cache = cache
        self.transcripts = transcripts
        self._count = processes
        self._all: list[Process] = []
        self._free: asyncio.Queue[Process] = asyncio.Queue()
        self._hearings: set[asyncio.Task[str]] = set()

    async def start(self) -> None:
        """Start the processes and wait until each has loaded its model."""
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

    def open(self) -> Hearing:
        """Begin an utterance."""
        hearing = Hearing(self)
        self._hearings.add(hearing._task)
        hearing._task.add_done_callback(self._done)
        return hearing

    async def take(self) -> Process:
        """Wait for a free decoder."""
        return await self._free.get()

    async def give_back(self, process: Process, *, is_alive: bool) -> None:
        """Free a decoder for the next utterance; replace one that has ended.

        A write may fail before the process has ended, so this waits for its end.
        """
        if not is_alive:
            await process.wait()
            self._all.remove(process)
            process = await _start_decoder()
            self._all.append(process)
            await _read(process)
        self._free.put_nowait(process)

    def _done(self, task: asyncio.Task[str]) -> None:
        self._hearings.discard(task)
        if not task.cancelled():
            task.exception()  # read here too, because a dropped hearing is never awaited


async def _start_decoder() -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "local.gemini.speech.decoder",
        stdin=PIPE,
        stdout=PIPE,
        cwd=PROJECT_ROOT,
    )


async def _send(process: Process, kind: bytes, payload: bytes = b"") -> None:
    assert process.stdin is not None  # noqa: S101 - opened with PIPE
    try:
        process.stdin.write(HEADER.pack(kind, len(payload)) + payload)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError) as error:
        raise EarsClosed("a decoder process ended") from error


async def _read(process: Process) -> dict[str, object]:
    assert process.stdout is not None  # noqa: S101 - opened with PIPE
    line = await process.stdout.readline()
    if not line:
        raise EarsClosed("a decoder process ended")
    answer: dict[str, object] = json.loads(line)
    return answer
