from core_agent.spoken_forms import spoken_forms
from core_agent.tools.arguments import Arguments, Day
from core_agent.tools.front_desk.wording import day_fields
from core_agent.tools.stores import Stores
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus


class OpeningHoursArguments(Arguments):
    """The day in question."""

    date: Day


def opening_hours(stores: Stores, context: ToolContext) -> Tool[OpeningHoursArguments]:
    """Make the tool that gives the opening hours."""

    def run(arguments: OpeningHoursArguments) -> ToolResult:
        day = arguments.date
        fields, forms = day_fields(day, context), spoken_forms(context.language)
        found = stores.desk.rules().open_on(day)
        if not found:
            return ToolResult(ToolStatus.DONE, "Closed all day.", {**fields, "open": False})
        # A night that began on the previous day comes first. The day's own hours come last.
        main = found[-1]
        spoken = forms.all_of([forms.hours(hours, day) for hours in found])
        return ToolResult(
            ToolStatus.DONE,
            f"Open {spoken}",
            {
                **fields,
                "open": True,
                "spoken_hours": spoken,
                "opens": f"{main.opens:%H:%M}",
                "closes": f"{main.closes:%H:%M}",
            },
        )

    return Tool(
        name="opening_hours",
        description=f"Say when {context.words.place} is open on one day, or that it is closed.",
        arguments=OpeningHoursArguments,
        run=run,
        is_read_only=True,
    )
