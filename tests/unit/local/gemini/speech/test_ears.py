"""The pool of decoders, where one of them dies, and the utterances that need none."""

import asyncio
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from local.gemini.speech import ears
from local.gemini.speech.ears import Ears, EarsClosed
from local.gemini.speech.utterance_cache import UtteranceCache

pytestmark = pytest.mark.unit


class Decoder:
    """Stands in for a decoder process that prints ``answers``, line by line."""

    def __init__(self, *answers: bytes) -> None:
        self.stdin, self.stdout = self, self
        self.is_dead = False
        self.taken: list[bytes] = []
        self.returncode: int | None = None
        self._answers = deque(answers)

    def write(self, frame: bytes) -> None:
        if self.is_dead:
            raise BrokenPipeError
        self.taken.append(frame)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    async def readline(self) -> bytes:
        return self._answers.popleft()

    async def wait(self) -> int:
        self.returncode = -9
        return self.returncode

    def kill(self) -> None:
        self.is_dead = True


def test_a_decoder_that_died_is_replaced_as_soon_as_it_takes_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
):
    ready, heard = b'{"ready": true}\n', b'{"text": "hello"}\n'
    first, second = Decoder(ready), Decoder(ready, heard)
    waiting: deque[Any] = deque([first, second])

    async def start() -> Any:
        return waiting.popleft()

    monkeypatch.setattr(ears, "_start_decoder", start)

    async def main() -> str:
        pool = Ears(1)
        await pool.start()
        first.is_dead = True
        lost = pool.open()
        lost.end()
        with pytest.raises(EarsClosed):
            await lost.text()
        hearing = pool.open()
        hearing.end()
        text = await hearing.text()
        await pool.close()
        return text

    assert asyncio.run(main()) == "hello"


def test_the_same_samples_are_decoded_once_and_others_for_themselves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    words = [b'{"text": "hello"}\n', b'{"text": ""}\n']
    decoder = Decoder(b'{"ready": true}\n', *words)

    async def start() -> Any:
        return decoder

    monkeypatch.setattr(ears, "_start_decoder", start)

    async def main() -> tuple[list[str], int]:
        pool = Ears(1, UtteranceCache(tmp_path / "utterances"))
        await pool.start()

        async def hear(*chunks: bytes, is_dropped: bool = False) -> str:
            hearing = pool.open()
            for chunk in chunks:
                hearing.feed(chunk)
            if is_dropped:
                hearing.drop()
            else:
                hearing.end()
            return await hearing.text()

        heard = [
            await hear(b"said", is_dropped=True),
            await hear(b"sa", b"id"),
            await hear(b"said"),
            await hear(b"sai", b"e"),
            await hear(b"saie"),
        ]
        await pool.close()
        return heard, len([frame for frame in decoder.taken if frame.startswith(b"E")])

    assert asyncio.run(main()) == (["", "hello", "hello", "", ""], 2)
