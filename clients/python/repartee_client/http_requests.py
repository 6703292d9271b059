"""HTTP requests with a JSON answer, by the standard library in a thread."""

import asyncio
import contextlib
import http.client
import json
import ssl
import threading
from collections.abc import Callable, Mapping
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
)

TIMEOUT_S = 30.0
_MAX_REASON_CHARACTERS = 200

_T = TypeVar("_T")


def check_url(url: str, *, encrypted: str, plain: str) -> None:
    """Refuse a URL that is not absolute, or that would send a token or ticket unencrypted.

    Args:
        url: The URL.
        encrypted: The scheme for every host.
        plain: The scheme that only this machine's own addresses may have.

    Raises:
        InvalidUrlError: The URL is refused; the message does not contain its query.
    """
    shown = url.partition("?")[0]
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidUrlError(f"invalid URL {shown}: {error}") from error
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
        target: What is requested, for errors: such as ``ticket``.
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
            answer = await _in_thread(lambda: _exchange(target, request, timeout_s))
    except ssl.SSLCertVerificationError as error:
        raise UnreachableError(
            f"cannot reach {shown}: its certificate is not trusted ({error.verify_message}); "
            "the environment variable SSL_CERT_FILE can name a file of trusted authorities"
        ) from error
    except TimeoutError as error:
        raise UnreachableError(f"cannot reach {shown}: no answer in {timeout_s:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(f"cannot reach {shown}: {error}") from error
    try:
        return json.loads(answer) if answer else None
    except ValueError as error:
        raise BadServerMessageError(
            f"{shown} did not answer with JSON: is it the address of the HTTP API?"
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
    try:
        with _opener(request.full_url).open(request, timeout=timeout_s) as answer:
            return bytes(answer.read())
    except HTTPError as error:
        with error:
            raise _refusal(target, error) from None
    except URLError as error:
        if isinstance(error.reason, OSError):
            raise error.reason from None
        raise OSError(str(error.reason)) from None


def _refusal(target: str, error: HTTPError) -> AccessRefusedError:
    text = ""
    with contextlib.suppress(OSError, http.client.HTTPException):
        text = error.read().decode(errors="replace")
    problem: Any = None
    with contextlib.suppress(ValueError):
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
        retry_after_s=int(wait) if wait.isdecimal() else None,
        problem=problem,
    )


async def _in_thread(work: Callable[[], _T]) -> _T:
    """Run ``work`` in a thread that neither a cancelled task nor the end of the program awaits."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # a result where there is no error

    def run() -> None:
        result, failure = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised in the waiting task
            failure = error
        with contextlib.suppress(RuntimeError):  # The loop is closed.
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name="repartee-http", daemon=True).start()
    return await future
