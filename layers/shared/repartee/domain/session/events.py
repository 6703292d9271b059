"""The events of a session. Nothing else reaches its machine."""

from dataclasses import dataclass

from repartee.domain.cost.limits import DayUsage
from repartee.domain.live.model import LiveEvent
from repartee.domain.protocol.messages import Acknowledged, MailboxEntry, Notified
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallKey


@dataclass(frozen=True, slots=True)
class MailboxRead:
    """The mailbox entries after ``SessionMachine.read_after``; they may repeat themselves."""

    entries: tuple[MailboxEntry, ...]

    @property
    def acknowledged_first(self) -> list[MailboxEntry]:
        """The entries as they count: what the client has got comes before all else.

        A hello that another worker has read before may ask for what has been got since.
        """
        return sorted(self.entries, key=lambda one: not _is_acknowledgement(one))


@dataclass(frozen=True, slots=True)
class Started:
    """The lease is held; serve the session.

    Attributes:
        used: What the user has used today, None where that is not limited.
        unread: What stood in the mailbox, for it counts also where the session ends at once.
    """

    used: DayUsage | None = None
    unread: MailboxRead = MailboxRead(())


@dataclass(frozen=True, slots=True)
class FromLive:
    """The live model said something.

    Attributes:
        generation: Of the ``OpenLive`` that opened the session it was said in.
    """

    generation: int
    event: LiveEvent


@dataclass(frozen=True, slots=True)
class CoreAnswered:
    """core_agent has answered, or it is known that it will not.

    Attributes:
        arguments_hash: That of the ``AskCoreAgent`` it answers.
    """

    key: ToolCallKey
    arguments_hash: str
    answer: CoreAnswer


@dataclass(frozen=True, slots=True)
class FramePosted:
    """API Gateway took a frame for this connection."""

    connection_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class PostRefused:
    """A frame was not taken.

    Attributes:
        is_gone: The connection is closed; otherwise the client is too slow for now.
    """

    connection_id: str
    seq: int
    is_gone: bool


@dataclass(frozen=True, slots=True)
class TurnCommitted:
    """The oldest uncommitted turn is in memory now."""


@dataclass(frozen=True, slots=True)
class SummaryRead:
    """The conversation's summary as it is now.

    Attributes:
        through: The turn up to which it goes, 0 without one.
    """

    summary: str
    through: int


@dataclass(frozen=True, slots=True)
class UsageRead:
    """The user's usage today, with every turn that was committed until now."""

    used: DayUsage


@dataclass(frozen=True, slots=True)
class ConversationLost:
    """The conversation may not be written any more: a newer session has it, or it is erased."""

    is_erased: bool


@dataclass(frozen=True, slots=True)
class LeaseWasLost:
    """Another worker serves this session, or may by now."""


@dataclass(frozen=True, slots=True)
class TimeRunningOut:
    """This worker will be stopped from outside in ``remaining_ms``."""

    remaining_ms: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline that the machine asked for has come."""


def _is_acknowledgement(entry: MailboxEntry) -> bool:
    return isinstance(entry, Notified) and isinstance(entry.notice, Acknowledged)


type Event = (
    Started
    | MailboxRead
    | FromLive
    | CoreAnswered
    | FramePosted
    | PostRefused
    | TurnCommitted
    | SummaryRead
    | UsageRead
    | ConversationLost
    | LeaseWasLost
    | TimeRunningOut
    | Tick
)
