"""Posts traces as OTLP/JSON over HTTP, from a separate thread."""

import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from repartee.adapters.otlp.model import encode
from repartee.domain.tracing.spans import Trace
from repartee.ports.runtime import Log

if TYPE_CHECKING:
    from urllib3 import PoolManager

MAX_QUEUED: Final = 32
"""A worker ends a turn every few seconds, so a full queue means that the receiver is down."""
CONNECT_TIMEOUT_S: Final = 2.0
READ_TIMEOUT_S: Final = 3.0
MAX_ANSWER_BYTES: Final = 4_096
"""The text of an answer does not matter. A longer one is not read."""


class OtlpTracer:
    """A ``Tracer`` with a bounded queue and one attempt for each trace.

    The thread starts with the first trace. It is a daemon, so it never keeps a process alive.

    Args:
        url: The address to which traces are posted, with its path.
        stack: The name of the stack.
        token: Returns the bearer token, which is read with the first trace; None for no token.
        log: Gets a line about losses.
        max_queued: How many traces may wait.
        timeouts_s: How long a connection may take, and how long an answer.
    """

    is_on = True

    def __init__(
        self,
        url: str,
        stack: str,
        log: Log,
        token: Callable[[], str] | None = None,
        *,
        max_queued: int = MAX_QUEUED,
        timeouts_s: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    ):
        self._url = url
        self._stack = stack
        self._token = token
        self._log = log
        self._max_queued = max_queued
        self._timeouts_s = timeouts_s
        self._waiting: queue.Queue[Trace] = queue.Queue(max_queued)
        self._lost: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._unposted = 0
        self._thread: threading.Thread | None = None
        self._http: PoolManager | None = None

    def post(self, trace: Trace) -> None:
        """Queue the trace, or count it as lost if the queue is full."""
        with self._changed:
            if self._unposted >= self._max_queued:
                self._lost["queue_full"] += 1
                return
            self._unposted += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
                self._thread.start()
        self._waiting.put_nowait(trace)

    def flush(self, timeout_s: float) -> None:
        """Wait for the queued traces, at most ``timeout_s``, and log losses since the last call."""
        with self._changed:
            is_done = self._changed.wait_for(lambda: self._unposted == 0, timeout_s)
            waiting = 0 if is_done else self._unposted
            lost, self._lost = self._lost, Counter()
        if lost:
            fields = {"lost": lost.total(), "reasons": dict(lost), "waiting": waiting}
            self._log.warning("traces lost", extra=fields)

    def _run(self) -> None:
        while True:
            trace = self._waiting.get()
            reason = self._send(trace)
            with self._changed:
                self._unposted -= 1
                if reason:
                    self._lost[reason] += 1
                self._changed.notify_all()

    def _send(self, trace: Trace) -> str:
        """Send one trace; return why it is lost, "" if it is not."""
        try:
            headers = {"Content-Type": "application/json"}
            if self._token is not None:
                headers["Authorization"] = f"Bearer {self._token()}"
            answer = self._client().request(
                "POST",
                self._url,
                body=encode(trace, self._stack),
                headers=headers,
                preload_content=False,
            )
            length_bytes = answer.length_remaining
            if length_bytes is not None and length_bytes <= MAX_ANSWER_BYTES:
                # Then the next trace uses this connection again.
                answer.read(decode_content=False)
            else:
                answer.close()
        except Exception as error:  # noqa: BLE001 - a lost trace must not end the thread
            return type(error).__name__
        return "" if answer.status < 300 else f"status_{answer.status}"

    def _client(self) -> "PoolManager":
        if self._http is None:
            # Imported with the first trace, so that a start without tracing does not pay for it.
            from urllib3 import PoolManager, Timeout

            connect_s, read_s = self._timeouts_s
            self._http = PoolManager(
                maxsize=1, retries=False, timeout=Timeout(connect=connect_s, read=read_s)
            )
        return self._http
