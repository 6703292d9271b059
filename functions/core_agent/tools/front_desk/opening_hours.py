from core_agent.tools.arguments import Arguments, Day
from core_agent.tools.front_desk.wording import day_fields
from core_agent.tools.stores import Stores
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.text.speakable import speakable_time
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus


class OpeningHoursArguments(Arguments):
    """The day in question."""

    date: Day


def opening_hours(stores: Stores, context: ToolContext) -> Tool[OpeningHoursArguments]:
    """Make the tool that says when the desk is open."""

    def run(arguments: OpeningHoursArguments) -> ToolResult:
        day = arguments.date
        fields = day_fields(day, context.today)
        found = stores.desk.rules().open_on(day)
        if not found:
            return ToolResult(ToolStatus.DONE, "Closed all day.", {**fields, "open": False})
        # A night that began on the previous day comes first. The day's own hours come last.
        main = found[-1]
        return ToolResult(
            ToolStatus.DONE,
            f"Open {' and '.join(_spoken(hours) for hours in found)}",
            {
                **fields,
                "open": True,
                "opens": f"{main.opens:%H:%M}",
                "closes": f"{main.closes:%H:%M}",
            },
        )

    return Tool(
        name="opening_hours",
        description="Say when the desk is open on one day, or that it is closed.",
        arguments=OpeningHoursArguments,
        run=run,
        is_read_only=True,
    )


def _spoken(hours: OpeningHours) -> str:
    spoken = f"from {speakable_time(hours.opens)} to {speakable_time(hours.closes)}"
    is_later = hours.ends_next_day and hours.closes.hour + hours.closes.minute
    return f"{spoken} the next day" if is_later else spoken
