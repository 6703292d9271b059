"""``python -m tests.golden.make``: record the events and items of the present version.

Run it at the commit of a release. It writes ``tests/golden/VERSION/``, which later versions must be
able to read, and whose readers must be able to read what the next version writes.
"""

import json
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.contract.servers import DYNAMODB_LOCAL, Servers
from tests.contract.stores import TableNames, all_items, tables
from tests.golden import events, readings, story

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

type Items = dict[str, Any]

FOLDER = Path(__file__).parent
EVENTS, ITEMS, VALUES = "events.json", "items.json", "values.json"


def main() -> None:
    pyproject = (FOLDER.parents[1] / "pyproject.toml").read_text()
    version = tomllib.loads(pyproject)["project"]["version"]
    folder = FOLDER / version
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        servers = Servers(Path(place))
        try:
            client = servers.dynamodb(DYNAMODB_LOCAL)
            with tables(client) as names:
                stores = story.write_story(client, names)
                items, values = items_in(client, names), readings.read_all(stores)
        finally:
            servers.stop()
    written = events.write_all()
    _save(folder / EVENTS, written)
    _save(folder / ITEMS, items)
    _save(folder / VALUES, events.read_all(written) | values)
    print(f"{folder}: {len(written)} events, {len(items)} items")  # noqa: T201 - a program's output


def items_in(client: "DynamoDBClient", names: TableNames) -> Items:
    """Return every item by its table and key, typed as DynamoDB has it; bytes as hexadecimals."""
    found: Items = {}
    for table in ("desk", "live", "memory"):
        for item in all_items(client, getattr(names, table)):
            place = f"{table} {item['pk']['S']} {item['sk']['S']}"
            found[place] = _as_json(item)
    return found


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _as_json(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    return bytes(value).hex() if isinstance(value, bytes) else value


def put_items(client: "DynamoDBClient", names: TableNames, items: Items) -> None:
    """Put items that ``items_in`` returned."""
    for place, item in items.items():
        client.put_item(TableName=getattr(names, place.split()[0]), Item=_from_json(item))


def _from_json(item: Any) -> Any:
    match item:
        case {"B": str(content)}:
            return {"B": bytes.fromhex(content)}
        case Mapping():
            return {name: _from_json(part) for name, part in item.items()}
        case list():
            return [_from_json(part) for part in item]
    return item


def load(version: str, name: str) -> Items:
    """Return one file of a version's folder."""
    content: Items = json.loads((FOLDER / version / name).read_text())
    return content


def _save(path: Path, content: Mapping[str, Any]) -> None:
    """Write one line for each name, so that a change is a line of a diff."""
    lines = (
        f"{json.dumps(name)}: {json.dumps(content[name], ensure_ascii=False, sort_keys=True)}"
        for name in sorted(content)
    )
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
