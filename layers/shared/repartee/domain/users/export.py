"""The export of a user's data."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.cost.limits import DayUsage
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.tools.core_calls import BegunTool, CoreAnswer, ToolCallKey
from repartee.domain.users.erasure import ItemKind
from repartee.domain.users.notes import Note
from repartee.domain.users.preferences import Profile

EXPORTED = frozenset(
    {
        ItemKind.CONVERSATIONS,
        ItemKind.TURNS,
        ItemKind.CALLS,
        ItemKind.SUMMARIES,
        ItemKind.USAGE_DAYS,
        ItemKind.NOTES,
        ItemKind.BOOKINGS,
        ItemKind.TOOL_RECORDS,
    }
)
"""Kinds of items that an export contains in addition to the profile."""

NOT_EXPORTED: Mapping[ItemKind, str] = {
    ItemKind.BOOKED_SLOTS: "same as the user's bookings, keyed by day",
    ItemKind.CONNECTIONS: "ids of a connection and its session for 2 h; no words of the user",
    ItemKind.OPENINGS: "the same ids for 7 days, so that an erasure finds the sessions",
    ItemKind.SESSIONS: "state of a session; its turns and its cost are exported",
    ItemKind.ACTIVE_SESSIONS: "counts open sessions for the cap",
    ItemKind.SESSION_GUARDS: "a version number",
    ItemKind.WAKES: "when a worker was last woken",
    ItemKind.MAILBOX_ENTRIES: "input in transit: it becomes a turn, or expires within 1 h",
    ItemKind.OTHERS: "every key has a kind, so no such item is written",
}
"""Kinds of items that an export omits, each with the reason."""


@dataclass(frozen=True, slots=True)
class RequestedTool:
    """A tool call that core_agent's model requested."""

    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """One message of the exchange between the question, core_agent's model and its tools.

    A tool's result may be stored nowhere else, such as an appointment that was cancelled later.

    Attributes:
        author: ``question``, ``model`` or ``tool``.
        name: The tool's name, None for other authors.
        tools: The tool calls that the model requested.
    """

    author: str
    name: str | None
    text: str
    tools: tuple[RequestedTool, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCallRecord:
    """A call of core_agent.

    Attributes:
        tools: The tools that it began and that may have changed something.
        answer: None while the call runs, and for a call that was cut off.
        messages: From the question to the model's last message; empty for a call without a result.
    """

    key: ToolCallKey
    question: str
    tools: tuple[BegunTool, ...]
    answer: CoreAnswer | None
    finished_at_ms: int | None
    messages: tuple[ModelMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryRecord:
    """Summary of a conversation's turns up to ``through``."""

    text: str
    through: int


@dataclass(frozen=True, slots=True)
class ToolRecord:
    """A record that a tool keeps of the user.

    Attributes:
        kind: What it is a record of, such as ``orders``.
        record_json: The record as stored, as JSON text.
    """

    kind: str
    record_id: str
    record_json: str

    @property
    def place(self) -> str:
        """The record's position among all records of the user."""
        return f"{self.kind}#{self.record_id}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn, a call or the summary of a conversation.

    Attributes:
        place: The entry's position; later entries have greater positions.
    """

    place: str
    record: ToolCallRecord | SummaryRecord | Turn


@dataclass(frozen=True, slots=True)
class ExportPosition:
    """The position at which an export continues.

    Attributes:
        conversation_id: The next conversation, "" while tool records are left.
        after: The position of the last exported entry in it, or of the last tool record; "" to
            start at the first one.
    """

    conversation_id: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A user's data outside the conversations.

    Attributes:
        notes: Newest first.
        days: Newest first.
    """

    profile: Profile
    notes: tuple[Note, ...]
    bookings: tuple[Booking, ...]
    days: tuple[DayUsage, ...]

    @property
    def turns(self) -> int:
        """The number of turns of all days."""
        return sum(used.turns for used in self.days)

    @property
    def talk_ms(self) -> int:
        """The length of the turns of all days."""
        return sum(used.talk_ms for used in self.days)

    @property
    def tokens(self) -> TokenUsage:
        """The tokens of all days."""
        return reduce(TokenUsage.__add__, (used.tokens for used in self.days), TokenUsage())

    @property
    def cost_usd(self) -> Decimal:
        """The cost of all days."""
        return sum((used.cost_usd for used in self.days), Decimal(0))


@dataclass(frozen=True, slots=True)
class ConversationPart:
    """A conversation, or the part of it that fits the page.

    Attributes:
        is_continued: The previous page holds the start of the conversation.
    """

    header: Conversation
    entries: tuple[Entry, ...]
    is_continued: bool


@dataclass(frozen=True, slots=True)
class ExportPage:
    """One page of an export.

    Attributes:
        account: Set on the first page only.
        tool_records: They come before the conversations.
        following: Position of the next page; None on the last page.
    """

    account: Account | None
    tool_records: tuple[ToolRecord, ...]
    conversations: tuple[ConversationPart, ...]
    following: ExportPosition | None
