from core_agent.tools.arguments import Arguments, ClockTime, Day
from core_agent.tools.front_desk.refusals import slot_refusal
from core_agent.tools.front_desk.wording import booking_fields, slot_fields
from core_agent.tools.stores import Stores
from repartee.domain.front_desk.bookings import DeskRefused, Slot
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus


class MoveBookingArguments(Arguments):
    """The old slot and the new one."""

    old_date: Day
    old_time: ClockTime
    new_date: Day
    new_time: ClockTime


def move_booking(stores: Stores, context: ToolContext) -> Tool[MoveBookingArguments]:
    """Make the tool that moves one of the caller's bookings."""

    def run(arguments: MoveBookingArguments) -> ToolResult:
        old = Slot(arguments.old_date, arguments.old_time)
        new = Slot(arguments.new_date, arguments.new_time)
        try:
            booking = stores.desk.move(context.user_id, old, new, moved_at_ms=context.now_ms)
        except DeskRefused as refusal:
            return slot_refusal(stores.desk, context, new, refusal, old=old)
        fields = booking_fields(booking, context)
        if old == new:
            return ToolResult(ToolStatus.DONE, "It is there already.", fields)
        fields["from"] = slot_fields(old, context)
        return ToolResult(ToolStatus.DONE, "Moved.", fields)

    return Tool(
        name="move_booking",
        description=(
            f"Move the caller's {context.words.booking} to another date or time (reschedule it). "
            "When the caller did not name the old date and time, call my_bookings first, and ask "
            "which one when several are possible."
        ),
        arguments=MoveBookingArguments,
        run=run,
    )
