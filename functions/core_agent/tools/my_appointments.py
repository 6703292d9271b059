from core_agent.tools.arguments import Arguments
from core_agent.tools.wording import booking_fields
from repartee.domain.front_desk.bookings import is_upcoming
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus
from repartee.ports.front_desk import Desk


class MyAppointmentsArguments(Arguments):
    """No arguments: the appointments are the caller's."""


def my_appointments(desk: Desk, context: ToolContext) -> Tool[MyAppointmentsArguments]:
    """Make the tool that lists the caller's appointments."""

    def run(_arguments: MyAppointmentsArguments) -> ToolResult:
        coming = [
            booking_fields(booking, context.today)
            for booking in desk.bookings(context.user_id)
            if is_upcoming(booking.slot, context.now, context.now.tzinfo)
        ]
        message = "" if coming else "The caller has no appointment."
        return ToolResult(ToolStatus.DONE, message, {"appointments": coming})

    return Tool(
        name="my_appointments",
        description=(
            "List the caller's own coming appointments. "
            "Use it when the caller asks when their appointment is."
        ),
        arguments=MyAppointmentsArguments,
        run=run,
        is_read_only=True,
    )
