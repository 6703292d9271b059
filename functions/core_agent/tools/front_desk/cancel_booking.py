from core_agent.tools.arguments import Arguments, ClockTime, Day
from core_agent.tools.front_desk.refusals import booking_not_found
from core_agent.tools.front_desk.wording import slot_fields
from core_agent.tools.stores import Stores
from repartee.domain.front_desk.bookings import BookingUnknown, Slot, is_upcoming
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus


class CancelBookingArguments(Arguments):
    """The slot of the booking."""

    date: Day
    time: ClockTime


def cancel_booking(stores: Stores, context: ToolContext) -> Tool[CancelBookingArguments]:
    """Make the tool that cancels one of the caller's bookings."""

    def run(arguments: CancelBookingArguments) -> ToolResult:
        slot = Slot(arguments.date, arguments.time)
        if not is_upcoming(slot, context.now, context.now.tzinfo):
            return booking_not_found(slot, context)
        try:
            stores.desk.cancel(context.user_id, slot)
        except BookingUnknown:
            return booking_not_found(slot, context)
        return ToolResult(ToolStatus.DONE, "Cancelled.", slot_fields(slot, context))

    return Tool(
        name="cancel_booking",
        description=(
            f"Cancel the caller's {context.words.booking} on a date at a time. When the caller did "
            "not name both, call my_bookings first, and ask which one when several are possible."
        ),
        arguments=CancelBookingArguments,
        run=run,
    )
