"""The stores of core_agent's tools."""

from dataclasses import dataclass

from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.notes import DynamoNotes
from repartee.adapters.ids import UlidSource
from repartee.domain.front_desk.rules import DeskRules
from repartee.ports.front_desk import Desk
from repartee.ports.users import Notes


@dataclass(frozen=True, slots=True)
class Stores:
    """One port per subject; a tool uses those that it needs."""

    desk: Desk
    notes: Notes


def stores_on_tables(memory: DynamoTable, desk: DynamoTable, default_rules: DeskRules) -> Stores:
    """Return the stores of a deployment.

    Args:
        memory: MemoryTable.
        desk: DeskTable.
        default_rules: In force until rules are written to DeskTable.
    """
    return Stores(
        desk=DeskTable(desk=desk, default_rules=default_rules, memory=memory),
        notes=DynamoNotes(memory=memory, ids=UlidSource()),
    )
