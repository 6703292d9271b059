"""The stores of core_agent's tools."""

from dataclasses import dataclass

from repartee.ports.front_desk import Desk
from repartee.ports.users import Notes


@dataclass(frozen=True, slots=True)
class Stores:
    """One port per subject; a tool uses those that it needs."""

    desk: Desk
    notes: Notes
