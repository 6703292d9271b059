from core_agent.tools.arguments import Arguments
from core_agent.tools.front_desk.wording import booking_fields
from core_agent.tools.stores import Stores
from repartee.domain.front_desk.bookings import is_upcoming
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus


class MyBookingsArguments(Arguments):
    """No arguments: the bookings are the caller's."""


def my_bookings(stores: Stores, context: ToolContext) -> Tool[MyBookingsArguments]:
    """Make the tool that lists the caller's bookings."""

    def run(_arguments: MyBookingsArguments) -> ToolResult:
        coming = [
            booking_fields(booking, context)
            for booking in stores.desk.bookings(context.user_id)
            if is_upcoming(booking.slot, context.now, context.now.tzinfo)
        ]
        message = "" if coming else f"The caller has no {context.words.booking}."
        return ToolResult(ToolStatus.DONE, message, {"bookings": coming})

    return Tool(
        name="my_bookings",
        description=(
            f"List the caller's own coming {context.words.bookings}. "
            "Use it when the caller asks about them."
        ),
        arguments=MyBookingsArguments,
        run=run,
        is_read_only=True,
    )
