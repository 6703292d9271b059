from collections.abc import Sequence
from datetime import date, datetime

from core_agent.tools.arguments import Arguments, Day
from core_agent.tools.wording import times
from repartee.domain.desk import Slot, lies_ahead
from repartee.domain.speakable import speakable_day
from repartee.domain.tools import Tool, ToolContext, ToolResult, ToolStatus
from repartee.ports.desk import Desk


class FreeSlotsArguments(Arguments):
    """A day to look at."""

    date: Day


def free_slots(desk: Desk, context: ToolContext) -> Tool[FreeSlotsArguments]:
    """Make the tool that finds what can still be booked."""

    def run(arguments: FreeSlotsArguments) -> ToolResult:
        day = arguments.date
        free = bookable(desk, day, context.now)
        message = "" if free else "Nothing is free that day. Offer to look at another day."
        return ToolResult(
            ToolStatus.DONE,
            message,
            {"date": f"{day:%Y-%m-%d}", "spoken": speakable_day(day), "free": times(free)},
        )

    return Tool(
        name="free_slots",
        description=(
            "List the times of one day at which an appointment can still be booked. "
            "Use it when the caller asks what is free or available."
        ),
        arguments=FreeSlotsArguments,
        run=run,
        is_read_only=True,
    )


def bookable(desk: Desk, day: date, now: datetime) -> Sequence[Slot]:
    """Return the day's free slots that have not begun yet."""
    return [slot for slot in desk.free_slots(day) if lies_ahead(slot, now, now.tzinfo)]
