"""Sessions recorded by an earlier version have the same effects today, lane by lane.

``tests/golden/sessions/README.md`` says what each recording holds.
"""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from repartee.domain.session.replay.codec import Json
from repartee.domain.session.replay.recording import first_difference, replay_steps
from tests.personas import LIVE_PERSONA

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parents[4] / "golden" / "sessions"
RECORDINGS = sorted(FOLDER.glob("*.jsonl.gz"))

# Classes and fields that have another name since.
RENAMED_CLASSES = {"CallKey": "ToolCallKey", "CallStatus": "ToolCallStatus"}
RENAMED_FIELDS: Mapping[str, Mapping[str, str]] = {
    "ReplyAudio": {"data": "pcm"},
    "SessionState": {"greeted": "newest_hello"},
}

# Fields that are new since, with the values that the recorded sessions stand for.
ADDED_FIELDS: Mapping[str, Mapping[str, Json]] = {
    "SetConnection": {"features": []},
    "ToolResponse": {"is_held": False},
}
# Fields and live events that are gone since; no session sent the handles.
REMOVED_FIELDS = {("LiveConfig", "resumption_handle")}
REMOVED_EVENTS = {"LiveResumption"}
# A turn keeps no answer of these tools any more, because it only instructs the model.
INSTRUCTING_TOOLS = {"set_preferences", "end_call"}
INSTRUCTION = re.compile(r" Your voice will be \w+ after this reply\..*")
UNKNOWN_EVENT = {"class": "LiveUnknown", "keys": ["sessionResumptionUpdate"]}

# The shell carries out each lane in order and the lanes side by side.
LANES = {
    "tables": {
        "CommitTurn",
        "AmendTurn",
        "SetConnection",
        "SavePreferences",
        "DeleteInput",
        "AskForSummary",
        "ReadSummary",
        "ReadUsage",
    },
    "client": {"PostFrame", "CloseConnection"},
    "other": {"AskCoreAgent", "Finish"},
}
# Text in these fields may be worded by this project, and its wording may improve.
PROSE = {
    ("LiveConfig", "system_instruction"),
    ("ToolDeclaration", "description"),
    ("ToolParameter", "description"),
    ("ToolResponse", "answer"),
    ("ToolCall", "answer"),
    ("SessionError", "message"),
    ("SendText", "text"),
    ("HistoryEntry", "text"),
}

# This estimate depends on the length of such texts. The comparison is whether there is one.
FROM_LENGTHS = {("OpenLive", "saves_usd")}


def read(path: Path) -> list[str]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [json.dumps(rewritten(json.loads(line))) for line in lines]


def rewritten(data: Any) -> Any:
    """Return a recorded value with today's names of its classes and fields."""
    if isinstance(data, list):
        return [rewritten(each) for each in data]
    if not isinstance(data, dict):
        return data
    kind = data.get("class", "")
    if kind in REMOVED_EVENTS:
        return UNKNOWN_EVENT
    fields = RENAMED_FIELDS.get(kind, {})
    renamed = {**ADDED_FIELDS.get(kind, {})} | {
        fields.get(name, name): rewritten(each)
        for name, each in data.items()
        if (kind, name) not in REMOVED_FIELDS
    }
    for key in {"class", "enum"} & renamed.keys():
        renamed[key] = RENAMED_CLASSES.get(renamed[key], renamed[key])
    if kind == "ToolCall" and renamed["name"] in INSTRUCTING_TOOLS:
        renamed["answer"] = ""
    if kind == "HistoryEntry":
        renamed["text"] = INSTRUCTION.sub("", renamed["text"])
    return renamed


class Wordings:
    """Replaces each wording of this project by its number, in order of appearance.

    So a text may be worded in another way, and it must be a different text in the same places.
    """

    def __init__(self, given: set[str]):
        self._given = given
        self._numbers: dict[str, int] = {}

    def replace(self, data: Any) -> Any:
        if isinstance(data, list):
            return [self.replace(each) for each in data]
        if not isinstance(data, dict):
            return data
        kind = data.get("class")
        return {name: self._field((kind, name), each) for name, each in data.items()}

    def _field(self, place: tuple[str | None, str], value: Any) -> Any:
        if place in FROM_LENGTHS:
            return value is not None
        return self._number(value) if place in PROSE else self.replace(value)

    def _number(self, text: str | None) -> str | None:
        if not text or text in self._given:
            return text
        return f"wording {self._numbers.setdefault(text, len(self._numbers))}"


def texts_in(data: Any) -> set[str]:
    if isinstance(data, str):
        return {data}
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return {text for part in parts for text in texts_in(part)}


def by_lane(effects: list[Any]) -> Json:
    lanes = defaultdict[str, list[Json]](list)
    for effect in effects:
        lane = next((name for name, kinds in LANES.items() if effect["class"] in kinds), "model")
        lanes[lane].append(effect)
    return {"class": "lanes", **lanes}


def difference(lines: list[str]) -> tuple[int, str, str, str] | None:
    """Return the line, the place and both values of the first difference, None without one."""
    given = {
        text
        for line in lines
        for name, part in json.loads(line).items()
        if name in {"opening", "event"}
        for text in texts_in(part)
    }
    recorded, replayed = Wordings(given), Wordings(given)
    for step in replay_steps(lines, LIVE_PERSONA):
        before = by_lane(recorded.replace(step.recorded))
        today = by_lane(replayed.replace(step.replayed))
        if found := first_difference(before, today, "effects"):
            return step.line, *found
    return None


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.split(".")[0])
def test_a_recorded_session_has_the_same_effects_in_each_lane(path: Path):
    assert difference(read(path)) is None


def test_every_recording_is_described():
    described = (FOLDER / "README.md").read_text()

    assert len(RECORDINGS) >= 10
    assert all(f"`{path.name}`" in described for path in RECORDINGS)


def _drop_first(effects: list[Any]) -> None:
    del effects[0]


def _swap_writes(effects: list[Any]) -> None:
    writes = [index for index, one in enumerate(effects) if one["class"] in LANES["tables"]]
    first, second = writes[:2]
    effects[first], effects[second] = effects[second], effects[first]


def _say_something_else(effects: list[Any]) -> None:
    turn = next(one["turn"] for one in effects if one["class"] == "CommitTurn")
    turn["said"] += " Goodbye."


def _shorten_audio(effects: list[Any]) -> None:
    sent = next(one for one in effects if one["class"] == "SendAudio")
    sent["pcm"]["bytes"] -= 2


@pytest.mark.parametrize("change", [_drop_first, _swap_writes, _say_something_else, _shorten_audio])
def test_a_changed_effect_is_a_difference(change: Callable[[list[Any]], None]):
    changes = 0
    for path in RECORDINGS:
        lines = read(path)
        for index, line in enumerate(lines):
            step = json.loads(line)
            try:
                change(step["effects"])
            except (LookupError, StopIteration, ValueError):
                continue
            changes += 1
            found = difference([*lines[:index], json.dumps(step)])
            assert found is not None
            assert found[0] == index + 1
            break
    assert changes


def test_the_order_between_lanes_is_free():
    for path in RECORDINGS:
        lines = read(path)
        for index, line in enumerate(lines[1:], 1):
            step = json.loads(line)
            step["effects"].sort(key=lambda effect: effect["class"] not in LANES["client"])
            lines[index] = json.dumps(step)
        assert difference(lines) is None


def test_an_effect_of_another_lane_does_not_hide_a_difference():
    recorded = [{"class": "PostFrame"}, {"class": "Finish"}]

    assert first_difference(by_lane(recorded), by_lane(recorded[:1]), "effects") is not None
