"""The local DynamoDB: the tables of a template, and who can read them."""

import uuid
from dataclasses import replace

import boto3
import pytest

from local.hosting.aws_resources import TablesChangedError, create_tables, dynamodb_client
from local.template.model import Table
from tests.contract.servers import DYNAMODB_LOCAL, Servers, require

pytestmark = pytest.mark.contract

KEY = ({"AttributeName": "pk", "KeyType": "HASH"},)
ATTRIBUTES = ({"AttributeName": "pk", "AttributeType": "S"},)
INDEX = {"IndexName": "by-day", "KeySchema": KEY, "Projection": {"ProjectionType": "KEYS_ONLY"}}


def new_table(**changes: object) -> Table:
    name = f"notes-{uuid.uuid4().hex}"  # noqa: TID251 - a test's own name
    table = Table("NotesTable", name, KEY, ATTRIBUTES, (INDEX,), "expires_at")
    return replace(table, **changes)  # type: ignore[arg-type]


def test_kept_tables_are_used_again_if_the_template_defines_them_equally(
    dynamodb_name: str, servers: Servers
) -> None:
    client, table = servers.dynamodb(dynamodb_name), new_table()
    create_tables([table], client)
    client.put_item(TableName=table.name, Item={"pk": {"S": "kept"}})
    create_tables([table], client)
    assert client.scan(TableName=table.name)["Count"] == 1
    with pytest.raises(TablesChangedError, match=f"{table.name} has another index by-day"):
        create_tables([replace(table, global_secondary_indexes=())], client)


def test_a_start_that_was_stopped_between_table_and_expiry_is_completed(
    dynamodb_name: str, servers: Servers
) -> None:
    client, table = servers.dynamodb(dynamodb_name), new_table()
    create_tables([replace(table, ttl_attribute=None)], client)
    create_tables([table], client)
    found = client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    assert found["AttributeName"] == "expires_at"


@pytest.mark.parametrize(
    ("access_key", "region"),
    [("another", "us-east-1"), ("TEST", "us-east-1"), ("test", "eu-west-1")],
)
def test_another_access_key_or_region_sees_an_empty_dynamodb_local(
    access_key: str, region: str, servers: Servers
) -> None:
    require(servers, DYNAMODB_LOCAL)
    endpoint, table = servers.endpoint(DYNAMODB_LOCAL), new_table()
    owner = dynamodb_client(endpoint)
    create_tables([table], owner)
    assert table.name in owner.list_tables()["TableNames"]
    stranger = boto3.session.Session(access_key, "test", region_name=region).client(
        "dynamodb", endpoint_url=endpoint
    )
    assert stranger.list_tables()["TableNames"] == []
    with pytest.raises(stranger.exceptions.ResourceNotFoundException):
        stranger.get_item(TableName=table.name, Key={"pk": {"S": "kept"}})
