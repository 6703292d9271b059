"""The effects of a session, grouped by lane. The shell does the work and reports each outcome."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from repartee.domain.conversation.conversation import Turn
from repartee.domain.cost.usage import Bill
from repartee.domain.live.model import LiveConfig, ToolResponse
from repartee.domain.protocol.frames import NumberedFrame
from repartee.domain.session.state import PendingCall, UndeliveredTurn
from repartee.domain.tools.core_calls import ToolCallKey
from repartee.domain.users.preferences import PreferenceChanges


@dataclass(frozen=True, slots=True)
class PostFrame:
    """Post a frame. The next one follows after ``FramePosted`` or ``PostRefused``."""

    connection_id: str
    frame: NumberedFrame


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close a client's connection after all earlier posts."""

    connection_id: str


@dataclass(frozen=True, slots=True)
class OpenLive:
    """Close an open Live session, then open another one.

    Attributes:
        generation: The number of this Live session. It distinguishes late events of an earlier
            Live session from events of this one.
        saves_usd: The estimated saving, if the reason is a smaller context.
    """

    generation: int
    config: LiveConfig
    saves_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SendAudio:
    """Send 16 kHz PCM16 to the live model."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SendSilence:
    """Send 16 kHz PCM16 zeros to the live model."""

    duration_ms: int


@dataclass(frozen=True, slots=True)
class StartActivity:
    """Mark the start of the user's speech to the live model."""


@dataclass(frozen=True, slots=True)
class EndActivity:
    """Mark the end of the user's speech to the live model."""


@dataclass(frozen=True, slots=True)
class EndAudioStream:
    """Announce to the live model that no audio follows for now."""


@dataclass(frozen=True, slots=True)
class SendText:
    """Send typed text to the live model."""

    text: str


@dataclass(frozen=True, slots=True)
class RespondToTool:
    """Answer one of the live model's tool calls."""

    response: ToolResponse


@dataclass(frozen=True, slots=True)
class AskCoreAgent:
    """Ask core_agent. ``CoreAnswered`` with the key follows in any case.

    Attributes:
        arguments_hash: Distinguishes this call from another one with the same key, which a
            replayed turn may have made.
        timeout_ms: How long the session waits for the answer.
    """

    key: ToolCallKey
    arguments_hash: str
    question: str
    language: str
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class SavePreferences:
    """Store changes of the user's preferences.

    Attributes:
        replaces: The values that must be stored at present, None for no condition.
    """

    changes: PreferenceChanges
    replaces: PreferenceChanges | None = None


@dataclass(frozen=True, slots=True)
class AskForSummary:
    """Request a summary of the conversation's oldest turns, without waiting for it."""


@dataclass(frozen=True, slots=True)
class ReadSummary:
    """Read the summary. ``SummaryRead`` follows if the table answers."""


@dataclass(frozen=True, slots=True)
class SetConnection:
    """Record the session's current connection, None for no connection.

    Attributes:
        marks_speech: Whether its client marks where speech begins and ends.
        features: The features that its client lists.
    """

    connection_id: str | None
    marks_speech: bool = False
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndGreeting:
    """Record that the agent's greeting is over in this session."""


@dataclass(frozen=True, slots=True)
class SetUndelivered:
    """Record which committed turns the client has not fully received, oldest first."""

    turns: tuple[UndeliveredTurn, ...]


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """Write a turn to memory. ``TurnCommitted`` follows.

    Attributes:
        undelivered: The committed turns that the client has not fully received, oldest first.
        core_bill: The part of the turn's tokens and cost that core_agent has counted.
    """

    turn: Turn
    cursor: int
    pending_calls: tuple[PendingCall, ...]
    undelivered: tuple[UndeliveredTurn, ...] = ()
    core_bill: Bill = field(default_factory=Bill)


@dataclass(frozen=True, slots=True)
class AmendTurn:
    """Correct the transcripts of a committed turn, because they came after the commit.

    Attributes:
        turn: The corrected turn. Only ``heard`` and ``said`` have changed.
    """

    turn: Turn


@dataclass(frozen=True, slots=True)
class ReadUsage:
    """Read the user's usage of today after all earlier writes. ``UsageRead`` follows."""


@dataclass(frozen=True, slots=True)
class DeleteInput:
    """Delete mailbox entries that no worker needs."""

    seqs: tuple[int, ...]
    notice_ids: tuple[str, ...]


class FinishReason(StrEnum):
    """Why a worker leaves a session."""

    IDLE = "idle"  # There is no work. The next message wakes another worker.
    ENDED = "ended"  # The session is over.
    HAND_OVER = "hand_over"  # The worker's time is over. It wakes a successor.
    FENCED = "fenced"  # Another worker may have the lease, so this one writes and sends nothing.


@dataclass(frozen=True, slots=True)
class Finish:
    """Close the Live session, release the lease and leave. No effect follows this one."""

    reason: FinishReason


type TableLookup = AskForSummary | ReadSummary | ReadUsage
type TableWrite = (
    CommitTurn
    | AmendTurn
    | SetConnection
    | SetUndelivered
    | EndGreeting
    | SavePreferences
    | DeleteInput
)
type TableEffect = TableWrite | TableLookup
type ModelEffect = (
    OpenLive
    | SendAudio
    | SendSilence
    | StartActivity
    | EndActivity
    | EndAudioStream
    | SendText
    | RespondToTool
)
type ClientEffect = PostFrame | CloseConnection
type OtherEffect = AskCoreAgent | Finish
type Effect = TableEffect | ModelEffect | ClientEffect | OtherEffect


class Work(NamedTuple):
    """The effects of one event.

    Each lane does its part in order. No lane waits for another one, except that ``Finish`` comes
    after all other work.
    """

    tables: tuple[TableEffect, ...] = ()
    model: tuple[ModelEffect, ...] = ()
    client: tuple[ClientEffect, ...] = ()
    other: tuple[OtherEffect, ...] = ()

    @property
    def in_lane_order(self) -> tuple[Effect, ...]:
        """Return all effects: for the tables, the live model, the client, then the others."""
        return (*self.tables, *self.model, *self.client, *self.other)


NO_WORK = Work()
