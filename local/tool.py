"""``python -m local.tool NAME ARGUMENTS``: run one tool of core_agent on the running stack.

ARGUMENTS is a JSON object, such as '{"date": "2026-11-27"}'. Prints the result that the model
would get. Without NAME it lists the tools and their arguments. ``--seed FILE`` first stores the
records in a YAML or JSON file, by user, kind and id:

    ada: {orders: {"42": {state: shipped}}}
"""

import signal

if __name__ == "__main__":
    # Ctrl-C during the imports, which take a second, prints no traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from core_agent.tools.catalogue import make_tools
from core_agent.tools.stores import Stores, stores_on_tables
from local.hosting.aws_resources import ANY_ACCESS_KEY, dynamodb_client
from local.hosting.ports import port_base_or_exit
from local.stack.running import RUNNING
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.tool_records import DynamoToolRecords
from repartee.adapters.personas import load_persona
from repartee.config import CoreAgentSettings
from repartee.domain.errors import ReparteeError, UserErased
from repartee.domain.front_desk.rules import default_rules
from repartee.domain.text.validation_errors import describe_validation_errors
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus

type Records = DynamoToolRecords[BaseModel]

_SEEDS = TypeAdapter(dict[str, dict[str, dict[str, dict[str, Any]]]])


class ToolError(Exception):
    """The tool was not run; the message says what to change."""


@dataclass(frozen=True, slots=True)
class StackTables:
    """Where the tools of a stack keep their data.

    Attributes:
        environment: The environment of its core_agent.
    """

    endpoint: str
    access_key: str
    environment: Mapping[str, str]

    def stores(self) -> Stores:
        """Return the tools' stores."""
        settings, client = self._settings, dynamodb_client(self.endpoint, self.access_key)
        rules = default_rules(self._zone, load_persona(settings.persona).hours)
        memory, desk = (
            DynamoTable(client, name) for name in (settings.memory_table, settings.desk_table)
        )
        return stores_on_tables(memory, desk, rules)

    def context(self, user_id: str) -> ToolContext:
        """Return the context of a request of this user now."""
        persona = load_persona(self._settings.persona)
        now = datetime.now(self._zone)
        return ToolContext(user_id, "local-tool", now, persona.words, persona.language)

    @property
    def _settings(self) -> CoreAgentSettings:
        return CoreAgentSettings.model_validate(self.environment)

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._settings.desk_time_zone)


_NO_TABLES = StackTables(
    "http://127.0.0.1:1",
    ANY_ACCESS_KEY,
    dict.fromkeys(("LIVE_TABLE", "MEMORY_TABLE", "DESK_TABLE", "GEMINI_KEY_SECRET_ARN"), "none"),
)


def running_tables(port_base: int, running: Path = RUNNING) -> StackTables:
    """Return the tables of the stack that runs on these ports.

    Raises:
        ToolError: No stack runs there.
    """
    path = running / str(port_base) / "stack.json"
    if not path.is_file():
        raise ToolError(
            f"no stack runs on the ports from {port_base}: start one with `make up`, or set "
            "REPARTEE_PORT_BASE to the first port of the stack that runs"
        )
    stack = json.loads(path.read_text())
    return StackTables(stack["dynamodb"], stack["access_key"], stack["core_agent"])


def tables_for_list(port_base: int, running: Path = RUNNING) -> StackTables:
    """Return the running stack's tables for its persona's words; the list reads no table."""
    try:
        return running_tables(port_base, running)
    except ToolError:
        return _NO_TABLES


def kinds_of(stores: Stores) -> dict[str, Records]:
    """Return the stores of records by kind."""
    found = (getattr(stores, field.name) for field in fields(stores))
    return {store.kind: store for store in found if isinstance(store, DynamoToolRecords)}


def read_seeds(path: Path, kinds: Mapping[str, Records]) -> list[Callable[[], None]]:
    """Check a file of records; return the functions that store them.

    Raises:
        ToolError: The file is no YAML, or a field is wrong. The message names the field.
    """
    try:
        # All values are texts, so that 42 may be an id and `no` a word; the models convert them.
        seeds = _SEEDS.validate_python(yaml.load(path.read_text(), yaml.BaseLoader))  # noqa: S506
        return list(_checked(seeds, kinds))
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ToolError(f"{path} is not valid YAML in UTF-8: {error}") from None
    except ValidationError as error:
        raise ToolError(f"{path}: {describe_validation_errors(error, 'the file')}") from None
    except ToolError as error:
        raise ToolError(f"{path}: {error}") from None


def _checked(
    seeds: Mapping[str, Mapping[str, Mapping[str, object]]], kinds: Mapping[str, Records]
) -> Iterator[Callable[[], None]]:
    for user_id, of_user in seeds.items():
        for kind, records in of_user.items():
            if (store := kinds.get(kind)) is None:
                raise ToolError(
                    f"{user_id}.{kind}: no tool keeps such records{_choices(kind, kinds)}"
                )
            for record_id, values in records.items():
                try:
                    record = store.model.model_validate(values, extra="forbid")
                except ValidationError as error:
                    faults = describe_validation_errors(error, "the record")
                    raise ToolError(f"{user_id}.{kind}.{record_id}: {faults}") from None
                yield partial(store.put, user_id, record_id, record)


def run(tools: Iterable[Tool[Any]], name: str, arguments: str) -> ToolResult:
    """Run a tool with arguments as JSON text.

    Raises:
        ToolError: There is no such tool, or the arguments are no JSON object.
    """
    by_name = {tool.name: tool for tool in tools}
    if name not in by_name:
        raise ToolError(f"there is no tool {name!r}{_choices(name, by_name)}")
    try:
        given = json.loads(arguments)
    except json.JSONDecodeError as error:
        raise ToolError(
            f"the arguments are not JSON: {error.msg} at character {error.pos + 1} of {arguments}"
        ) from None
    if not isinstance(given, dict):
        raise ToolError(f"the arguments are no JSON object with the arguments' names: {arguments}")
    return _with_reasons(by_name[name]).call(given)


def _with_reasons(tool: Tool[Any]) -> Tool[Any]:
    """Return the tool, which then prints errors whose text the model does not get."""

    def run_tool(arguments: BaseModel) -> ToolResult:
        try:
            return tool.run(arguments)
        except ReparteeError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            raise

    return replace(tool, run=run_tool)


def _choices(name: str, names: Iterable[str]) -> str:
    known = list(names)
    if not known:
        return "; functions/core_agent/tools/stores.py has no records"
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; choose one of {', '.join(known)}"


def describe(tool: Tool[Any]) -> str:
    """Return a tool's name, description and arguments, as lines."""
    schema = tool.arguments.model_json_schema()
    required = schema.get("required", ())
    lines = [f"{tool.name}: {tool.description}"]
    for name, field in schema.get("properties", {}).items():
        need = "required" if name in required else "optional"
        of_type = schema.get("$defs", {}).get(field.get("$ref", "").rpartition("/")[2], {})
        lines.append(f"    {name} ({need}): {(of_type | field).get('description', '')}")
    return "\n".join(lines)


def parse_arguments(line: Sequence[str] | None = None) -> tuple[argparse.Namespace, int]:
    parser = argparse.ArgumentParser(
        prog="python -m local.tool",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("arguments", nargs="?", default="{}", metavar="ARGUMENTS")
    parser.add_argument("--user", default="ada", help="the caller (default: ada)")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="store these records first")
    return parser.parse_intermixed_args(line), port_base_or_exit(parser)


def main() -> int:
    given, port_base = parse_arguments()
    try:
        needs_tables = given.name or given.seed
        tables = running_tables(port_base) if needs_tables else tables_for_list(port_base)
        stores = tables.stores()
        tools = make_tools(stores, tables.context(given.user))
        if given.seed:
            writes = read_seeds(given.seed, kinds_of(stores))
            for write in writes:
                write()
            print(f"Records stored: {len(writes)}", file=sys.stderr)
        if not needs_tables:
            print("\n".join(describe(tool) for tool in tools))
        if not given.name:
            return 0
        result = run(tools, given.name, given.arguments)
    except ToolError as error:
        print(f"local.tool: {error}", file=sys.stderr)
        return 2
    except UserErased as error:
        print(f"local.tool: {error} is an erased user: choose another name", file=sys.stderr)
        return 1
    except ReparteeError as error:
        print(f"local.tool: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(result.to_json())
    return 0 if result.status in (ToolStatus.DONE, ToolStatus.REFUSED) else 1


if __name__ == "__main__":
    sys.exit(main())
