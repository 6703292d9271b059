"""What reaches a session through its mailbox: the client's numbered messages and notices.

The wire form with its limits is in ``wire``; these are the checked values behind it.
"""

from dataclasses import dataclass

from repartee.domain.users.preferences import PreferenceChanges

# Numbered messages that a client may have out and not accepted, where the deployment does not say
# otherwise. 5 s of 200 ms chunks cover a cold start.
MAX_IN_FLIGHT = 25
# A number that is further ahead than any client's messages in flight is a fault, not a gap. 200 of
# the longest messages take 3.2 MB.
MAX_AHEAD = 200
MAX_SEQ = 999_999_999
"""The highest number of a message."""


@dataclass(frozen=True, slots=True)
class OutputPosition:
    """How far a client has received a session's output.

    Attributes:
        epoch: The worker's epoch that the frames carried.
        seq: The highest number up to which nothing is missing, 0 for none.
    """

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of every connection; it makes that connection the session's current one.

    Attributes:
        resume_from: What the client has received, None where it wants no earlier output.
        marks_speech: The client sends ``SpeechStart`` and ``SpeechEnd`` around what is said.
        connected_at_ms: When API Gateway opened its connection, Unix time in ms; 0 where a version
            wrote it that did not note that.
    """

    resume_from: OutputPosition | None = None
    marks_speech: bool = False
    connected_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Audio:
    """A chunk of the user's voice: PCM16 little-endian mono, 16 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeechStart:
    """The client's own detector heard the user begin to speak."""


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """The client's own detector heard the user stop; audio may follow later."""


@dataclass(frozen=True, slots=True)
class Text:
    """Something the user typed instead of saying it."""

    text: str


@dataclass(frozen=True, slots=True)
class Bye:
    """The user hangs up: the session ends, the conversation stays."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message or a notice of a kind that only a later version knows; it has no effect.

    While a version is being deployed, it may write to a mailbox that the version before reads.
    """

    kind: str


type Message = Hello | Audio | SpeechStart | SpeechEnd | Text | Bye


@dataclass(frozen=True, slots=True)
class Numbered:
    """A client's message at its place in the input.

    Attributes:
        seq: The client's number, from 1, without gaps.
        connection_id: The connection it came over.
        received_at_ms: When the message function put it into the mailbox, Unix time in ms.
    """

    seq: int
    message: Message | Unknown
    connection_id: str
    received_at_ms: int

    def is_repeat_of(self, other: "Numbered") -> bool:
        """Return whether this is ``other`` once more: a ``Hello`` on its own connection alone."""
        is_hello = isinstance(self.message, Hello)
        is_elsewhere = is_hello and self.connection_id != other.connection_id
        return self.message == other.message and not is_elsewhere


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The newest ``ack`` of the client; only the latest matters, so it has one fixed place.

    Attributes:
        received: Everything up to here has reached the client.
        turn: The turn that is being played, 0 when none is.
        played_ms: How much of that turn's audio the user has heard, None where the client does
            not say.
    """

    received: OutputPosition
    turn: int
    played_ms: int | None


@dataclass(frozen=True, slots=True)
class Greeted:
    """A connection said hello under a number that another message has; it counts all the same."""

    hello: Hello
    connection_id: str


@dataclass(frozen=True, slots=True)
class Detached:
    """A connection was closed, as far as API Gateway noticed."""

    connection_id: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """A newer session has taken over this session's conversation."""

    by_session_id: str


@dataclass(frozen=True, slots=True)
class PreferencesChanged:
    """The user has settled elsewhere how they are spoken to.

    It tells what was changed and not what holds now, so that it undoes nothing that the session
    itself has changed and not yet saved.

    Attributes:
        changed_at_ms: When the profile had it, Unix time in ms.
    """

    changes: PreferenceChanges
    changed_at_ms: int


@dataclass(frozen=True, slots=True)
class NoteForgotten:
    """The user has deleted a note; the live model is not to go on using it.

    Versions before 0.2.0 take it for a notice of an unknown kind.
    """

    note_id: str


type Notice = Acknowledged | Greeted | Detached | Superseded | PreferencesChanged | NoteForgotten


@dataclass(frozen=True, slots=True)
class Notified:
    """A server-side notice in a mailbox.

    Attributes:
        notice_id: What ``Mailbox.delete`` calls it. An acknowledgement's names its content too, so
            that deleting it never takes a newer one along.
    """

    notice_id: str
    notice: Notice | Unknown


type MailboxEntry = Numbered | Notified
