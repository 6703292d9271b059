"""Writes metrics and makes loggers; no other module does.

Powertools is imported inside the functions, because its import takes tens of ms. So a module that
needs only a name does not wait for it.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from repartee.ports.metrics import DIMENSION as DIMENSION
from repartee.ports.metrics import NAMESPACE as NAMESPACE
from repartee.ports.metrics import Metric as Metric
from repartee.ports.runtime import Clock

if TYPE_CHECKING:
    from aws_lambda_powertools.logging import Logger


class MetricsRecorder:
    """Writes metrics as embedded-metric-format lines on standard output.

    Each call writes one line and keeps no state, so an invocation may record any number of turns,
    from any thread. It never raises: a metric that cannot be written is reported on standard error
    and lost.

    Args:
        clock: Gives the values' time.
        service: Value of the dimension; None takes Powertools' own setting from the environment.
    """

    def __init__(self, clock: Clock, service: str | None = None) -> None:
        self._clock = clock
        self._service = service

    def record(self, values: Mapping[Metric, float | Decimal], *, by: str = "") -> None:
        """Write values of the present.

        Args:
            values: A value for each metric; all of them have the same dimension, or none.
            by: The value of that dimension.
        """
        try:
            from aws_lambda_powertools.metrics import EphemeralMetrics

            (dimension,) = {metric.dimension for metric in values}
            line = EphemeralMetrics(service=self._service, namespace=NAMESPACE)
            # ``set_timestamp`` compares the time with the wall clock, and tests move time by hand.
            line.timestamp = self._clock.now_ms()
            for metric, value in values.items():
                line.add_metric(name=metric.label, unit=metric.unit, value=float(value))
            if dimension:
                line.add_dimensions(**{DIMENSION: line.service, dimension: by})
            line.flush_metrics()
        except Exception as error:  # noqa: BLE001 - a lost metric must not fail a turn
            names = ", ".join(metric.label for metric in values)
            print(f"metrics lost: {names}: {type(error).__name__}", file=sys.stderr)  # noqa: T201


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """Add fields to all lines that this thread, or this task and its tasks, log meanwhile.

    A line's own fields replace them. The lines of adapters and libraries get them too.
    """
    from aws_lambda_powertools.logging import formatter

    before = formatter.THREAD_LOCAL_KEYS.get()
    formatter.THREAD_LOCAL_KEYS.set({**before, **fields})
    try:
        yield
    finally:
        formatter.THREAD_LOCAL_KEYS.set(before)


def get_logger(service: str | None = None) -> "Logger":
    """Return the structured logger of a function.

    It adds no lines of its own: no event, whose body may contain a ticket or speech, and no
    uncaught exception, which Lambda logs itself.

    Libraries log only from WARNING on, in the whole process. Call this before a library handles a
    secret: Lambda's LogLevel also sets the root logger, and at DEBUG botocore logs secrets and
    items, and websockets logs the Gemini key and speech.

    Args:
        service: Value of the ``service`` key; None takes Powertools' own setting from the
            environment.
    """
    from aws_lambda_powertools.logging import Logger

    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))
    return Logger(service=service, utc=True, use_rfc3339=True, log_uncaught_exceptions=False)
