"""How long and how often a call tries to come back, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest
from websockets.asyncio.client import ClientConnection

from repartee.adapters.wire.encoding import encode
from repartee.domain.protocol.answers import Ready
from repartee.domain.protocol.frames import NumberedFrame, SessionClosed
from repartee_client import events
from repartee_client.call import Call
from repartee_client.errors import AccessRefusedError, ConnectionLostError, UnreachableError
from repartee_client.protocol.session import ClientSession
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

READY = encode(Ready("S", "C", chunk_ms=200, grace_s=30))
BYE = encode(NumberedFrame(1, 1, SessionClosed("bye")))


@dataclass
class FakeLine:
    """A connection that delivers some frames and ends."""

    frames: tuple[str, ...]
    close_code: int = 1006
    close_reason: str = ""
    transport: Any = field(default_factory=lambda: SimpleNamespace(abort=lambda: None))

    async def send(self, _text: str) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    async def __aiter__(self) -> AsyncIterator[str]:
        for frame in self.frames:
            yield frame


@dataclass
class Doors:
    """Opens the first line, fails until ``opens_at_s``, and then opens the last line."""

    fails: Callable[[], Exception]
    opens_at_s: float
    tried_at_s: list[float] = field(default_factory=list)

    async def open(self) -> ClientConnection:
        at_s = asyncio.get_running_loop().time()
        self.tried_at_s.append(at_s)
        if len(self.tried_at_s) == 1:
            return cast(ClientConnection, FakeLine((READY,)))
        if at_s < self.opens_at_s:
            raise self.fails()
        return cast(ClientConnection, FakeLine((READY, BYE)))


async def events_of(doors: Doors, reconnect_for_s: float = 120.0) -> list[events.Event]:
    call = Call(doors.open, ClientSession(), reconnect_for_s=reconnect_for_s)
    async with call.served():
        return [event async for event in call]


def unreachable() -> Exception:
    return UnreachableError("cannot reach it")


@in_virtual_time
async def test_a_call_survives_a_network_that_is_away_for_a_minute():
    doors = Doors(unreachable, opens_at_s=60.0)

    found = await events_of(doors)

    kinds = [type(event) for event in found]
    assert kinds == [events.Ready, events.Reconnecting, events.Reconnected, events.Closed]
    pauses = [after - before for before, after in pairwise(doors.tried_at_s)]
    assert max(pauses[:1]) <= 0.2, "a line often comes back at once"
    assert max(pauses) <= 10
    assert len(pauses) < 20


@in_virtual_time
async def test_a_call_gives_up_with_an_error_that_says_what_to_do():
    doors = Doors(unreachable, opens_at_s=1_000.0)
    with pytest.raises(ConnectionLostError, match="within 40 s: return with the session's id"):
        await events_of(doors, reconnect_for_s=40.0)
    assert doors.tried_at_s[-1] + 10 >= 40
    assert doors.tried_at_s[-1] <= 50


@pytest.mark.parametrize("status", [429, 500, 503])
@in_virtual_time
async def test_a_busy_or_failing_server_is_asked_again(status: int):
    doors = Doors(lambda: AccessRefusedError("ticket", status, "later"), opens_at_s=20.0)
    assert (await events_of(doors))[-1] == events.Closed("bye")


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, "session_unknown", "session_ended"),
        (409, "session_ended", "session_ended"),
        (403, "user_erased", "erased"),
    ],
)
@in_virtual_time
async def test_a_session_that_ended_meanwhile_is_closed(status: int, code: str, reason: str):
    doors = Doors(lambda: AccessRefusedError("ticket", status, "no", code=code), opens_at_s=20.0)
    assert (await events_of(doors))[-1] == events.Closed(reason)
    assert len(doors.tried_at_s) == 2


@pytest.mark.parametrize(("status", "attempts"), [(401, 1), (403, 2), (422, 1)])
@in_virtual_time
async def test_a_refusal_ends_the_call(status: int, attempts: int):
    doors = Doors(lambda: AccessRefusedError("ticket", status, "no"), opens_at_s=20.0)
    with pytest.raises(AccessRefusedError, match=str(status)):
        await events_of(doors)
    assert len(doors.tried_at_s) == 1 + attempts


@in_virtual_time
async def test_lines_that_open_and_break_at_once_do_not_go_on_for_ever():
    async def open_line() -> ClientConnection:
        return cast(ClientConnection, FakeLine(()))

    call = Call(open_line, ClientSession(), reconnect_for_s=30.0)
    async with call.served():
        assert isinstance(await anext(call), events.Reconnecting)
        with pytest.raises(ConnectionLostError):
            await anext(call)
