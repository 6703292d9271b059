from core_agent.tools.arguments import Arguments, Day
from core_agent.tools.front_desk.wording import day_fields, obstacle_text, time_fields
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
        fields = {**day_fields(day, context), "free": time_fields(free, context)}
        if free:
            return ToolResult(ToolStatus.DONE, fields=fields)
        rules = stores.desk.rules()
        obstacle = rules.obstacle(day, context.now)
        why = obstacle_text(obstacle, rules, day, context) or "Nothing is free that day."
        fields["reason"] = obstacle.value if obstacle else "nothing_free"
        return ToolResult(ToolStatus.DONE, f"{why} Offer to look at another day.", fields)

    return Tool(
        name="free_slots",
        description=(
            f"List the times of one day at which {context.words.bookings} are still possible. "
            "Use it when the caller asks what is free or available."
        ),
        arguments=FreeSlotsArguments,
        run=run,
        is_read_only=True,
    )
