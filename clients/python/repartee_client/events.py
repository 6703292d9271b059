"""The events of a call, which ``async for event in call`` yields.

A reply belongs to a turn, which has a number in its conversation. The end of a field's name is the
unit of its value.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Ready:
    """The server is ready for input; the first event of a call.

    After a reconnect, ``Reconnected`` comes in its place.

    Attributes:
        session_id: The session; ``connect(session=...)`` returns to it.
        conversation_id: The conversation; ``connect(conversation=...)`` continues it.
        chunk_ms: The recommended length of the audio in one message.
        grace_s: How long the server's worker waits for a client whose line was lost.
        max_in_flight: How many sent messages may wait for their acceptance.
        next_seq: The number for the client's next message; None from a server of version 0.1.0.
        output_kept: Whether the server sends the output that the client lacks.
    """

    session_id: str
    conversation_id: str
    chunk_ms: int
    grace_s: int
    max_in_flight: int = 25
    next_seq: int | None = None
    output_kept: bool = False

    def __post_init__(self) -> None:
        for name in ("chunk_ms", "max_in_flight"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} is {value}: it must be at least 1")


@dataclass(frozen=True, slots=True)
class Transcript:
    """A piece of a transcript; join the pieces of one turn and role without a separator.

    Attributes:
        final: Whether this is the last piece of an utterance.
    """

    turn: int
    role: Literal["user", "model"]
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A chunk of a reply: PCM16 little-endian mono, 24 kHz.

    An audio port plays it before this event is yielded.
    """

    turn: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user interrupted or stopped this turn's reply: stop playing, drop its queued audio."""

    turn: int


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool call started or ended.

    Attributes:
        phase: ``started``, ``done``, ``failed`` or a later phase.
    """

    turn: int
    name: str
    phase: str


@dataclass(frozen=True, slots=True)
class TurnRestarted:
    """The turn is answered again: discard the events of this turn and of later turns."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyLost:
    """The audio of a reply is no longer available.

    Attributes:
        text: The reply's transcript, to show to the user.
    """

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn is over. The answer is complete when ``call.is_waiting_for_answer`` is false.

    Attributes:
        cost_usd: The cost by the deployment's price list.
        first_audio_ms: The time from the end of the input to the first reply audio; None if either
            is missing.
        skipped_messages: Messages of this client that never arrived.
    """

    turn: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    first_audio_ms: int | None
    skipped_messages: int


@dataclass(frozen=True, slots=True)
class NoSpeech:
    """The audio between ``speech_start`` and ``speech_end`` held no speech; no answer follows.

    Attributes:
        through: The number of the last message of that input.
    """

    through: int


@dataclass(frozen=True, slots=True)
class SpeechHeard:
    """The server hears the user speak; ``turn`` is the turn of that speech."""

    turn: int


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A daily limit is used up; ``Closed`` follows after a goodbye.

    Attributes:
        kind: ``talk_seconds``, ``cost``, ``service`` for the service's own limit, or a later kind.
        limit: The limit per day, in s of talk or in USD; 0 for the service.
        resets_at_ms: When the counters start again, as Unix time in ms.
    """

    kind: str
    limit: float
    resets_at_ms: int


@dataclass(frozen=True, slots=True)
class Problem:
    """An error that the user should know of; the call continues.

    Attributes:
        code: ``model_busy``, ``no_answer`` or a later code (docs/protocol.md, "Error codes").
        message: A description for the user.
        retryable: Whether the error may be temporary.
        refused_seq: The number of the refused message; None if no message was refused.
        next_seq: The number of the client's next message; None if the error does not change it.
    """

    code: str
    message: str
    retryable: bool
    refused_seq: int | None = None
    next_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server refused one of the client's messages; the call continues.

    Attributes:
        message: The fault and the correction, for developers.
        field: The field at fault; empty for the message as a whole.
    """

    code: str
    message: str
    retryable: bool
    field: str = ""
    seq: int | None = None
    next_seq: int | None = None


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The line was lost, and the client opens another one. Meanwhile input is kept.

    Attributes:
        reason: Why the line was lost, for logs.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The line is back. Both sides resend the messages that the other side lacks."""


@dataclass(frozen=True, slots=True)
class EventsDropped:
    """The application read too slowly, so the oldest events were dropped.

    Attributes:
        count: How many events were dropped.
    """

    count: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is over; the last event of a call.

    Attributes:
        reason: ``bye``, ``end_call``, ``superseded``, ``erased``, ``refused``, ``busy``,
            ``unavailable``, ``limit_reached``, ``stopped`` or a later reason (docs/protocol.md,
            "closed"); ``session_ended`` if the session ended while the line was lost.
    """

    reason: str


Event: TypeAlias = (
    Ready
    | Transcript
    | ReplyAudio
    | Interrupted
    | ToolUsed
    | TurnRestarted
    | ReplyLost
    | TurnEnded
    | NoSpeech
    | SpeechHeard
    | LimitReached
    | Problem
    | Refused
    | Reconnecting
    | Reconnected
    | EventsDropped
    | Closed
)
"""Everything that a call yields; a later version may add kinds."""
