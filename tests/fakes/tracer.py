from repartee.domain.tracing.spans import Trace


class FakeTracer:
    """Keeps the traces that are posted.

    Attributes:
        traces: The traces, in order.
        flushes: How often a worker waited for them.
    """

    is_on = True

    def __init__(self) -> None:
        self.traces: list[Trace] = []
        self.flushes = 0

    def post(self, trace: Trace) -> None:
        self.traces.append(trace)

    def flush(self, timeout_s: float) -> None:
        self.flushes += 1
