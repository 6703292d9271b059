from core_agent.tools.arguments import Arguments, Day
from repartee.domain.speakable import speakable_day, speakable_time
from repartee.domain.tools import Tool, ToolContext, ToolResult, ToolStatus
from repartee.ports.desk import Desk


class OpeningHoursArguments(Arguments):
    """A day to ask about."""

    date: Day


def opening_hours(desk: Desk, _context: ToolContext) -> Tool[OpeningHoursArguments]:
    """Make the tool that says when the desk is open."""

    def run(arguments: OpeningHoursArguments) -> ToolResult:
        day = arguments.date
        fields = {"date": f"{day:%Y-%m-%d}", "spoken": speakable_day(day)}
        hours = desk.opening_hours(day)
        if hours is None:
            return ToolResult(ToolStatus.DONE, "Closed all day.", {**fields, "open": False})
        return ToolResult(
            ToolStatus.DONE,
            f"Open from {speakable_time(hours.opens)} to {speakable_time(hours.closes)}",
            {
                **fields,
                "open": True,
                "opens": f"{hours.opens:%H:%M}",
                "closes": f"{hours.closes:%H:%M}",
            },
        )

    return Tool(
        name="opening_hours",
        description="Tell when the desk is open on one day, or that it is closed.",
        arguments=OpeningHoursArguments,
        run=run,
        is_read_only=True,
    )
