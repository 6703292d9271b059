"""A stand-in for the module ``sounddevice``: its devices run by the clock of the event loop."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

BLOCK_S = 0.01
LATENCY_S = 0.02


class PortAudioError(Exception):
    pass


class Stream:
    def __init__(self, block_s: float, call: Callable[["Stream"], None]) -> None:
        self._block_s = block_s
        self._call = call
        self.is_closed = False

    @property
    def time(self) -> float:
        return asyncio.get_running_loop().time()

    def __enter__(self) -> Self:
        self.task = asyncio.get_running_loop().create_task(self._run())
        return self

    def __exit__(self, *_: object) -> None:
        self.task.cancel()
        self.is_closed = True

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._block_s)
            self._call(self)


class FakeSoundDevice:
    """The module.

    Attributes:
        speech: The sound at the microphone, which is unplugged after it.
        heard: What the speaker has played, silence included.
        missing: ``input`` or ``output`` if there is no such device.
        streams: The streams that were opened.
    """

    PortAudioError = PortAudioError

    def __init__(self, speech: bytes = b"", *, missing: str = "") -> None:
        self.speech = speech
        self.heard = bytearray()
        self.missing = missing
        self.streams: list[Stream] = []

    def check_input_settings(self, **_: Any) -> None:
        if self.missing == "input":
            raise PortAudioError("Error querying device -1")

    def check_output_settings(self, **_: Any) -> None:
        if self.missing == "output":
            raise PortAudioError("Error querying device -1")

    def RawOutputStream(  # noqa: N802 - the module's name
        self, *, callback: Callable[..., None], samplerate: int, **_: Any
    ) -> Stream:
        def call(stream: Stream) -> None:
            out = bytearray(round(BLOCK_S * samplerate) * 2)
            at = SimpleNamespace(outputBufferDacTime=stream.time + LATENCY_S)
            callback(memoryview(out), len(out) // 2, at, None)
            self.heard += out

        return self._open(BLOCK_S, call)

    def RawInputStream(  # noqa: N802 - the module's name
        self,
        *,
        callback: Callable[..., None],
        finished_callback: Callable[[], None],
        blocksize: int,
        samplerate: int,
        **_: Any,
    ) -> Stream:
        def call(stream: Stream) -> None:
            speech, self.speech = self.speech[: blocksize * 2], self.speech[blocksize * 2 :]
            if speech:
                callback(memoryview(speech), len(speech) // 2, None, None)
            else:
                stream.task.cancel()
                finished_callback()

        return self._open(blocksize / samplerate, call)

    def _open(self, block_s: float, call: Callable[[Stream], None]) -> Stream:
        self.streams.append(Stream(block_s, call))
        return self.streams[-1]
