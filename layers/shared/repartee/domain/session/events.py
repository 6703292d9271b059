"""The events of a session, which are the only input of its machine."""

from dataclasses import dataclass

from repartee.domain.cost.limits import DayUsage
from repartee.domain.cost.service_cap import ServiceSpending
from repartee.domain.live.model import LiveEvent
from repartee.domain.protocol.messages import Acknowledged, MailboxEntry, Notified
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallKey


@dataclass(frozen=True, slots=True)
class MailboxRead:
    """The mailbox entries after ``SessionMachine.read_after``; entries may occur repeatedly."""

    entries: tuple[MailboxEntry, ...]

    @property
    def acknowledged_first(self) -> list[MailboxEntry]:
        """Return the entries with the acknowledgements first.

        A ``hello`` that an earlier worker has read may ask for output that the client has received
        since.
        """
        return sorted(self.entries, key=lambda one: not _is_acknowledgement(one))


@dataclass(frozen=True, slots=True)
class Started:
    """The worker holds the lease and serves the session from now on.

    Attributes:
        used: The user's usage today, None if it is not limited.
        unread: The entries in the mailbox. They are accepted even if the session ends at once.
        service: The spending of all users today, None without a cap.
        is_stopped: Whether the operator has stopped all calls.
    """

    used: DayUsage | None = None
    unread: MailboxRead = MailboxRead(())
    service: ServiceSpending | None = None
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class FromLive:
    """An event of the live model.

    Attributes:
        generation: The generation of the ``OpenLive`` that opened the Live session.
    """

    generation: int
    event: LiveEvent


@dataclass(frozen=True, slots=True)
class CoreAnswered:
    """core_agent has answered, or it has failed to answer.

    Attributes:
        arguments_hash: The hash in the ``AskCoreAgent`` that this answers.
    """

    key: ToolCallKey
    arguments_hash: str
    answer: CoreAnswer


@dataclass(frozen=True, slots=True)
class FramePosted:
    """API Gateway has taken a frame for this connection."""

    connection_id: str
    seq: int


@dataclass(frozen=True, slots=True)
class PostRefused:
    """API Gateway has not taken a frame.

    Attributes:
        is_gone: Whether the connection is closed. Otherwise the client is too slow.
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
        through: The last turn that it covers, 0 without a summary.
    """

    summary: str
    through: int


@dataclass(frozen=True, slots=True)
class UsageRead:
    """The usage of today, including all committed turns.

    Attributes:
        used: The user's usage, None if the table did not answer.
        service: The spending of all users, None without a cap or an answer.
    """

    used: DayUsage | None
    service: ServiceSpending | None = None


@dataclass(frozen=True, slots=True)
class CallsStopped:
    """The operator has stopped all calls; this event repeats while that is so."""


@dataclass(frozen=True, slots=True)
class ConversationLost:
    """The session must not write the conversation, which a newer session has or which is erased."""

    is_erased: bool


@dataclass(frozen=True, slots=True)
class LeaseWasLost:
    """The lease has expired or was taken, so another worker may serve the session."""


@dataclass(frozen=True, slots=True)
class TimeRunningOut:
    """Lambda will stop this worker in ``remaining_ms``."""

    remaining_ms: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A deadline of ``SessionMachine.next_deadline_ms`` has passed."""


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
    | CallsStopped
    | ConversationLost
    | LeaseWasLost
    | TimeRunningOut
    | Tick
)
