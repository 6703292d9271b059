import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from core_agent.tools.catalogue import make_tools
from core_agent.tools.stores import Stores
from repartee.domain.persona import Persona
from repartee.domain.tools.tool import ToolContext
from tests.fakes.desk import FakeDesk
from tests.fakes.notes import FakeNotes
from tests.fakes.tables import FakeTables
from tests.personas import FRONT_DESK


def fake_tool_stores(tables: FakeTables | None = None, **given: Any) -> Stores:
    """Return a fake of every store of the tools, except the stores that are given by name."""
    tables = tables or FakeTables()
    fakes = Stores(
        desk=FakeDesk({}, tables=tables),
        notes=FakeNotes(tables),
    )
    return replace(fakes, **given)


def call_tool(
    name: str, arguments: dict[str, Any], context: ToolContext, **stores: Any
) -> dict[str, Any]:
    """Run a tool of the catalogue on fakes and the given stores; return the model's result."""
    tools = {tool.name: tool for tool in make_tools(fake_tool_stores(**stores), context)}
    result: dict[str, Any] = json.loads(tools[name].call(arguments).to_json())
    return result


def tool_context(user_id: str, now: datetime, persona: Persona = FRONT_DESK) -> ToolContext:
    """Return a context in which a persona answers in its first language."""
    return ToolContext(user_id, "c1", now, persona.words, persona.language)
