"""The program that runs one tool on the running stack's tables."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from pydantic import BaseModel

from core_agent.tools.catalogue import make_tools
from local.hosting.aws_resources import dynamodb_client
from local.tool import (
    ToolError,
    describe,
    parse_arguments,
    read_seeds,
    run,
    running_tables,
    tables_for_list,
)
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.tool_records import DynamoToolRecords
from repartee.domain.errors import StoreUnavailable
from repartee.domain.tools.tool import Tool, ToolResult, ToolStatus
from tests.fakes.tool_stores import fake_tool_stores, tool_context

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 27, 10, 30, tzinfo=UTC)
SENT = '{"state": "sent"}'


class Parcel(BaseModel):
    """A record of a tool."""

    state: str
    weight_g: int = 0


@pytest.fixture
def tools() -> tuple[Tool[Any], ...]:
    return make_tools(fake_tool_stores(), tool_context("ada", NOW))


def test_a_tool_runs_with_arguments_from_json(tools: tuple[Tool[Any], ...]) -> None:
    assert run(tools, "remember_note", '{"text": "Likes tea."}').status is ToolStatus.DONE
    assert run(tools, "recall_notes", "{}").fields["notes"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("opening_hour", "{}", "there is no tool 'opening_hour'; did you mean opening_hours?"),
        ("weather", "{}", "there is no tool 'weather'; choose one of opening_hours, free_slots"),
        ("free_slots", "{date}", "the arguments are not JSON: Expecting property name"),
        ("free_slots", '"2026-11-27"', "the arguments are no JSON object with the arguments' na"),
    ],
)
def test_a_tool_that_cannot_be_run_is_refused_with_the_remedy(
    tools: tuple[Tool[Any], ...], name: str, arguments: str, message: str
) -> None:
    with pytest.raises(ToolError, match=f"^{re.escape(message)}"):
        run(tools, name, arguments)


@pytest.mark.parametrize(
    "line",
    [
        ["order_status", "--user", "dana", "{}"],
        ["order_status", "{}", "--user", "dana"],
        ["--user", "dana", "order_status", "{}"],
    ],
)
def test_options_may_stand_anywhere(line: list[str]) -> None:
    given, _ = parse_arguments(line)

    assert (given.name, given.arguments, given.user) == ("order_status", "{}", "dana")


def test_the_reason_of_a_failure_is_shown_to_the_developer(
    tools: tuple[Tool[Any], ...], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: BaseModel) -> ToolResult:
        raise StoreUnavailable("the table is down")

    failing = Tool("fail", "Fails.", Parcel, fail)

    assert run([*tools, failing], "fail", SENT).status is ToolStatus.FAILED
    assert capsys.readouterr().err == "StoreUnavailable: the table is down\n"


def test_a_description_has_every_argument_with_its_meaning(tools: tuple[Tool[Any], ...]) -> None:
    shown = {tool.name: describe(tool).splitlines() for tool in tools}

    assert shown["book"][1:] == [
        "    date (required): The date, YYYY-MM-DD.",
        "    time (required): The time, HH:MM on the 24-hour clock.",
        "    reason (optional): The reason, in a few words; may be empty.",
    ]
    assert len(shown["my_bookings"]) == 1


def test_the_tools_work_with_the_settings_of_the_running_core_agent(tmp_path: Path) -> None:
    folder = tmp_path / "8700"
    folder.mkdir()
    names = ("LIVE_TABLE", "MEMORY_TABLE", "DESK_TABLE", "GEMINI_KEY_SECRET_ARN")
    settings = {
        **dict.fromkeys(names, "any"),
        "PERSONA": "pizzeria",
        "DESK_TIME_ZONE": "Asia/Tokyo",
    }
    stack = {"dynamodb": "http://127.0.0.1:1", "access_key": "key", "core_agent": settings}
    (folder / "stack.json").write_text(json.dumps(stack))

    context = running_tables(8700, tmp_path).context("ada")

    assert (context.user_id, context.language) == ("ada", "es-ES")
    assert str(context.now.tzinfo) == "Asia/Tokyo"
    assert tables_for_list(8700, tmp_path).context("ada") == replace(context, now=ANY)


def test_without_a_stack_the_list_speaks_for_the_front_desk(tmp_path: Path) -> None:
    assert tables_for_list(8700, tmp_path).context("ada").words.booking == "appointment"


def test_without_a_stack_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no stack runs on the ports from 8700: start one with"):
        running_tables(8700, tmp_path)


@pytest.fixture
def kinds() -> dict[str, DynamoToolRecords[Any]]:
    memory = DynamoTable(dynamodb_client("http://127.0.0.1:1"), "memory")
    return {"parcels": DynamoToolRecords(memory, "parcels", Parcel)}


def test_every_record_of_a_file_is_checked_before_one_is_stored(
    tmp_path: Path, kinds: dict[str, DynamoToolRecords[Any]]
) -> None:
    file = tmp_path / "parcels.yaml"
    file.write_text(
        "ada: {parcels: {42: {state: no, weight_g: 700}}}\nben: {parcels: {a: {state: sent}}}"
    )

    writes = read_seeds(file, kinds)

    assert [getattr(write, "args", ()) for write in writes] == [
        ("ada", "42", Parcel(state="no", weight_g=700)),
        ("ben", "a", Parcel(state="sent")),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ada: {parcel: {42: {state: sent}}}", "ada.parcel: no tool keeps such records; did you"),
        ("ada: {parcels: {42: {}}}", "ada.parcels.42: state: Field required"),
        ("ada: {parcels: {42: {state: a, size: 1}}}", "ada.parcels.42: size: Extra inputs are"),
        ("ada: {parcels: {42: sent}}", "ada.parcels.42: Input should be a valid dictionary"),
        ("- ada", "the file: Input should be a valid dictionary"),
        ("ada: [", "is not valid YAML in UTF-8"),
    ],
)
def test_a_wrong_field_of_a_file_is_named(
    tmp_path: Path, kinds: dict[str, DynamoToolRecords[Any]], text: str, message: str
) -> None:
    file = tmp_path / "parcels.yaml"
    file.write_text(text)

    with pytest.raises(ToolError, match=re.escape(message)) as refused:
        read_seeds(file, kinds)

    assert str(refused.value).startswith(str(file))


def test_a_missing_file_is_named(tmp_path: Path, kinds: dict[str, DynamoToolRecords[Any]]) -> None:
    with pytest.raises(ToolError, match=r"none\.yaml cannot be read: No such file"):
        read_seeds(tmp_path / "none.yaml", kinds)
