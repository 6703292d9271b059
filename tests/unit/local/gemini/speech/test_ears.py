"""The pool of recognizer processes, where one of them dies."""

import asyncio
import sys
from collections import deque
from typing import Any

import pytest

from local.gemini.speech import ears
from local.gemini.speech.ears import Ears, EarsClosed, NoRecognizer

pytestmark = pytest.mark.unit

READY, HELLO = b'{"ready": true}\n', b'{"text": "Hello."}\n'


class RecognizerProcess:
    """Stands in for a process that prints ``answers``, line by line."""

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
        return self._answers.popleft() if self._answers else b""

    async def wait(self) -> int:
        self.returncode = -9
        return self.returncode

    def kill(self) -> None:
        self.is_dead = True


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> deque[Any]:
    """Return a queue of the processes that start, in order."""
    waiting: deque[Any] = deque()

    async def start() -> Any:
        return waiting.popleft()

    monkeypatch.setattr(ears, "_start_decoder", start)
    return waiting


def test_a_process_takes_an_utterance_whole_with_its_length(started: deque[Any]) -> None:
    process = RecognizerProcess(READY, HELLO)
    started.append(process)

    async def main() -> str:
        pool = Ears(1)
        await pool.start()
        words = await pool.hear(b"said")
        await pool.close()
        return words

    assert asyncio.run(main()) == "Hello."
    assert process.taken == [b"\x04\x00\x00\x00said"]


@pytest.mark.parametrize("dies", ["before it reads", "before it answers"])
def test_a_process_that_died_is_replaced(started: deque[Any], dies: str) -> None:
    first, second = RecognizerProcess(READY), RecognizerProcess(READY, HELLO)
    started.extend([first, second])

    async def main() -> str:
        pool = Ears(1)
        await pool.start()
        first.is_dead = dies == "before it reads"
        with pytest.raises(EarsClosed):
            await pool.hear(b"lost")
        words = await pool.hear(b"said")
        await pool.close()
        return words

    assert asyncio.run(main()) == "Hello."


def test_an_utterance_waits_for_a_free_process(started: deque[Any]) -> None:
    process = RecognizerProcess(READY, HELLO, b'{"text": "Goodbye."}\n')
    started.append(process)

    async def main() -> list[str]:
        pool = Ears(1)
        await pool.start()
        words = [await one for one in (pool.hear(b"one"), pool.hear(b"two"))]
        await pool.close()
        return words

    assert asyncio.run(main()) == ["Hello.", "Goodbye."]


def test_a_machine_without_the_recognizer_starts_no_process_and_says_so(
    started: deque[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "moonshine_voice", None)

    async def main() -> None:
        pool = Ears(2)
        await pool.start()
        with pytest.raises(NoRecognizer):
            await pool.hear(b"said")
        await pool.close()

    asyncio.run(main())
