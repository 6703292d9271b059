"""The ports of the use case that serves a session."""

from collections.abc import Callable
from dataclasses import dataclass, field

from repartee.application.answers.service_budget import ServiceBudget
from repartee.application.serving.live_model_quirks import LiveModelQuirks
from repartee.domain.speech_detection import SpeechDetector
from repartee.ports.answers import CoreAgent, SummaryRequests
from repartee.ports.clients import ClientChannel
from repartee.ports.conversations import ConversationReader, ConversationWriter
from repartee.ports.live_model import LiveModel
from repartee.ports.metrics import Metrics
from repartee.ports.runtime import Clock, IdSource, Log
from repartee.ports.service import CallSwitch
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionRecorder, SessionStore
from repartee.ports.tracing import Tracer
from repartee.ports.users import Notes, ProfileStore, UsageStore
from repartee.ports.workers import WorkerPool


@dataclass(frozen=True, slots=True)
class SessionPorts:
    """The ports that serving a session needs.

    Attributes:
        detector: Makes a speech detector for a session.
        recorder: Stores recordings of sessions, None for no recordings.
        quirks: The findings of this process about its live model.
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
    budget: ServiceBudget
    switch: CallSwitch
    clock: Clock
    ids: IdSource
    metrics: Metrics
    tracer: Tracer
    log: Log
    detector: Callable[[], SpeechDetector]
    recorder: SessionRecorder | None = None
    quirks: LiveModelQuirks = field(default_factory=LiveModelQuirks)
