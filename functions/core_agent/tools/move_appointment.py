from contextlib import suppress

from core_agent.tools.arguments import Arguments, ClockTime, Day
from core_agent.tools.book_appointment import refused
from core_agent.tools.cancel_appointment import no_such_booking
from core_agent.tools.wording import booking_fields, slot_fields
from repartee.domain.desk import BookingUnknown, Slot, SlotTaken, SlotUnknown
from repartee.domain.tools import Tool, ToolContext, ToolResult, ToolStatus
from repartee.ports.desk import Desk


class MoveAppointmentArguments(Arguments):
    """From which slot to which."""

    old_date: Day
    old_time: ClockTime
    new_date: Day
    new_time: ClockTime


def move_appointment(desk: Desk, context: ToolContext) -> Tool[MoveAppointmentArguments]:
    """Make the tool that moves one of the caller's appointments.

    It books the new slot before it gives the old one back, so the caller is never left with
    neither. Stopped between the two, the same call again completes it.
    """

    def run(arguments: MoveAppointmentArguments) -> ToolResult:
        old = Slot(arguments.old_date, arguments.old_time)
        new = Slot(arguments.new_date, arguments.new_time)
        held = {booking.slot: booking for booking in desk.bookings(context.user_id)}
        if old not in held:
            if new not in held:
                return no_such_booking()
            return ToolResult(ToolStatus.DONE, "It is there already.", booking_fields(held[new]))
        if old == new:
            return ToolResult(ToolStatus.DONE, "It is there already.", booking_fields(held[old]))
        try:
            booking = desk.book(
                context.user_id, new, reason=held[old].reason, booked_at_ms=context.now_ms
            )
        except (SlotTaken, SlotUnknown) as refusal:
            return refused(desk, context, new, refusal)
        # Given back meanwhile, by another of the caller's devices: as was wanted.
        with suppress(BookingUnknown):
            desk.cancel(context.user_id, old)
        return ToolResult(
            ToolStatus.DONE, "Moved.", {**booking_fields(booking), "from": slot_fields(old)}
        )

    return Tool(
        name="move_appointment",
        description="Move the caller's appointment to another date or time (reschedule it).",
        arguments=MoveAppointmentArguments,
        run=run,
    )
