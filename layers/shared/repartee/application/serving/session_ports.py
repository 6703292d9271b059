from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from repartee.application.serving.live_model_quirks import LiveModelQuirks
from repartee.domain.speech import SpeechDetector
from repartee.ports.answers import CoreAgent, SummaryRequests
from repartee.ports.clients import ClientChannel
from repartee.ports.conversations import ConversationReader, ConversationWriter
from repartee.ports.live_model import LiveModel
from repartee.ports.runtime import Clock, IdSource
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionRecorder, SessionStore
from repartee.ports.users import Notes, ProfileStore, UsageStore
from repartee.ports.workers import WorkerPool


class TurnMetrics(Protocol):
    """Counts what a session does; never raises."""

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
        """Record one committed turn."""
        ...

    def lease_taken(self, *, takeover: bool) -> None:
        """Record that a worker took a lease."""
        ...

    def session_left(self, *, by_limit: bool) -> None:
        """Record that a worker left a session, and whether a daily limit ended it."""
        ...

    def session_opened(self) -> None:
        """Record that a session got its first worker."""
        ...


class Log(Protocol):
    """Structured log: constant messages, values in keys."""

    def info(self, message: str, /, *, extra: Mapping[str, object]) -> None:
        """Note something expected."""
        ...

    def warning(self, message: str, /, *, extra: Mapping[str, object]) -> None:
        """Note something that an operator may want to look at."""
        ...


@dataclass(frozen=True, slots=True)
class SessionPorts:
    """Everything outside the process that serving a session needs.

    Attributes:
        quirks: What this process has learned about its live model.
        recorder: Keeps recordings of sessions, None where nothing is recorded.
    """

    sessions: SessionStore
    mailbox: Mailbox
    connections: ConnectionStore
    reader: ConversationReader
    writer: ConversationWriter
    profiles: ProfileStore
    notes: Notes
    channel: ClientChannel
    live: LiveModel
    core: CoreAgent
    workers: WorkerPool
    summaries: SummaryRequests
    usage: UsageStore
    clock: Clock
    ids: IdSource
    metrics: TurnMetrics
    log: Log
    detector: Callable[[], SpeechDetector]
    recorder: SessionRecorder | None = None
    quirks: LiveModelQuirks = field(default_factory=LiveModelQuirks)
