"""Kept tables are compared with the template before they are used."""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.hosting.aws_resources import TablesChangedError, table_changes
from local.hosting.ports import Ports
from local.hosting.programs import RunPaths
from local.stack import PROJECT, StackOptions, aws_services
from local.stack.wiring import addresses_at
from local.template.model import Table
from local.template.reader import read_template

pytestmark = pytest.mark.unit


def index(name: str, key: str, **projection: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL", **projection},
    }


def attributes(*names: str) -> tuple[dict[str, str], ...]:
    return tuple({"AttributeName": name, "AttributeType": "S"} for name in names)


PK = ({"AttributeName": "pk", "KeyType": "HASH"},)
TABLE = Table("NotesTable", "notes", PK, attributes("pk"), (), None)
INDEXED = replace(
    TABLE, attributes=attributes("pk", "day"), global_secondary_indexes=(index("by-day", "day"),)
)


def described(table: Table) -> dict[str, Any]:
    """Return DynamoDB's description of a table, with more fields and in another order."""
    found: dict[str, Any] = {
        "TableName": table.name,
        "KeySchema": list(table.key_schema),
        "AttributeDefinitions": list(table.attributes)[::-1],
        "TableStatus": "ACTIVE",
    }
    if table.global_secondary_indexes:
        found["GlobalSecondaryIndexes"] = [
            {**each, "IndexStatus": "ACTIVE", "ItemCount": 3}
            for each in table.global_secondary_indexes
        ]
    return {"Table": found}


@pytest.mark.parametrize("table", [TABLE, INDEXED])
def test_an_equal_table_has_no_changes(table: Table) -> None:
    assert table_changes(table, described(table)) == ""


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (TABLE, INDEXED, "another index by-day"),
        (INDEXED, TABLE, "another index by-day"),
        (
            INDEXED,
            replace(INDEXED, global_secondary_indexes=(index("by-day", "pk"),)),
            "another index by-day",
        ),
        (
            INDEXED,
            replace(
                INDEXED,
                global_secondary_indexes=(index("by-day", "day", ProjectionType="KEYS_ONLY"),),
            ),
            "another index by-day",
        ),
        (
            TABLE,
            replace(TABLE, key_schema=(*PK, {"AttributeName": "sk", "KeyType": "RANGE"})),
            "another key",
        ),
        (
            TABLE,
            replace(TABLE, attributes=({"AttributeName": "pk", "AttributeType": "N"},)),
            "another key",
        ),
    ],
)
def test_another_key_or_index_is_named(before: Table, after: Table, changes: str) -> None:
    assert table_changes(after, described(before)) == changes


def test_changed_tables_are_refused_with_the_folder_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise TablesChangedError("notes has another key")

    monkeypatch.setattr(aws_services, "dynamodb_local", lambda _root: tmp_path)
    monkeypatch.setattr(aws_services, "create_tables", refuse)
    options, ports = StackOptions(dynamodb_data=tmp_path / "data"), Ports.from_base(8700)
    addresses = addresses_at(ports, dynamodb="http://127.0.0.1:1", access_key="key", gemini="")
    paths = RunPaths(PROJECT, tmp_path, 1)
    services = aws_services.AwsServices(options, ports, paths, AsyncExitStack())
    application = read_template(options.template, {})
    with pytest.raises(TablesChangedError) as refused:
        services.create_tables(application, addresses)
    message = str(refused.value)
    assert f"since the data in {tmp_path / 'data'} were written: notes has another key" in message
    assert "Delete that folder to lose the data, or use FRESH=1 to leave them" in message
