"""Every tool of core_agent, in the order in which the model reads them."""

from typing import Any

from core_agent.tools.book_appointment import book_appointment
from core_agent.tools.cancel_appointment import cancel_appointment
from core_agent.tools.forget_note import forget_note
from core_agent.tools.free_slots import free_slots
from core_agent.tools.move_appointment import move_appointment
from core_agent.tools.my_appointments import my_appointments
from core_agent.tools.opening_hours import opening_hours
from core_agent.tools.recall_notes import recall_notes
from core_agent.tools.remember_note import remember_note
from repartee.domain.tools.tool import Tool, ToolContext
from repartee.ports.front_desk import Desk
from repartee.ports.users import Notes


def make_tools(desk: Desk, notes: Notes, context: ToolContext) -> tuple[Tool[Any], ...]:
    """Make the tools of one request, bound to its context."""
    return (
        opening_hours(desk, context),
        free_slots(desk, context),
        book_appointment(desk, context),
        my_appointments(desk, context),
        cancel_appointment(desk, context),
        move_appointment(desk, context),
        remember_note(notes, context),
        recall_notes(notes, context),
        forget_note(notes, context),
    )
