from core_agent.tools.arguments import Arguments, ClockTime, Day
from core_agent.tools.wording import slot_fields
from repartee.domain.desk import BookingUnknown, Slot
from repartee.domain.tools import Tool, ToolContext, ToolResult, ToolStatus
from repartee.ports.desk import Desk


class CancelAppointmentArguments(Arguments):
    """The slot to give back."""

    date: Day
    time: ClockTime


def cancel_appointment(desk: Desk, context: ToolContext) -> Tool[CancelAppointmentArguments]:
    """Make the tool that gives one of the caller's slots back."""

    def run(arguments: CancelAppointmentArguments) -> ToolResult:
        slot = Slot(arguments.date, arguments.time)
        try:
            desk.cancel(context.user_id, slot)
        except BookingUnknown:
            return no_such_booking()
        return ToolResult(ToolStatus.DONE, "Cancelled.", slot_fields(slot))

    return Tool(
        name="cancel_appointment",
        description="Cancel the caller's appointment on a date at a time.",
        arguments=CancelAppointmentArguments,
        run=run,
    )


def no_such_booking() -> ToolResult:
    """Return that the caller holds no such slot."""
    return ToolResult(
        ToolStatus.REFUSED,
        "The caller has no appointment then. Look at my_appointments before you answer.",
        {"reason": "no_such_appointment"},
    )
