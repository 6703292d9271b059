"""Tests the refusals, limits and message order of a deployed WebSocket API.

Each connection continues the user's latest conversation and takes it over from the previous one, so
use a test user.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from ops.finding import Finding, compared, judged, noted
from repartee.adapters.wire.version import MAX_FRAME_BYTES, PROTOCOL_VERSION
from repartee_client.access import HttpApiClient, SessionTicket

_ANSWER_S = 30.0
_SUBPROTOCOL = Subprotocol("repartee.v1")
_FORGED = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"
_QUESTION = "Please count slowly from one to ten."


async def findings(api: HttpApiClient) -> list[Finding]:
    """Run all tests, in about half a minute.

    Raises:
        VoiceClientError: The API refused the ticket.
    """
    ticket = await api.start_session()
    address = ticket.url.partition("?")[0]
    return [
        compared("a connection without a ticket is answered 401", await _status(address), 401),
        compared(
            "a forged ticket is answered 403", await _status(f"{address}?ticket={_FORGED}"), 403
        ),
        compared(
            "an origin that is not listed is answered 403",
            await _status(ticket.url, origin="https://not-listed.invalid"),
            403,
        ),
        *await _first_call(ticket),
        compared("a used ticket is answered 403", await _status(ticket.url), 403),
        compared("a binary frame closes the connection", await _close_code(api, b"\x00\x01"), 1003),
        compared(
            f"a frame above {MAX_FRAME_BYTES} bytes closes the connection",
            await _close_code(api, json.dumps({"type": "ping", "x": "x" * MAX_FRAME_BYTES})),
            1009,
        ),
        *await _order(await api.start_session()),
    ]


async def _status(url: str, origin: str | None = None) -> int:
    """Return the handshake's HTTP status; 101 if it succeeded."""
    try:
        async with connect(url, origin=origin, proxy=None):  # type: ignore[arg-type]  # a NewType
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def _first_call(ticket: SessionTicket) -> list[Finding]:
    async with connect(ticket.url, subprotocols=[_SUBPROTOCOL], proxy=None) as socket:
        sent_at_s = time.monotonic()
        ready = await _greet(socket)
        took_ms = (time.monotonic() - sent_at_s) * 1_000
        return [
            compared("the offered subprotocol is accepted", socket.subprotocol, _SUBPROTOCOL),
            compared(
                "the authorizer's context reaches $default",
                (ready["session_id"], ready["conversation_id"]),
                (ticket.session_id, ticket.conversation_id),
            ),
            noted("a post succeeds right after $connect, in ms", f"{took_ms:.0f}"),
        ]


async def _greet(socket: ClientConnection) -> dict[str, Any]:
    await socket.send(json.dumps({"type": "hello", "seq": 1, "protocol": PROTOCOL_VERSION}))
    async with asyncio.timeout(_ANSWER_S):
        while True:
            fields: dict[str, Any] = json.loads(await socket.recv())
            if fields.get("type") == "ready":
                return fields


async def _close_code(api: HttpApiClient, frame: str | bytes) -> int:
    """Return the close code that the server sends after ``frame``; 0 if it does not close."""
    ticket = await api.start_session()
    async with connect(ticket.url, proxy=None) as socket:
        try:
            await socket.send(frame)
            async with asyncio.timeout(_ANSWER_S):
                while True:
                    await socket.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            return 0


async def _order(ticket: SessionTicket) -> list[Finding]:
    """Cause many posts of the worker in a row, and compare the order of their arrival."""
    numbers: list[int] = []
    async with connect(ticket.url, proxy=None) as socket:
        await _greet(socket)
        await socket.send(json.dumps({"type": "text", "seq": 2, "text": _QUESTION}))
        try:
            async with asyncio.timeout(_ANSWER_S):
                while True:
                    fields = json.loads(await socket.recv())
                    if "epoch" in fields:
                        numbers.append(fields["seq"])
                    if fields.get("type") == "turn_end":
                        break
        except (TimeoutError, ConnectionClosed):
            return [judged("a typed question is answered", False, f"{len(numbers)} frames only")]
    early = out_of_order(numbers)
    return [judged(f"{len(numbers)} posts in a row arrive in order", not early, f"{early} early")]


def out_of_order(numbers: Sequence[int]) -> int:
    """Return how many numbers precede a lower one."""
    return sum(
        number > min(numbers[index + 1 :], default=number) for index, number in enumerate(numbers)
    )
