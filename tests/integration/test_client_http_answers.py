"""``connect`` to servers that are not Repartee, and with tokens that are none."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from repartee_client import connect
from repartee_client.access import Token
from repartee_client.errors import (
    AccessRefusedError,
    BadServerMessageError,
    InvalidUrlError,
    UnusableTokenError,
    VoiceClientError,
)
from repartee_client.http_requests import request_json

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

TICKET = {"session_id": "s", "conversation_id": "c", "ticket": "SECRET", "features": []}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


Write = Callable[[bytes], object]


@contextmanager
def http_server(
    answer: bytes | Callable[[Write], None], status: int = 201, **headers: str
) -> Iterator[str]:
    """Serve one answer on every path; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            try:
                answer(self.wfile.write) if callable(answer) else self.wfile.write(answer)
            except OSError:
                return

        def log_message(self, *_arguments: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


async def failure(url: str, given: Token = "t") -> VoiceClientError:
    with pytest.raises(VoiceClientError) as raised:
        async with connect(url, token=given):
            pass
    return raised.value


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        json.dumps({**TICKET, "url": "ws://127.0.0.1:9/", "features": None}).encode(),
        b"[" * 100_000,
        b"\xff",
        b" " * (17 * 1_024 * 1_024),
    ],
    ids=lambda answer: repr(answer[:20]),
)
async def test_an_answer_of_another_server_is_an_error_of_the_client(answer):
    with http_server(answer) as url:
        assert isinstance(await failure(url), BadServerMessageError)


@pytest.mark.parametrize("url", [5, "ws://127.0.0.1:9/?ticket=SECRET#x", "ws://127.0.0.1:9/\ud800"])
async def test_an_address_of_a_session_that_is_none_is_refused_without_its_ticket(url):
    with http_server(json.dumps({**TICKET, "url": url}).encode()) as api:
        error = await failure(api)
    assert isinstance(error, InvalidUrlError)
    assert "SECRET" not in str(error)


async def test_a_redirect_is_refused_and_a_senseless_time_to_wait_is_ignored():
    with http_server(b"", 302, Location="http://127.0.0.1:9/", Retry_After="9" * 5_000) as url:
        error = await failure(url)
    assert isinstance(error, AccessRefusedError)
    assert (error.status, error.retry_after_s) == (302, None)


async def test_an_answer_that_comes_byte_by_byte_is_not_read_for_ever():
    is_refused = threading.Event()

    def drip(write: Write) -> None:
        try:
            while True:
                write(b" ")
                time.sleep(0.02)
        except OSError:
            is_refused.set()
            raise

    with http_server(drip) as url:
        with pytest.raises(VoiceClientError, match=r"no answer in 0\.3 s"):
            await request_json("ticket", "POST", url, timeout_s=0.3)
        assert is_refused.wait(2), "the client's thread still reads"


@pytest.mark.parametrize("url", ["http://localhost:9/é", "http://localhost:9/\ud800"])
async def test_an_address_that_http_cannot_carry_is_an_invalid_url(url):
    assert isinstance(await failure(url), InvalidUrlError)


TOKENS: list[Any] = [
    "",
    "SECRET\n",
    "SECRET\r\nX: y",
    "SECRETé",
    "SECRET\u20ac",
    5,
    b"SECRET",
    None,
]


@pytest.mark.parametrize("token", [*TOKENS, lambda: None, lambda: "SECRET\n"])
async def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token):
    error = await failure("http://localhost:9", token)
    assert isinstance(error, UnusableTokenError)
    assert "SECRET" not in repr(error)


async def test_the_error_of_a_token_function_ends_connect():
    class LoginRequiredError(Exception):
        pass

    def refuse() -> str:
        raise LoginRequiredError

    with pytest.raises(LoginRequiredError):
        async with connect("http://localhost:9", token=refuse):
            pass


async def test_a_token_function_that_raises_stop_iteration_does_not_hang():
    with pytest.raises(RuntimeError, match="StopIteration"):
        async with connect("http://localhost:9", token=iter(()).__next__):
            pass
