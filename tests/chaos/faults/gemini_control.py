"""Controls the Gemini simulator, and follows its records."""

import asyncio
import json
import shutil
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from local.hosting.programs import GeminiSimulator

_POLL_INTERVAL_S = 0.01


class GeminiControl(AbstractAsyncContextManager["GeminiControl"]):
    """A client of the simulator's control API; an asynchronous context manager."""

    def __init__(self, simulator: GeminiSimulator) -> None:
        self._url = f"{simulator.url}/control"
        self._ca_file = simulator.ca_file
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=str(self._ca_file))
        connector = aiohttp.TCPConnector(ssl=context)
        self._client = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def order(self, **fault: object) -> int:
        """Order a fault; return the number of open connections that it affected at once."""
        return len((await self._call("POST", "/faults", fault))["struck"])

    async def waiting(self) -> set[str]:
        """Return the kinds of ordered faults that have not occurred."""
        return {one["kind"] for one in (await self._call("GET", "/faults"))["waiting"]}

    async def consumed(self) -> Counter[str]:
        """Return how often each kind of fault has occurred since the simulator started."""
        return Counter((await self._call("GET", "/faults"))["consumed"])

    async def clear(self) -> None:
        """Withdraw the ordered faults that have not occurred."""
        await self._call("DELETE", "/faults")

    async def _call(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        if self._client is None:
            raise RuntimeError("not entered")
        async with self._client.request(method, self._url + path, json=body) as response:
            response.raise_for_status()
            answer: dict[str, Any] = await response.json()
            return answer


@dataclass(slots=True)
class _Tail:
    path: Path
    offset: int = 0


type SeenEvent = Callable[[Mapping[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class RecordWatch:
    """Follows the simulator's records of new connections.

    Attributes:
        folder: The folder of the records.
        seen: Called with each event soon after the simulator recorded it.
    """

    folder: Path
    seen: SeenEvent
    _tails: dict[str, _Tail] = field(default_factory=dict)
    _known: frozenset[str] = frozenset()

    def start(self) -> None:
        """Ignore the existing records from now on."""
        self._known = frozenset(self._names())

    def new_connections(self) -> list[Path]:
        """Return the folders of the connections since ``start``, oldest first."""
        return [self.folder / name for name in self._names() if name not in self._known]

    def forget(self) -> None:
        """Delete the records of ended connections since ``start``."""
        for folder in self.new_connections():
            if b'"connection_ended"' in (folder / "events.jsonl").read_bytes():
                shutil.rmtree(folder)

    async def run(self) -> None:
        """Follow the records until cancelled."""
        while True:
            for folder in self.new_connections():
                tail = self._tails.setdefault(folder.name, _Tail(folder / "events.jsonl"))
                for event in _new_events(tail):
                    await self.seen(event)
            await asyncio.sleep(_POLL_INTERVAL_S)

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        return sorted(one.name for one in self.folder.iterdir())


def _new_events(tail: _Tail) -> list[dict[str, Any]]:
    if not tail.path.exists():
        return []
    with tail.path.open("rb") as file:
        file.seek(tail.offset)
        text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    tail.offset += len(whole)
    return [json.loads(line) for line in whole.splitlines()]
