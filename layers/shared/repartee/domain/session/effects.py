"""The work of a session, one queue per lane; the shell does it and reports the outcome."""

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
    """Send a frame; one at a time, the next comes after ``FramePosted`` or ``PostRefused``."""

    connection_id: str
    frame: NumberedFrame


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close a client's connection, once everything posted before has been taken."""

    connection_id: str


@dataclass(frozen=True, slots=True)
class OpenLive:
    """Close the live session that may be open, then open one.

    Attributes:
        generation: Counts the live sessions of this worker, so that an old one's last words
            are not taken for a new one's.
        saves_usd: What carrying less context is estimated to save, where that is the reason.
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
    """Ask core_agent; ``CoreAnswered`` with the key follows, whatever happens.

    Attributes:
        arguments_hash: Distinguishes this call from another one at its place, in a replayed turn.
        timeout_ms: Nobody waits for the answer any longer than this.
    """

    key: ToolCallKey
    arguments_hash: str
    question: str
    language: str
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class SavePreferences:
    """Remember what the user changed about how they are spoken to.

    Attributes:
        replaces: Nothing changes unless these are still the stored values; None: no condition.
    """

    changes: PreferenceChanges
    replaces: PreferenceChanges | None = None


@dataclass(frozen=True, slots=True)
class AskForSummary:
    """Have the conversation's oldest turns summed up, by somebody else and in their own time."""


@dataclass(frozen=True, slots=True)
class ReadSummary:
    """Look whether there is a newer summary; ``SummaryRead`` follows if the table answers."""


@dataclass(frozen=True, slots=True)
class SetConnection:
    """Record the session's current connection, None for no connection.

    Attributes:
        marks_speech: Whether its client marks where speech begins and ends.
    """

    connection_id: str | None
    marks_speech: bool = False


@dataclass(frozen=True, slots=True)
class CommitTurn:
    """Write a turn to memory; ``TurnCommitted`` follows.

    Attributes:
        undelivered: The turns that the client has not got all of after this one, oldest first.
        core_bill: What of the turn's tokens and cost core_agent has counted by itself.
    """

    turn: Turn
    cursor: int
    pending_calls: tuple[PendingCall, ...]
    undelivered: tuple[UndeliveredTurn, ...] = ()
    core_bill: Bill = field(default_factory=Bill)


@dataclass(frozen=True, slots=True)
class AmendTurn:
    """Put right what the user said in a turn that is in memory: its transcript came late.

    Attributes:
        turn: The turn as it is known now. Nothing but what was heard has changed.
    """

    turn: Turn


@dataclass(frozen=True, slots=True)
class ReadUsage:
    """Look up what the user has used today, after all writes before; ``UsageRead`` follows."""


@dataclass(frozen=True, slots=True)
class DeleteInput:
    """Forget mailbox entries that are consumed for good."""

    seqs: tuple[int, ...]
    notice_ids: tuple[str, ...]


class FinishReason(StrEnum):
    """Why a worker leaves a session."""

    IDLE = "idle"  # nothing to do; the next message wakes another worker
    ENDED = "ended"  # closed for good
    HAND_OVER = "hand_over"  # this worker's time is up; wake a successor
    FENCED = "fenced"  # the lease is another's; write nothing, send nothing


@dataclass(frozen=True, slots=True)
class Finish:
    """Close the live session, release the lease and go. No effect follows this one."""

    reason: FinishReason


type TableLookup = AskForSummary | ReadSummary | ReadUsage
type TableWrite = CommitTurn | AmendTurn | SetConnection | SavePreferences | DeleteInput
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
    """The work that follows from one event.

    Each lane does its part in order. No lane waits for another one, except that ``Finish`` comes
    after everything else.
    """

    tables: tuple[TableEffect, ...] = ()
    model: tuple[ModelEffect, ...] = ()
    client: tuple[ClientEffect, ...] = ()
    other: tuple[OtherEffect, ...] = ()

    @property
    def in_lane_order(self) -> tuple[Effect, ...]:
        """Return all of it: for the tables, the live model, the client, then the rest."""
        return (*self.tables, *self.model, *self.client, *self.other)


NO_WORK = Work()
