import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date

from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.cost.limits import DayUsage
from repartee.domain.protocol.messages import Acknowledged, Notice, Numbered
from repartee.domain.session.state import ActiveSession, ConnectionOpening, SessionState
from repartee.domain.tools.core_calls import Attempt, BegunTool, Exchange, ToolCallKey
from repartee.domain.users.erasure import Erasure
from repartee.domain.users.notes import Note
from repartee.domain.users.preferences import Profile
from repartee.domain.users.retention import HEADER_MARGIN_S, Retention
from tests.fakes.clock import FakeClock

# The lifetimes of repartee.adapters.dynamodb.keys; the contract suites check both.
MAILBOX_LIFETIME_MS = 3_600_000
ACTIVE_SESSION_LIFETIME_MS = 8_100_000


@dataclass(slots=True)
class MailboxContents:
    """One session's mailbox; each entry has the time in ms at which it expires."""

    messages: dict[int, tuple[Numbered, int]] = field(default_factory=dict)
    notices: dict[str, tuple[Notice, int]] = field(default_factory=dict)
    acknowledged: tuple[Acknowledged, int] | None = None


@dataclass(slots=True)
class StoredToolCall:
    """A call: claimed until ``until_ms``, or finished if it has an exchange."""

    arguments_hash: str
    question: str
    until_ms: int
    begun: list[BegunTool] = field(default_factory=list)
    exchange: Exchange | None = None
    run_id: str = ""

    def attempt(self) -> Attempt:
        """Return the call as an attempt."""
        answer = self.exchange.answer.answer if self.exchange is not None else None
        return Attempt(self.question, tuple(self.begun), answer)


@dataclass(slots=True)
class FakeTables:
    """The data that the fake stores share, so that one can check what another wrote.

    Calls are stored under their key and "". A call whose key another question took is stored under
    its key and part of its hash.

    ``tool_records`` holds JSON texts by user, kind and id. ``expiries`` holds Unix times in s by
    kind and key. ``erasures`` holds tombstones by user and conversation, or None for the whole
    user. ``opened_in`` holds the conversation of each session that was ever opened.

    Every store holds ``lock`` during each operation, which makes the operations atomic.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    lock: threading.RLock = field(default_factory=threading.RLock)
    states: dict[str, SessionState] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    wakes: dict[str, int] = field(default_factory=dict)
    mailboxes: dict[str, MailboxContents] = field(default_factory=dict)
    connections: dict[str, ConnectionOpening] = field(default_factory=dict)
    openings: dict[tuple[str, str], str] = field(default_factory=dict)
    spent_tickets: set[str] = field(default_factory=set)
    refused_messages: Counter[str] = field(default_factory=Counter)
    active_sessions: dict[tuple[str, str], ActiveSession] = field(default_factory=dict)
    conversations: dict[tuple[str, str], Conversation] = field(default_factory=dict)
    turns: dict[str, dict[int, Turn]] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    calls: dict[str, dict[tuple[ToolCallKey, str], StoredToolCall]] = field(default_factory=dict)
    erasures: dict[tuple[str, str | None], Erasure] = field(default_factory=dict)
    opened_in: dict[str, str] = field(default_factory=dict)
    erased_sessions: set[str] = field(default_factory=set)
    usage: dict[tuple[str, date], DayUsage] = field(default_factory=dict)
    notes: dict[str, dict[str, Note]] = field(default_factory=dict)
    tool_records: dict[tuple[str, str, str], str] = field(default_factory=dict)
    retention: Retention = field(default_factory=Retention)
    expiries: dict[tuple[object, ...], int] = field(default_factory=dict)

    def expire(self, place: tuple[object, ...], ends_at_s: int | None) -> None:
        """Set when the item at ``place`` expires; None for never."""
        if ends_at_s is None:
            self.expiries.pop(place, None)
        else:
            self.expiries[place] = ends_at_s

    def renew_header(self, user_id: str, conversation_id: str, now_ms: int) -> None:
        """Extend the expiry of an existing header to that of a header written now."""
        place = ("header", user_id, conversation_id)
        stored_s = self.expiries.get(place)
        self.expire(place, self.retention.renewed_header_ends_at_s(now_ms, stored_s))

    def is_kept(self, *place: object) -> bool:
        """Return whether the item at this place has not expired."""
        ends_at_s = self.expiries.get(place)
        return ends_at_s is None or ends_at_s > self.clock.now_ms() // 1_000

    def shown_header(self, user_id: str, conversation_id: str) -> Conversation | None:
        """Return a header as readers see it: None if it expired, and without an expired summary."""
        header = self.conversations.get((user_id, conversation_id))
        ends_at_s = self.expiries.get(("header", user_id, conversation_id))
        now_s = self.clock.now_ms() // 1_000
        if header is None or (ends_at_s is not None and ends_at_s - HEADER_MARGIN_S <= now_s):
            return None
        if not self.is_kept("summary", conversation_id):
            return replace(header, summary="", summary_through=0)
        return header

    def count(self, user_id: str, more: DayUsage, now_ms: int | None = None) -> None:
        """Add to the user's usage of a day."""
        if now_ms is not None:
            self.expire(("usage", user_id, more.day), self.retention.ends_at_s(now_ms))
        used = self.usage.get((user_id, more.day), DayUsage(more.day))
        self.usage[user_id, more.day] = DayUsage(
            more.day,
            used.turns + more.turns,
            used.talk_ms + more.talk_ms,
            used.tokens + more.tokens,
            used.cost_usd + more.cost_usd,
        )

    def active(self, user_id: str, now_ms: int) -> dict[str, ActiveSession]:
        """Return the user's open sessions."""
        return {
            session_id: active
            for (user, session_id), active in self.active_sessions.items()
            if user == user_id and active.expires_at_ms > now_ms
        }

    def is_erased(self, user_id: str) -> bool:
        """Return whether the user's tombstone is set."""
        profile = self.profiles.get(user_id)
        return profile is not None and profile.erased_at_ms is not None
