"""The client's messages, and the mailbox entries that carry them and notices to a session."""

from dataclasses import dataclass

from repartee.domain.users.preferences import PreferenceChanges

# Default limit of a client's messages that are sent and not accepted yet. 25 chunks of 200 ms cover
# a cold start of 5 s.
MAX_IN_FLIGHT = 25
# A number that is further ahead than any client's messages in flight is a fault, not a gap. 200 of
# the longest messages take 3.2 MB.
MAX_AHEAD = 200
MAX_SEQ = 999_999_999
"""The highest number of a message."""
MAX_AUDIO_BYTES = 16_000
"""The most audio that one message holds: 500 ms of 16 kHz PCM16."""
MAX_TEXT_CHARACTERS = 4_000
"""The longest text that one message holds."""
STOP = "stop"
"""The feature of a client that sends ``Stop``."""
SPEECH_HEARD = "speech_heard"
"""The feature of a client that takes ``SpeechHeard``."""


@dataclass(frozen=True, slots=True)
class OutputPosition:
    """The position up to which a client has received a session's output.

    Attributes:
        epoch: The worker's epoch in the frames.
        seq: The highest number up to which nothing is missing, 0 for none.
    """

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of every connection; it makes that connection the session's current one.

    Attributes:
        resume_from: The output that the client has received, None where it wants no earlier output.
        marks_speech: The client sends ``SpeechStart`` and ``SpeechEnd`` around speech.
        features: The features that the client lists, as far as this version knows them.
        connected_at_ms: When API Gateway opened its connection, Unix time in ms; 0 in items of
            versions that did not store it.
    """

    resume_from: OutputPosition | None = None
    marks_speech: bool = False
    connected_at_ms: int = 0
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audio:
    """A chunk of the user's voice: PCM16 little-endian mono, 16 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeechStart:
    """The client's own detector found the start of speech."""


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """The client's own detector found the end of speech; audio may follow."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text that the user typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The user wants silence: the replies to all input before this message end.

    Workers before 0.2.0 read it as a message of an unknown kind.
    """


@dataclass(frozen=True, slots=True)
class Bye:
    """The user hangs up: the session ends, the conversation is kept."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message or notice of a kind that only a later version knows; it has no effect.

    During a deployment, the new version may write to a mailbox that the previous version reads.
    """

    kind: str


type Message = Hello | Audio | SpeechStart | SpeechEnd | Text | Stop | Bye


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A client's message with its number, as it arrives.

    Attributes:
        seq: The client's number, from 1, without gaps.
    """

    seq: int
    message: Message


@dataclass(frozen=True, slots=True)
class Numbered:
    """A client's message as the mailbox holds it.

    Attributes:
        seq: The client's number, from 1, without gaps.
        connection_id: The connection over which it came.
        received_at_ms: When the message function put it into the mailbox, Unix time in ms.
    """

    seq: int
    message: Message | Unknown
    connection_id: str
    received_at_ms: int

    def is_repeat_of(self, other: "Numbered") -> bool:
        """Return whether this repeats ``other``; a ``Hello`` must come on the same connection."""
        is_hello = isinstance(self.message, Hello)
        is_elsewhere = is_hello and self.connection_id != other.connection_id
        return self.message == other.message and not is_elsewhere


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The client's newest ``ack``, which replaces the one before in the mailbox.

    Attributes:
        received: The output up to here has reached the client.
        turn: The turn that is being played, 0 for none.
        played_ms: How much of that turn's audio was played, None where the client does not report
            it.
    """

    received: OutputPosition
    turn: int
    played_ms: int | None


@dataclass(frozen=True, slots=True)
class Ping:
    """A request for a sign of life.

    Attributes:
        owed: Whether the client waits for an answer to its input.
    """

    owed: bool = False


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """A client's message as its connection's dialect reads it.

    Attributes:
        kind: The dialect's name of the message's type, for logs.
    """

    kind: str
    content: Sequenced | Acknowledged | Ping


@dataclass(frozen=True, slots=True)
class HelloReceived:
    """A connection said hello under a number that another message has; the hello is still valid."""

    hello: Hello
    connection_id: str


@dataclass(frozen=True, slots=True)
class Detached:
    """API Gateway reported that a connection was closed."""

    connection_id: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """A newer session has taken over this session's conversation."""

    by_session_id: str


@dataclass(frozen=True, slots=True)
class PreferencesChanged:
    """The user has changed preferences outside this session.

    The notice holds the changes and not the resulting preferences, so that it does not undo changes
    that the session has made and not saved yet.

    Attributes:
        changed_at_ms: When the profile was changed, Unix time in ms.
    """

    changes: PreferenceChanges
    changed_at_ms: int


@dataclass(frozen=True, slots=True)
class NoteForgotten:
    """The user has deleted a note; the live model must stop using it.

    Versions before 0.2.0 read it as a notice of an unknown kind.
    """

    note_id: str


type Notice = (
    Acknowledged | HelloReceived | Detached | Superseded | PreferencesChanged | NoteForgotten
)


@dataclass(frozen=True, slots=True)
class Notified:
    """A server-side notice in a mailbox.

    Attributes:
        notice_id: The id for ``Mailbox.delete``. The id of an acknowledgement includes its content,
            so that deleting it never deletes a newer one.
    """

    notice_id: str
    notice: Notice | Unknown


type MailboxEntry = Numbered | Notified
