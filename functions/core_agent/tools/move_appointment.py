from core_agent.tools.arguments import Arguments, ClockTime, Day
from core_agent.tools.refusals import slot_refusal
from core_agent.tools.wording import booking_fields, slot_fields
from repartee.domain.front_desk.bookings import DeskRefused, Slot
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus
from repartee.ports.front_desk import Desk


class MoveAppointmentArguments(Arguments):
    """The old slot and the new one."""

    old_date: Day
    old_time: ClockTime
    new_date: Day
    new_time: ClockTime


def move_appointment(desk: Desk, context: ToolContext) -> Tool[MoveAppointmentArguments]:
    """Make the tool that moves one of the caller's appointments."""

    def run(arguments: MoveAppointmentArguments) -> ToolResult:
        old = Slot(arguments.old_date, arguments.old_time)
        new = Slot(arguments.new_date, arguments.new_time)
        try:
            booking = desk.move(context.user_id, old, new, moved_at_ms=context.now_ms)
        except DeskRefused as refusal:
            return slot_refusal(desk, context, new, refusal, old=old)
        fields = booking_fields(booking, context.today)
        if old == new:
            return ToolResult(ToolStatus.DONE, "It is there already.", fields)
        fields["from"] = slot_fields(old, context.today)
        return ToolResult(ToolStatus.DONE, "Moved.", fields)

    return Tool(
        name="move_appointment",
        description=(
            "Move the caller's appointment to another date or time (reschedule it). When the "
            "caller did not name the old date and time, call my_appointments first, and ask "
            "which one when several are possible."
        ),
        arguments=MoveAppointmentArguments,
        run=run,
    )
