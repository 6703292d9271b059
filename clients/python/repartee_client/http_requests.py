"""Sends HTTP requests with JSON answers, with the standard library in a thread."""

import asyncio
import contextlib
import contextvars
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from repartee_client.errors import (
    AccessRefusedError,
    BadServerMessageError,
    DailyLimitReachedError,
    InvalidUrlError,
    UnreachableError,
    VoiceClientError,
)

TIMEOUT_S = 30.0
_MAX_ANSWER_BYTES = 16 * 1_024 * 1_024
"""More than API Gateway sends."""
_READ_BYTES = 64 * 1_024
_MAX_REASON_CHARACTERS = 200
_MAX_WAIT_DIGITS = 6

_T = TypeVar("_T")


def check_url(url: str, *, encrypted: str, plain: str) -> None:
    """Refuse a URL that is not absolute, or that would send a token or ticket unencrypted.

    Args:
        url: The URL.
        encrypted: The scheme for every host.
        plain: The scheme that is accepted only for addresses of this machine.

    Raises:
        InvalidUrlError: The URL is refused; the message does not contain its query.
    """
    shown = url.partition("?")[0]
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidUrlError(f"invalid URL {shown}: {error}") from error
    if parts.fragment or not (parts.path + parts.query).isascii():
        raise InvalidUrlError(f"invalid URL {shown!a}: it must be ASCII, without a fragment")
    if parts.scheme not in (encrypted, plain) or not host or any(map(str.isspace, url)):
        raise InvalidUrlError(f"invalid URL {shown}: it must begin with {encrypted}://HOST")
    if parts.scheme == plain and not is_loopback(host):
        raise InvalidUrlError(
            f"{shown} is not encrypted: use {encrypted}://; "
            f"{plain}:// is only for servers on this machine"
        )


def is_loopback(host: str | None) -> bool:
    """Return whether ``host`` is this machine."""
    if host is None or host == "localhost":
        return host is not None
    with contextlib.suppress(ValueError):
        return ip_address(host).is_loopback
    return False


async def request_json(
    target: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: Any = None,
    form: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Any:
    """Send one request and return the JSON of its answer; None for an empty one.

    Args:
        target: The requested thing, such as ``ticket``, for errors.
        method: The HTTP method.
        url: The address; redirects are refused.
        headers: Additional headers.
        body: A value to send as JSON.
        form: Fields to send as a form, instead of ``body``.
        timeout_s: The time limit of the whole request.

    Raises:
        AccessRefusedError: The answer's status is not 2xx.
        UnreachableError: No answer came.
        InvalidUrlError: The URL is invalid or not encrypted.
        BadServerMessageError: The answer is not JSON.
    """
    check_url(url, encrypted="https", plain="http")
    data: bytes | None = None
    all_headers = {"Accept": "application/json", **(headers or {})}
    if form is not None:
        data = urlencode(form).encode()
    elif body is not None:
        data = json.dumps(body).encode()
        all_headers["Content-Type"] = "application/json"
    shown = url.partition("?")[0]
    request = Request(url, data, all_headers, method=method)  # noqa: S310 - check_url checks it
    try:
        async with asyncio.timeout(timeout_s):
            answer = await in_thread(lambda: _exchange(target, request, timeout_s))
    except ssl.SSLCertVerificationError as error:
        raise UnreachableError(
            f"cannot reach {shown}: its certificate is not trusted ({error.verify_message}); "
            "the environment variable SSL_CERT_FILE can name a file of trusted authorities"
        ) from error
    except TimeoutError as error:
        raise UnreachableError(f"cannot reach {shown}: no answer in {timeout_s:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"cannot reach {shown}: {error}") from error
    except UnicodeError as error:
        raise InvalidUrlError(f"invalid URL {shown!a}: no host has this name") from error
    try:
        return json.loads(answer) if answer else None
    except (ValueError, RecursionError) as error:
        raise BadServerMessageError(
            f"{shown} did not answer with JSON: is it the address of the HTTP API?"
        ) from error


@contextlib.contextmanager
def expected_form(target: str) -> Iterator[None]:
    """Read an answer of the API in this block.

    Raises:
        BadServerMessageError: The answer lacks a field that the block reads.
    """
    try:
        yield
    except VoiceClientError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise BadServerMessageError(
            f"the answer to the request for {target} does not follow the protocol "
            f"({type(error).__name__}: {error}): is it the address of the HTTP API?"
        ) from error


class _NoRedirects(HTTPRedirectHandler):
    """The API never redirects, and a token must not go to another host."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


def _opener(url: str) -> OpenerDirector:
    handlers = [_NoRedirects(), HTTPSHandler(context=ssl.create_default_context())]
    if is_loopback(urlsplit(url).hostname):
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)


def _exchange(target: str, request: Request, timeout_s: float) -> bytes:
    deadline_s = time.monotonic() + timeout_s
    try:
        with _opener(request.full_url).open(request, timeout=timeout_s) as answer:
            return _read(answer, deadline_s)
    except HTTPError as error:
        with error:
            raise _refusal(target, error, deadline_s) from None
    except URLError as error:
        if isinstance(error.reason, OSError):
            raise error.reason from None
        raise OSError(str(error.reason)) from None


def _read(answer: Any, deadline_s: float) -> bytes:
    """Read a body until the deadline; a socket's time limit starts again with each byte."""
    body = bytearray()
    while part := answer.read1(_READ_BYTES):
        body += part
        if len(body) > _MAX_ANSWER_BYTES:
            raise BadServerMessageError(f"the answer is longer than {_MAX_ANSWER_BYTES:,} bytes")
        if time.monotonic() > deadline_s:
            raise TimeoutError
    if answer.length:
        raise http.client.IncompleteRead(bytes(body), answer.length)
    return bytes(body)


def _refusal(target: str, error: HTTPError, deadline_s: float) -> AccessRefusedError:
    text = ""
    with contextlib.suppress(OSError, http.client.HTTPException, BadServerMessageError):
        text = _read(error.fp, deadline_s).decode(errors="replace")
    problem: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        problem = json.loads(text)
    if not isinstance(problem, dict):
        problem = {}
    reason = str(problem.get("message") or text or error.reason)[:_MAX_REASON_CHARACTERS]
    wait = error.headers.get("Retry-After", "") if error.headers is not None else ""
    code = str(problem.get("code", ""))
    kind = DailyLimitReachedError if code == "daily_limit_reached" else AccessRefusedError
    return kind(
        target,
        error.code,
        reason,
        code=code,
        retry_after_s=int(wait) if wait.isdecimal() and len(wait) <= _MAX_WAIT_DIGITS else None,
        problem=problem,
    )


async def in_thread(work: Callable[[], _T]) -> _T:
    """Run ``work`` in a thread that neither a cancelled task nor the end of the program awaits."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: _T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if isinstance(error, StopIteration):
            # A future refuses StopIteration, so its task would wait for ever.
            error = RuntimeError("StopIteration was raised")
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # a result where there is no error

    def run() -> None:
        result: _T | None = None
        failure: BaseException | None = None
        try:
            result = context.run(work)
        except BaseException as error:  # noqa: BLE001 - it is raised in the waiting task
            failure = error
        with contextlib.suppress(RuntimeError):  # The loop is closed.
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="repartee-http", daemon=True).start()
    return await future
