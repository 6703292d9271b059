"""An HTTP server that speaks generateContent and answers from a script."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

type Part = dict[str, Any]
type Body = dict[str, Any]
type Step = list[Part] | Body | int | threading.Event | Callable[[Body], list[Part]]
"""Parts to answer with, a whole body, an HTTP status to fail with, an event until which nothing is
said, or a function of the request's body that returns the parts."""

_PATIENCE_S = 10.0
_USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}


def say(text: str) -> list[Part]:
    """Answer with text."""
    return [{"text": text}]


def nothing(finish_reason: str) -> Body:
    """Answer without parts."""
    candidate = {"content": {"role": "model"}, "finishReason": finish_reason}
    return {"candidates": [candidate], "usageMetadata": _USAGE}


def blocked(reason: str) -> Body:
    """Answer without a candidate."""
    return {"promptFeedback": {"blockReason": reason}, "usageMetadata": _USAGE}


def call(name: str, **arguments: object) -> Part:
    """Call a function, with a thought signature that Gemini requires back."""
    return {"functionCall": {"name": name, "args": arguments}, "thoughtSignature": "c2lnbmVk"}


@dataclass(slots=True)
class ScriptedGemini:
    """The messages that the server sends and the ones that it received.

    Attributes:
        script: One step per request; the last one repeats.
        requests: The body of each request.
        models: The model that each request asked.
        server_timeouts_s: How long each request's client says that it waits, rounded up.
        api_keys: The key of each request.
        on_request: Called at each request.
    """

    script: Sequence[Step]
    base_url: str = ""
    requests: list[Body] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    server_timeouts_s: list[int] = field(default_factory=list)
    api_keys: list[str] = field(default_factory=list)
    on_request: Callable[[], object] = lambda: None

    def take(self, path: str, body: Body) -> Step:
        """Record the request and return the answer."""
        self.requests.append(body)
        self.models.append(path.partition("models/")[2].partition(":")[0])
        self.on_request()
        return self.script[min(len(self.requests), len(self.script)) - 1]

    def answers_to_functions(self) -> list[Any]:
        """Return every function response that the last request holds, in order."""
        return [
            part["functionResponse"]["response"]
            for content in self.requests[-1]["contents"]
            for part in content["parts"]
            if "functionResponse" in part
        ]


@contextmanager
def serving(script: Sequence[Step]) -> Iterator[ScriptedGemini]:
    """Serve ``script`` on a free port."""
    gemini = ScriptedGemini(script)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(gemini))
    gemini.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield gemini
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(gemini: ScriptedGemini) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked = json.loads(body)
            gemini.api_keys.append(self.headers.get("x-goog-api-key", ""))
            gemini.server_timeouts_s.append(int(self.headers.get("x-server-timeout", 0)))
            step = gemini.take(self.path, asked)
            if isinstance(step, threading.Event):
                step.wait(_PATIENCE_S)
                step = 503
            if callable(step):
                step = step(asked)
            if isinstance(step, int):
                self._reply(step, {"error": {"code": step, "message": "scripted", "status": "X"}})
            else:
                self._reply(200, step if isinstance(step, dict) else _answer(step))

        def _reply(self, status: int, body: Body) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    return Handler


def _answer(parts: list[Part]) -> Body:
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": _USAGE,
    }
