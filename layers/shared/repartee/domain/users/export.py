"""What users get when they ask for all that is kept of them."""

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
    }
)
"""Kinds of items that an export shows, beside the profile."""

NOT_EXPORTED: Mapping[ItemKind, str] = {
    ItemKind.BOOKED_SLOTS: "the same as the user's bookings, found by day",
    ItemKind.CONNECTIONS: "names a connection and its session for 2 h; nothing that a user said",
    ItemKind.OPENINGS: "the same for 7 days, so that erasing finds the sessions",
    ItemKind.SESSIONS: "who serves a call and how far it is; its turns and its cost are exported",
    ItemKind.ACTIVE_SESSIONS: "counts open sessions for the cap",
    ItemKind.SESSION_GUARDS: "a version number",
    ItemKind.WAKES: "when a worker was last asked for",
    ItemKind.MAILBOX_ENTRIES: "input on its way: soon a turn, which is exported, or gone in 1 h",
    ItemKind.OTHERS: "no key is made without a kind",
}
"""Kinds of items that it does not show, and why."""


@dataclass(frozen=True, slots=True)
class RequestedTool:
    """A tool that core_agent's model wanted to be called."""

    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """One message between core_agent's model and the rest.

    What a tool found then may be nowhere else by now: an appointment that was cancelled since.

    Attributes:
        author: ``question``, ``model`` or ``tool``.
        name: The tool's, None for the others.
        tools: What the model wanted to be called.
    """

    author: str
    name: str | None
    text: str
    tools: tuple[RequestedTool, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCallRecord:
    """A call of core_agent.

    Attributes:
        tools: What it began that may have changed something.
        answer: None while it runs, and for one that was cut off.
        messages: From the question to the model's last word; none where it came to nothing.
    """

    key: ToolCallKey
    question: str
    tools: tuple[BegunTool, ...]
    answer: CoreAnswer | None
    finished_at_ms: int | None
    messages: tuple[ModelMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryRecord:
    """What a conversation's turns up to ``through`` said, in short."""

    text: str
    through: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn or a call of a conversation, or its summary.

    Attributes:
        place: Where it lies in the conversation; later ones have greater places.
    """

    place: str
    record: ToolCallRecord | SummaryRecord | Turn


@dataclass(frozen=True, slots=True)
class ExportPosition:
    """How far an export is: everything before it was handed out.

    Attributes:
        conversation_id: This conversation comes next.
        after: Of this conversation, the entries behind this place; "" from its beginning.
    """

    conversation_id: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """All of a user that is no conversation.

    Attributes:
        notes: The newest first.
        days: The newest first.
    """

    profile: Profile
    notes: tuple[Note, ...]
    bookings: tuple[Booking, ...]
    days: tuple[DayUsage, ...]

    @property
    def turns(self) -> int:
        """How many turns the days count."""
        return sum(used.turns for used in self.days)

    @property
    def talk_ms(self) -> int:
        """How long the user talked on those days."""
        return sum(used.talk_ms for used in self.days)

    @property
    def tokens(self) -> TokenUsage:
        """What Gemini Live counted on those days."""
        return reduce(TokenUsage.__add__, (used.tokens for used in self.days), TokenUsage())

    @property
    def cost_usd(self) -> Decimal:
        """What all models cost on those days."""
        return sum((used.cost_usd for used in self.days), Decimal(0))


@dataclass(frozen=True, slots=True)
class ConversationPart:
    """A conversation, or what of it a page has room for.

    Attributes:
        is_continued: The page before holds its beginning.
    """

    header: Conversation
    entries: tuple[Entry, ...]
    is_continued: bool


@dataclass(frozen=True, slots=True)
class ExportPage:
    """A stretch of an export.

    Attributes:
        account: On the first page only.
        following: Where the next page begins; None on the last one.
    """

    account: Account | None
    conversations: tuple[ConversationPart, ...]
    following: ExportPosition | None
