"""Every tool of core_agent, in the order in which the model reads them."""

from collections.abc import Callable
from typing import Any

from core_agent.tools.front_desk.book import book
from core_agent.tools.front_desk.cancel_booking import cancel_booking
from core_agent.tools.front_desk.free_slots import free_slots
from core_agent.tools.front_desk.move_booking import move_booking
from core_agent.tools.front_desk.my_bookings import my_bookings
from core_agent.tools.front_desk.opening_hours import opening_hours
from core_agent.tools.notes.forget_note import forget_note
from core_agent.tools.notes.recall_notes import recall_notes
from core_agent.tools.notes.remember_note import remember_note
from core_agent.tools.stores import Stores
from repartee.domain.tools.tool import Tool, ToolContext

CATALOGUE: tuple[Callable[[Stores, ToolContext], Tool[Any]], ...] = (
    opening_hours,
    free_slots,
    book,
    my_bookings,
    cancel_booking,
    move_booking,
    remember_note,
    recall_notes,
    forget_note,
)


def make_tools(stores: Stores, context: ToolContext) -> tuple[Tool[Any], ...]:
    """Make the tools of one request, bound to its context."""
    return tuple(maker(stores, context) for maker in CATALOGUE)
