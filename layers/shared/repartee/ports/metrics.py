"""The metrics' names, and the port that writes them."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Protocol

from repartee.domain.cost.usage import Bill

NAMESPACE = "Repartee"
"""CloudWatch namespace of every metric."""

DIMENSION = "service"
"""The dimension of every metric: the deployed function's name, so that stacks never mix."""


class Metric(Enum):
    """Every metric that Repartee writes.

    ``stream_agent`` writes a metric unless ``writers`` names other functions.

    Attributes:
        label: Name in CloudWatch and on the dashboard.
        unit: CloudWatch's unit; money has none.
        meaning: The meaning of one value.
        dimension: A further dimension with few values, "" for none. Such a metric is written for
            the function and for the function with this dimension, because an alarm cannot add up
            the values of a dimension.
        writers: The functions that write it.
    """

    TURNS = ("Turns", "Count", "Turns committed.")
    FIRST_AUDIO_MS = (
        "FirstAudioMs",
        "Milliseconds",
        "From the end of the user's speech to the first reply audio, once per turn that had both.",
    )
    TURN_ERRORS = ("TurnErrors", "Count", "Faults that the user of a turn could notice.")
    NO_ANSWER = (
        "NoAnswer",
        "Count",
        "Turns whose answer Gemini did not speak: the client got no_answer.",
    )
    TOOL_CALLS = ("ToolCalls", "Count", "Tools that Gemini called.")
    INPUT_TOKENS = (
        "InputTokens",
        "Count",
        "Tokens that Gemini billed as input.",
        "",
        ("stream_agent", "core_agent"),
    )
    OUTPUT_TOKENS = (
        "OutputTokens",
        "Count",
        "Tokens that Gemini billed as output.",
        "",
        ("stream_agent", "core_agent"),
    )
    COST_USD = (
        "CostUsd",
        "None",
        "What those tokens cost by the price table, in USD.",
        "",
        ("stream_agent", "core_agent"),
    )
    SESSIONS_OPENED = (
        "SessionsOpened",
        "Count",
        "Sessions that a worker served for the first time.",
    )
    SESSIONS_HEARD = (
        "SessionsHeard",
        "Count",
        "Sessions whose client got the first audio of the first reply.",
    )
    SESSIONS_ENDED = ("SessionsEnded", "Count", "Sessions that a worker closed.", "reason")
    LIMITS_REACHED = ("LimitsReached", "Count", "Sessions that a daily limit of their user ended.")
    TAKEOVERS = ("Takeovers", "Count", "Leases taken over from a worker whose lease had expired.")
    TAKEOVER_GAP_MS = (
        "TakeoverGapMs",
        "Milliseconds",
        "From the last renewal of a lease to its takeover by another worker.",
    )
    RECONNECT_GAP_MS = (
        "ReconnectGapMs",
        "Milliseconds",
        "How long a session with a worker was without a connection.",
    )
    WAKE_TO_LEASE_MS = (
        "WakeToLeaseMs",
        "Milliseconds",
        "From the request for a worker to the worker's lease.",
    )
    TALKING_WORKERS = (
        "TalkingWorkers",
        "Count",
        "Workers with a turn, once per worker and minute.",
    )
    SETUP_MS = ("SetupMs", "Milliseconds", "Set-up of a Live session that Gemini accepted.")
    LIVE_REFUSED = (
        "LiveRefused",
        "Count",
        "Live sessions that could not be opened: refused, busy or unreachable.",
        "code",
    )
    LIVE_DROPPED = (
        "LiveDropped",
        "Count",
        "Live sessions that broke off, by WebSocket close code; other for a rare one.",
        "code",
    )
    CORE_AGENT_MS = (
        "CoreAgentMs",
        "Milliseconds",
        "How long a worker waited for core_agent's answer to one question.",
    )
    CORE_AGENT_ERRORS = (
        "CoreAgentErrors",
        "Count",
        "Attempts to ask core_agent that failed, 0 for a question that was answered at once.",
    )
    TROUBLES = (
        "Troubles",
        "Count",
        "Troubles with a client's message, which the client can notice.",
        "trouble",
        ("message",),
    )
    CONNECT_FAILURES = (
        "ConnectFailures",
        "Count",
        "Connections refused through no fault of the client.",
        "reason",
        ("connect",),
    )
    SUMMARY_ERRORS = (
        "SummaryErrors",
        "Count",
        "Requests for a summary that failed, 0 for one that succeeded.",
        "",
        ("core_agent",),
    )

    def __init__(
        self,
        label: str,
        unit: str,
        meaning: str,
        dimension: str = "",
        writers: tuple[str, ...] = ("stream_agent",),
    ) -> None:
        self.label = label
        self.unit = unit
        self.meaning = meaning
        self.dimension = dimension
        self.writers = writers


def spending(bill: Bill) -> dict[Metric, float | Decimal]:
    """Return the values of a bill that no other line counts."""
    return {
        Metric.INPUT_TOKENS: bill.usage.tokens_in,
        Metric.OUTPUT_TOKENS: bill.usage.tokens_out,
        Metric.COST_USD: bill.cost_usd,
    }


class Metrics(Protocol):
    """Writes metrics; never raises."""

    def record(self, values: Mapping[Metric, float | Decimal], *, by: str = "") -> None:
        """Write values of the present.

        Args:
            values: A value for each metric. Events that did not happen may count as 0.
            by: The value of the metrics' own dimension, if they have one.
        """
        ...
