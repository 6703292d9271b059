from core_agent.tools.arguments import Arguments
from core_agent.tools.front_desk.wording import booking_fields
from core_agent.tools.stores import Stores
from repartee.domain.front_desk.bookings import is_upcoming
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus


class MyBookingsArguments(Arguments):
    """No arguments: the appointments are the caller's."""


def my_bookings(stores: Stores, context: ToolContext) -> Tool[MyBookingsArguments]:
    """Make the tool that lists the caller's appointments."""

    def run(_arguments: MyBookingsArguments) -> ToolResult:
        coming = [
            booking_fields(booking, context.today)
            for booking in stores.desk.bookings(context.user_id)
            if is_upcoming(booking.slot, context.now, context.now.tzinfo)
        ]
        message = "" if coming else "The caller has no appointment."
        return ToolResult(ToolStatus.DONE, message, {"bookings": coming})

    return Tool(
        name="my_bookings",
        description=(
            "List the caller's own coming appointments. "
            "Use it when the caller asks when their appointment is."
        ),
        arguments=MyBookingsArguments,
        run=run,
        is_read_only=True,
    )
