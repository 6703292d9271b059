"""Port to the traces of turns."""

from typing import Protocol

from repartee.domain.tracing.spans import Trace


class Tracer(Protocol):
    """Posts the spans of turns in the background; never raises, and delays no turn.

    Attributes:
        is_on: Whether traces are posted. If not, nothing needs to be recorded for them.
    """

    is_on: bool

    def post(self, trace: Trace) -> None:
        """Queue the spans of one turn and return at once; they are lost if the queue is full."""
        ...

    def flush(self, timeout_s: float) -> None:
        """Wait until queued traces are posted, at most ``timeout_s``, and log losses.

        A worker calls it when it leaves a session, because Lambda stops a process between
        invocations. The process may be used again.
        """
        ...
