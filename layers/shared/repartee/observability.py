"""Writes metrics and makes loggers; no other module does.

Powertools is imported inside the functions, because its import takes tens of ms. So a module that
needs only a name does not wait for it.
"""

import logging
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

from repartee.ports.metrics import DIMENSION as DIMENSION
from repartee.ports.metrics import NAMESPACE as NAMESPACE
from repartee.ports.metrics import Metric as Metric

if TYPE_CHECKING:
    from aws_lambda_powertools.logging import Logger


class MetricsRecorder:
    """Writes metrics as embedded-metric-format lines on standard output.

    Each call writes one line and keeps no state, so an invocation may record any number of turns,
    from any thread. It never raises: a metric that cannot be written is reported on standard error
    and lost.

    Args:
        service: Value of the dimension; None takes Powertools' own setting from the environment.
    """

    def __init__(self, service: str | None = None) -> None:
        self._service = service

    def turn_finished(
        self,
        *,
        first_audio_ms: float | None,
        input_tokens: int,
        output_tokens: int,
        cost_usd: Decimal | float,
        errors: int,
        tool_calls: int,
    ) -> None:
        """Record one committed turn; events that did not happen count as 0.

        Args:
            first_audio_ms: None if the turn had no speech or no reply.
            input_tokens: All tokens of the turn into the model, of any modality.
            output_tokens: All tokens of the turn out of the model, of any modality.
            cost_usd: Price of those tokens, in USD.
            errors: Faults during the turn that the user could notice.
            tool_calls: Tools that the model called in the turn.
        """
        values: dict[Metric, float | Decimal] = {
            Metric.TURNS: 1,
            Metric.INPUT_TOKENS: input_tokens,
            Metric.OUTPUT_TOKENS: output_tokens,
            Metric.COST_USD: cost_usd,
            Metric.TURN_ERRORS: errors,
            Metric.TOOL_CALLS: tool_calls,
        }
        if first_audio_ms is not None:
            values[Metric.FIRST_AUDIO_MS] = first_audio_ms
        self._write(values)

    def lease_taken(self, *, takeover: bool) -> None:
        """Record that a worker took a lease, and whether it had expired at another worker."""
        self._write({Metric.TAKEOVERS: int(takeover)})

    def session_left(self, *, by_limit: bool) -> None:
        """Record that a worker left a session, and whether a daily limit ended it."""
        self._write({Metric.LIMITS_REACHED: int(by_limit)})

    def session_opened(self) -> None:
        """Record that a session got its first worker."""
        self._write({Metric.SESSIONS_OPENED: 1})

    def _write(self, values: dict[Metric, float | Decimal]) -> None:
        try:
            from aws_lambda_powertools.metrics import EphemeralMetrics

            line = EphemeralMetrics(service=self._service, namespace=NAMESPACE)
            for metric, value in values.items():
                line.add_metric(name=metric.label, unit=metric.unit, value=float(value))
            line.flush_metrics()
        except Exception as error:  # noqa: BLE001 - a lost metric must not fail a turn
            names = ", ".join(metric.label for metric in values)
            print(f"metrics lost: {names}: {type(error).__name__}", file=sys.stderr)  # noqa: T201


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
