from typing import Annotated

from pydantic import Field

from core_agent.tools.arguments import ONE_LINE, Arguments, ClockTime, Day
from core_agent.tools.front_desk.refusals import slot_refusal
from core_agent.tools.front_desk.wording import booking_fields
from core_agent.tools.stores import Stores
from repartee.domain.front_desk.bookings import DeskRefused, Slot
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus


class BookArguments(Arguments):
    """A slot and the reason for the booking."""

    date: Day
    time: ClockTime
    reason: Annotated[
        str,
        Field(max_length=200, description="The reason, in a few words; may be empty."),
        ONE_LINE,
    ] = ""


def book(stores: Stores, context: ToolContext) -> Tool[BookArguments]:
    """Make the tool that books a slot for the caller."""

    def run(arguments: BookArguments) -> ToolResult:
        slot, reason = Slot(arguments.date, arguments.time), arguments.reason
        try:
            booking = stores.desk.book(
                context.user_id, slot, reason=reason, booked_at_ms=context.now_ms
            )
        except DeskRefused as refusal:
            return slot_refusal(stores.desk, context, slot, refusal)
        # A repeated request may word the reason differently. The first reason stays.
        is_other = reason and booking.reason != reason
        kept = f"The caller has this {context.words.booking} already, and it is unchanged."
        return ToolResult(
            ToolStatus.DONE, kept if is_other else "Booked.", booking_fields(booking, context)
        )

    return Tool(
        name="book",
        description=(
            f"Book one {context.words.booking} for the caller on a date at a time. "
            "Use it when the caller wants to book, make, reserve or schedule one, or to come."
        ),
        arguments=BookArguments,
        run=run,
    )
