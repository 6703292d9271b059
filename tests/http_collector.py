"""A small HTTP server that keeps what is posted to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE_S = 10.0


@dataclass
class Collector:
    """A server that takes what is posted to it.

    Attributes:
        status: The status of its answers.
        may_answer: Clear it to hold answers back until it is set.
        answer: The body of its answers.
        encoding: The ``Content-Encoding`` of that body.
        requests: The headers and bodies.
    """

    status: int = 200
    may_answer: threading.Event = field(default_factory=threading.Event)
    answer: bytes = b""
    encoding: str = "identity"
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    collector = Collector(status)
    collector.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.requests.append((dict(self.headers), body))
            collector.may_answer.wait(PATIENCE_S)
            self.send_response(collector.status)
            self.send_header("location", "/elsewhere")
            self.send_header("content-encoding", collector.encoding)
            self.send_header("content-length", str(len(collector.answer)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(collector.answer)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield collector
    finally:
        collector.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()
