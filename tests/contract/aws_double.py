"""A small HTTP server with the wire format of an AWS service, for real clients."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the client; the path is unescaped."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the server; ``error`` is written to the header and body where SDKs read it.

    Attributes:
        body: JSON text of an answer without an error.
        hang_up: Close the connection instead of answering.
    """

    status: int = 200
    error: str = ""
    body: str = ""
    hang_up: bool = False


@dataclass(slots=True)
class AwsDouble:
    """The running server.

    Attributes:
        respond: Makes the answer; tests set their own.
        requests: All requests so far, in order.
    """

    url: str = ""
    respond: Callable[[Request], Answer] = lambda request: Answer()
    requests: list[Request] = field(default_factory=list)


@contextmanager
def aws_double() -> Iterator[AwsDouble]:
    """Serve on a free port of this machine until the end of the block."""
    double = AwsDouble()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = unquote(urlsplit(self.path).path)
            request = Request(self.command, path, dict(self.headers), body)
            double.requests.append(request)
            answer = double.respond(request)
            if answer.hang_up:
                self.close_connection = True
                return
            content = (json.dumps({"message": None}) if answer.error else answer.body).encode()
            self.send_response(answer.status)
            if answer.error:
                self.send_header("x-amzn-ErrorType", answer.error)
            if content:
                self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the names http.server looks for

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
