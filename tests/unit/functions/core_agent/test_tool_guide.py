"""The guide to adding a tool, followed to the letter."""

import json
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools import catalogue
from repartee.domain.tools.tool import Tool
from tests.documents import ROOT
from tests.fakes.notes import FakeNotes
from tests.fakes.tool_stores import fake_tool_stores, tool_context

pytestmark = pytest.mark.unit

GUIDE = (ROOT / "functions" / "core_agent" / "tools" / "README.md").read_text()
LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=LONDON)
SCREEN_LINES = 80


def sample() -> dict[str, Any]:
    """Run the guide's module; its names."""
    (block,) = re.findall(r"^   ```python\n(.*?)^   ```", GUIDE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "core_agent.tools.note_birthday"}
    exec(re.sub(r"^   ", "", block, flags=re.MULTILINE), names)  # noqa: S102 - our own page
    return names


def catalogue_with_sample(notes: FakeNotes, user: str) -> dict[str, Tool[Any]]:
    """Add the sample to the catalogue as the guide's second step says."""
    (added,) = re.findall(r"Add `(\w+)` to `CATALOGUE`", GUIDE)
    context = tool_context(user, NOW)
    new: Tool[Any] = sample()[added](fake_tool_stores(notes=notes), context)
    tools = (*catalogue.make_tools(fake_tool_stores(notes=notes), context), new)
    found = {tool.name: tool for tool in tools}
    assert len(found) == len(tools)
    return found


def test_the_guides_tool_works_beside_those_of_the_catalogue() -> None:
    notes = FakeNotes()
    tools = catalogue_with_sample(notes, "ann")

    noted = json.loads(tools["note_birthday"].call({"date": "1990-05-04"}).to_json())
    recalled = json.loads(tools["recall_notes"].call({}).to_json())

    assert noted == {"status": "done", "message": "Noted.", "note": "Birthday on 04 May."}
    assert [one["note"] for one in recalled["notes"]] == ["Birthday on 04 May."]


def test_the_guides_tool_keeps_the_guides_rules() -> None:
    notes = FakeNotes()
    tool = catalogue_with_sample(notes, "ann")["note_birthday"]

    for _ in range(2):
        tool.call({"date": "1990-05-04"})
    assert len(notes.newest("ann", limit=9)) == 1

    for bad in ({"date": "May"}, {}, {"date": "1990-05-04", "user_id": "bob"}):
        assert json.loads(tool.call(bad).to_json())["status"] == "invalid"
    assert notes.newest("bob", limit=9) == ()


def test_the_guide_fits_a_screen_and_names_files_that_are_there() -> None:
    assert len(GUIDE.splitlines()) <= SCREEN_LINES
    assert (ROOT / "functions" / "core_agent" / "tools" / "catalogue.py").is_file()
    for path in re.findall(r"`(tests/[\w/.]+|repartee/\w+)`", GUIDE):
        root = ROOT / "layers" / "shared" if path.startswith("repartee") else ROOT
        assert (root / path).exists(), path
