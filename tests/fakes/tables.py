import threading
from dataclasses import dataclass, field

from repartee.domain.calls import CallKey, Exchange
from repartee.domain.conversation import Conversation, Profile, Turn
from repartee.domain.messages import Acknowledged, Notice, Numbered
from repartee.domain.session_state import ConnectionOpening, SessionState
from tests.fakes.clock import FakeClock

# The lifetimes of repartee.adapters.dynamodb.keys; the contract suites hold both to them.
MAILBOX_LIFETIME_MS = 3_600_000
ACTIVE_SESSION_LIFETIME_MS = 8_100_000


@dataclass(slots=True)
class MailboxContents:
    """One session's mailbox; each entry with the time in ms at which it expires."""

    messages: dict[int, tuple[Numbered, int]] = field(default_factory=dict)
    notices: dict[str, tuple[Notice, int]] = field(default_factory=dict)
    acknowledged: tuple[Acknowledged, int] | None = None


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A claimed call whose claim holds until ``until_ms``."""

    until_ms: int


@dataclass(slots=True)
class FakeTables:
    """What the fake stores share, so that one may check what another wrote.

    Every store takes ``lock`` around each operation, which makes each of them atomic.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    lock: threading.RLock = field(default_factory=threading.RLock)
    states: dict[str, SessionState] = field(default_factory=dict)
    wakes: dict[str, int] = field(default_factory=dict)
    mailboxes: dict[str, MailboxContents] = field(default_factory=dict)
    connections: dict[str, ConnectionOpening] = field(default_factory=dict)
    spent_tickets: set[str] = field(default_factory=set)
    active_sessions: dict[tuple[str, str], int] = field(default_factory=dict)
    conversations: dict[tuple[str, str], Conversation] = field(default_factory=dict)
    turns: dict[str, dict[int, Turn]] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    calls: dict[str, dict[CallKey, Exchange | RunningCall]] = field(default_factory=dict)

    def is_erased(self, user_id: str) -> bool:
        """Tell whether the user's tombstone is set."""
        profile = self.profiles.get(user_id)
        return profile is not None and profile.erased_at_ms is not None
