import json
from typing import Literal, Self

from fastapi import APIRouter, Response
from pydantic import BaseModel, JsonValue

from http_api.deps import Dependencies
from http_api.identity import UserId
from http_api.paging import Cursor, open_cursor
from http_api.routes.conversations import ConversationView
from http_api.routes.notes import NoteView
from http_api.routes.preferences import Preferences
from http_api.routes.turns import TurnView
from http_api.routes.usage import DayView
from http_api.values import Moment
from repartee.adapters.cursors import Listing
from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.cost.usage import Bill
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.tools.core_calls import BegunTool
from repartee.domain.users.export import (
    Account,
    ConversationPart,
    Entry,
    ExportPosition,
    ModelMessage,
    RequestedTool,
    SummaryRecord,
    ToolCallRecord,
    ToolRecord,
)

router = APIRouter()


class OwnLimitsView(BaseModel):
    """Limits that an operator set for this user; null where the deployment's apply."""

    talk_s_per_day: int | None
    usd_per_day: float | None


class BookingView(BaseModel):
    """A booked slot.

    Attributes:
        starts_at: In the desk's time zone, without an offset.
    """

    starts_at: str
    reason: str
    booked_at: Moment

    @classmethod
    def of(cls, booking: Booking) -> Self:
        """Show ``booking``."""
        slot = booking.slot
        return cls(
            starts_at=f"{slot.day:%Y-%m-%d}T{slot.start:%H:%M}",
            reason=booking.reason,
            booked_at=booking.booked_at_ms,
        )


class ToolRecordView(BaseModel):
    """A record that a tool keeps of the user, as stored."""

    kind: str
    record_id: str
    record: JsonValue

    @classmethod
    def of(cls, record: ToolRecord) -> Self:
        """Show ``record``."""
        shown = json.loads(record.record_json)
        return cls(kind=record.kind, record_id=record.record_id, record=shown)


class TotalsView(BaseModel):
    """Sums over all days."""

    turns: int
    talk_s: float
    tokens_in: int
    tokens_out: int
    cost_usd: float


class AccountView(BaseModel):
    """A user's data outside the conversations."""

    preferences: Preferences
    limits: OwnLimitsView
    notes: list[NoteView]
    bookings: list[BookingView]
    usage_days: list[DayView]
    usage_total: TotalsView

    @classmethod
    def of(cls, account: Account) -> Self:
        """Show ``account``."""
        limits, tokens = account.profile.limits, account.tokens
        return cls(
            preferences=Preferences.of(account.profile),
            limits=OwnLimitsView(
                talk_s_per_day=limits.talk_s,
                usd_per_day=None if limits.cost_usd is None else float(limits.cost_usd),
            ),
            notes=[NoteView.of(note) for note in account.notes],
            bookings=[BookingView.of(booking) for booking in account.bookings],
            usage_days=[DayView.of(used) for used in account.days],
            usage_total=TotalsView(
                turns=account.turns,
                talk_s=account.talk_ms / 1_000,
                tokens_in=tokens.tokens_in,
                tokens_out=tokens.tokens_out,
                cost_usd=float(account.cost_usd),
            ),
        )


class ToolView(BaseModel):
    """A tool, and its arguments as JSON text."""

    name: str
    arguments: str

    @classmethod
    def of(cls, tool: BegunTool | RequestedTool) -> Self:
        """Show ``tool``."""
        return cls(name=tool.name, arguments=tool.arguments_json)


class MessageView(BaseModel):
    """A message of core_agent's model, or to it.

    Attributes:
        author: ``question``, ``model`` or ``tool``.
        name: The tool's name, null for the others.
        tools: The tools that the model called.
    """

    author: str
    name: str | None
    text: str
    tools: list[ToolView]

    @classmethod
    def of(cls, message: ModelMessage) -> Self:
        """Show ``message``."""
        return cls(
            author=message.author,
            name=message.name,
            text=message.text,
            tools=[ToolView.of(tool) for tool in message.tools],
        )


class CallView(BaseModel):
    """A call of core_agent.

    Attributes:
        turn: The turn that made it.
        status: ``unfinished`` while it runs, and if it was cut off.
        tools: The tools that it began and that may have changed data.
    """

    turn: int
    question: str
    status: Literal["done", "refused", "failed", "unfinished"]
    answer: str | None
    tools: list[ToolView]
    messages: list[MessageView]
    finished_at: Moment | None
    tokens_in: int
    tokens_out: int
    cost_usd: float

    @classmethod
    def of(cls, call: ToolCallRecord) -> Self:
        """Show ``call``."""
        answer = call.answer
        bill = Bill() if answer is None else answer.bill
        return cls(
            turn=call.key.turn,
            question=call.question,
            status="unfinished" if answer is None else answer.status.value,
            answer=None if answer is None else answer.answer,
            tools=[ToolView.of(tool) for tool in call.tools],
            messages=[MessageView.of(message) for message in call.messages],
            finished_at=call.finished_at_ms,
            tokens_in=bill.usage.tokens_in,
            tokens_out=bill.usage.tokens_out,
            cost_usd=float(bill.cost_usd),
        )


class SummaryView(BaseModel):
    """The summary of a conversation's turns up to ``through_turn``."""

    text: str
    through_turn: int

    @classmethod
    def of(cls, summary: SummaryRecord) -> Self:
        """Show ``summary``."""
        return cls(text=summary.text, through_turn=summary.through)


class ExportedConversation(ConversationView):
    """A conversation with its entries, or with a part of them.

    Attributes:
        continued: Whether earlier entries are on the page before.
        summary: Null if there is none, or if it is on the page before.
    """

    continued: bool
    calls: list[CallView]
    summary: SummaryView | None
    turns: list[TurnView]

    @classmethod
    def holding(cls, part: ConversationPart) -> Self:
        """Show ``part``."""
        records = [entry.record for entry in part.entries]
        summaries = [SummaryView.of(one) for one in records if isinstance(one, SummaryRecord)]
        return cls(
            **dict(ConversationView.of(part.header)),
            continued=part.is_continued,
            summary=summaries[0] if summaries else None,
            calls=[CallView.of(record) for record in records if isinstance(record, ToolCallRecord)],
            turns=[TurnView.of(record) for record in records if isinstance(record, Turn)],
        )


class ExportView(BaseModel):
    """All data of a user, or a page of it.

    Attributes:
        account: On the first page only, null on the others.
        tool_records: By kind and id, before the conversations.
        conversations: The oldest first.
        next_after: The value of ``after`` for the next page; null on the last page.
    """

    version: Literal[1] = 1
    exported_at: Moment
    account: AccountView | None
    tool_records: list[ToolRecordView]
    conversations: list[ExportedConversation]
    next_after: str | None


def size_bytes(record: Conversation | Entry | ToolRecord) -> int:
    """Return the largest size of a record in Lambda's answer, a JSON text inside a JSON text."""
    view: BaseModel
    match record:
        case Conversation():
            view = ConversationView.of(record)
        case ToolRecord():
            view = ToolRecordView.of(record)
        case Entry(record=ToolCallRecord() as call):
            view = CallView.of(call)
        case Entry(record=SummaryRecord() as summary):
            view = SummaryView.of(summary)
        case Entry(record=Turn() as turn):
            view = TurnView.of(turn)
    return len(json.dumps(view.model_dump_json()))


@router.get("/me/export")
def export_me(
    deps: Dependencies, user_id: UserId, answer: Response, after: Cursor = None
) -> ExportView:
    """Export all data of the user, a page at a time."""
    place = open_cursor(deps, Listing.EXPORT, user_id, after)
    position = None if place is None else ExportPosition(*place)
    page = deps.exporter.export(user_id, position, size_bytes=size_bytes)
    following = page.following
    deps.log.info(
        "user data exported",
        extra={"conversations": len(page.conversations), "is_last": following is None},
    )
    # Browsers and proxies must not store it.
    answer.headers["cache-control"] = "no-store"
    return ExportView(
        exported_at=deps.clock.now_ms(),
        account=None if page.account is None else AccountView.of(page.account),
        tool_records=[ToolRecordView.of(record) for record in page.tool_records],
        conversations=[ExportedConversation.holding(part) for part in page.conversations],
        next_after=None
        if following is None
        else deps.cursors.seal(Listing.EXPORT, user_id, following.conversation_id, following.after),
    )
