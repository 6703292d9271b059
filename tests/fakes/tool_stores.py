from dataclasses import replace
from typing import Any

from core_agent.tools.stores import Stores
from tests.fakes.desk import FakeDesk
from tests.fakes.notes import FakeNotes
from tests.fakes.tables import FakeTables


def fake_tool_stores(tables: FakeTables | None = None, **given: Any) -> Stores:
    """Return a fake of every store of the tools, except the stores that are given by name."""
    tables = tables or FakeTables()
    fakes = Stores(desk=FakeDesk({}, tables=tables), notes=FakeNotes(tables))
    return replace(fakes, **given)
