from typing import Annotated

from pydantic import Field

from core_agent.tools.arguments import ONE_LINE, Arguments, ClockTime, Day
from core_agent.tools.free_slots import bookable
from core_agent.tools.wording import booking_fields, times
from repartee.domain.desk import Slot, SlotTaken, SlotUnknown
from repartee.domain.tools import Tool, ToolContext, ToolResult, ToolStatus
from repartee.ports.desk import Desk


class BookAppointmentArguments(Arguments):
    """A slot and what it is for."""

    date: Day
    time: ClockTime
    reason: Annotated[
        str,
        Field(max_length=200, description="What it is for, in a few words; may be empty."),
        ONE_LINE,
    ] = ""


def book_appointment(desk: Desk, context: ToolContext) -> Tool[BookAppointmentArguments]:
    """Make the tool that books a slot for the caller."""

    def run(arguments: BookAppointmentArguments) -> ToolResult:
        slot = Slot(arguments.date, arguments.time)
        try:
            booking = desk.book(
                context.user_id,
                slot,
                reason=arguments.reason,
                booked_at_ms=context.now_ms,
            )
        except (SlotTaken, SlotUnknown) as refusal:
            return refused(desk, context, slot, refusal)
        return ToolResult(ToolStatus.DONE, fields=booking_fields(booking))

    return Tool(
        name="book_appointment",
        description=(
            "Book an appointment for the caller on a date at a time. "
            "Use it when the caller wants to book, make or schedule an appointment or see somebody."
        ),
        arguments=BookAppointmentArguments,
        run=run,
    )


def refused(
    desk: Desk, context: ToolContext, slot: Slot, refusal: SlotTaken | SlotUnknown
) -> ToolResult:
    """Return why ``slot`` cannot be had, with the times of that day that can."""
    taken = isinstance(refusal, SlotTaken)
    why = "Somebody else has that time." if taken else "That time cannot be booked."
    free = bookable(desk, slot.day, context.now)
    advice = "Offer one or two of the free times." if free else "Offer to look at another day."
    return ToolResult(
        ToolStatus.REFUSED,
        f"{why} {advice}",
        {"reason": "slot_taken" if taken else "no_such_slot", "free": times(free)},
    )
