"""The pool of decoders, where one of them dies."""

import asyncio
from collections import deque
from typing import Any

import pytest

from local.gemini import ears
from local.gemini.ears import Ears, EarsClosed

pytestmark = pytest.mark.unit


class Decoder:
    """Stands for a decoder process; ``answers`` is what it prints, line by line."""

    def __init__(self, *answers: bytes) -> None:
        self.stdin, self.stdout = self, self
        self.is_dead = False
        self.returncode: int | None = None
        self._answers = deque(answers)

    def write(self, _frame: bytes) -> None:
        if self.is_dead:
            raise BrokenPipeError

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
