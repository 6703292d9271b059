"""Port to the workers."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WakeRequest:
    """A request for a stream agent to serve a session.

    Attributes:
        woken_at_ms: Unix time in ms; a worker that starts long after it may be too late.
        hop: How many workers handed this session over before; its limit stops runaway loops.
        traceparent: The W3C trace context of the message that woke it; "" without tracing.
    """

    session_id: str
    user_id: str
    conversation_id: str
    woken_at_ms: int
    hop: int = 0
    traceparent: str = ""


class WorkerPool(Protocol):
    """Starts stream agents."""

    def wake(self, request: WakeRequest) -> None:
        """Queue an invocation; a return does not mean that a worker runs.

        Raises:
            StoreUnavailable: The invocation could not be queued.
        """
        ...
