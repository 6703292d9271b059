"""The one place that names metrics, writes them and makes loggers.

Powertools is imported inside the functions: it costs tens of ms, and importing this module must
stay free for tests and for what only asks for a name.
"""

import logging
import sys
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools.logging import Logger

NAMESPACE = "Repartee"
"""CloudWatch namespace of every metric."""

DIMENSION = "service"
"""The only dimension: the deployed function's name, so that stacks never mix."""


class Metric(Enum):
    """Every metric that Repartee writes.

    Attributes:
        label: Name in CloudWatch and on the dashboard.
        unit: CloudWatch's unit; money has none.
        meaning: What one value says.
    """

    TURNS = ("Turns", "Count", "Turns committed.")
    FIRST_AUDIO_MS = (
        "FirstAudioMs",
        "Milliseconds",
        "From the end of the user's speech to the first reply audio, once per turn that had both.",
    )
    TURN_ERRORS = ("TurnErrors", "Count", "Faults that the user of a turn could notice.")
    TAKEOVERS = ("Takeovers", "Count", "Leases taken over from a worker that had let its run out.")
    INPUT_TOKENS = ("InputTokens", "Count", "Tokens that Gemini billed as input.")
    OUTPUT_TOKENS = ("OutputTokens", "Count", "Tokens that Gemini billed as output.")
    COST_USD = ("CostUsd", "None", "What those tokens cost by the price table, in USD.")
    SESSIONS_OPENED = (
        "SessionsOpened",
        "Count",
        "Sessions that a worker served for the first time.",
    )
    LIMITS_REACHED = ("LimitsReached", "Count", "Sessions that a daily limit of their user ended.")
    TOOL_CALLS = ("ToolCalls", "Count", "Tools that Gemini called.")

    def __init__(self, label: str, unit: str, meaning: str) -> None:
        self.label = label
        self.unit = unit
        self.meaning = meaning


class MetricsRecorder:
    """Writes metrics as embedded-metric-format lines on standard output.

    One line per call and nothing kept between calls, so an invocation may record any number of
    turns, from any thread. Never raises: a metric that cannot be written is reported on standard
    error and lost, and the call goes on.

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
        """Record one committed turn; what did not happen is recorded as 0.

        Args:
            first_audio_ms: None when the turn had no speech or no reply to measure between.
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
        """Record that a worker took a lease, and whether another had held it to its end."""
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
        except Exception as error:  # noqa: BLE001 - a lost number must not cost anybody a turn
            names = ", ".join(metric.label for metric in values)
            print(f"metrics lost: {names}: {type(error).__name__}", file=sys.stderr)  # noqa: T201


def get_logger(service: str | None = None) -> "Logger":
    """Return the structured logger of a function.

    It logs what it is given and nothing by itself: no event, whose body may hold a ticket or
    speech, and no uncaught exception, which Lambda logs already.

    Libraries are silenced below WARNING for the whole process, so call this before anything that
    is secret passes through one: Lambda's runtime lets LogLevel decide for the root logger too,
    and at DEBUG botocore writes secrets and items, and websockets the Gemini key and speech.

    Args:
        service: Value of the ``service`` key; None takes Powertools' own setting from the
            environment.
    """
    from aws_lambda_powertools.logging import Logger

    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))
    return Logger(service=service, utc=True, use_rfc3339=True, log_uncaught_exceptions=False)
