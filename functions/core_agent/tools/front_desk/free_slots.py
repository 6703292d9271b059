from core_agent.tools.arguments import Arguments, Day
from core_agent.tools.front_desk.wording import closed_day_reason, day_fields, time_fields
from core_agent.tools.stores import Stores
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus


class FreeSlotsArguments(Arguments):
    """The day to list."""

    date: Day


def free_slots(stores: Stores, context: ToolContext) -> Tool[FreeSlotsArguments]:
    """Make the tool that finds free slots."""

    def run(arguments: FreeSlotsArguments) -> ToolResult:
        day = arguments.date
        free = stores.desk.free_slots(day, now=context.now)
        message = ""
        if not free:
            why = (
                closed_day_reason(stores.desk.rules(), day, context) or "Nothing is free that day."
            )
            message = f"{why} Offer to look at another day."
        fields = {**day_fields(day, context.today), "free": time_fields(free)}
        return ToolResult(ToolStatus.DONE, message, fields)

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
