"""Creates the template's tables, queues and secrets in the local services.

All calls block, so the stack runs them in threads.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.template.model import REGION, Application, Secret, Table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient


# For servers on 127.0.0.1, which take any key, and for tables without data of users.
ANY_ACCESS_KEY = "test"


def client_options(endpoint: str, access_key: str = ANY_ACCESS_KEY) -> dict[str, Any]:
    """Return the arguments of a boto3 client for a local service."""
    return {
        "endpoint_url": endpoint,
        "region_name": REGION,
        "aws_access_key_id": access_key,
        "aws_secret_access_key": "test",
        "config": Config(retries={"mode": "standard", "max_attempts": 5}),
    }


def dynamodb_client(endpoint: str, access_key: str = ANY_ACCESS_KEY) -> "DynamoDBClient":
    """Return a client of a local DynamoDB."""
    return boto3.session.Session().client("dynamodb", **client_options(endpoint, access_key))


@dataclass(frozen=True, slots=True)
class CreatedResources:
    """The created secrets and queues.

    Args:
        secret_arns: ARNs by logical id.
        queue_urls: URLs by logical id.
    """

    secret_arns: Mapping[str, str]
    queue_urls: Mapping[str, str]


class TablesChangedError(RuntimeError):
    """The template has changed a table since its items were written."""


class TablesUnreadableError(RuntimeError):
    """DynamoDB Local fails on the files of kept tables."""


def create_tables(tables: Iterable[Table], dynamodb: "DynamoDBClient") -> None:
    """Create the tables that do not exist, and complete those whose creation was interrupted.

    Raises:
        TablesChangedError: A table exists with other keys or indexes.
    """
    existing = set(dynamodb.list_tables()["TableNames"])
    for table in tables:
        if table.name not in existing:
            _create_table(dynamodb, table)
        elif changes := table_changes(table, dynamodb.describe_table(TableName=table.name)):
            raise TablesChangedError(f"{table.name} has {changes}")
        _set_expiry(dynamodb, table)


def table_changes(table: Table, described: Mapping[str, Any]) -> str:
    """Return how an existing table differs from the template; "" if keys and indexes are equal."""
    found: Mapping[str, Any] = described["Table"]
    indexes = {index["IndexName"]: index for index in table.global_secondary_indexes}
    existing = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", ())}
    names = sorted(
        name
        for name in indexes.keys() | existing.keys()
        if _index(indexes.get(name)) != _index(existing.get(name))
    )
    changed = [f"another index {name}" for name in names]
    types = [
        {each["AttributeName"]: each["AttributeType"] for each in attributes}
        for attributes in (table.attributes, found["AttributeDefinitions"])
    ]
    if list(table.key_schema) != found["KeySchema"] or (types[0] != types[1] and not changed):
        changed.insert(0, "another key")
    return " and ".join(changed)


def _index(index: Mapping[str, Any] | None) -> object:
    if index is None:
        return None
    projection = index["Projection"]
    attributes = sorted(projection.get("NonKeyAttributes", ()))
    return list(index["KeySchema"]), projection["ProjectionType"], attributes


def create_secrets_and_queues(
    application: Application, endpoint: str, secret_values: Mapping[str, str]
) -> CreatedResources:
    """Create the secrets and queues.

    Args:
        application: The template.
        endpoint: The endpoint of Secrets Manager and SQS.
        secret_values: Values by logical id; other secrets get a random value.
    """
    session = boto3.session.Session()
    sqs = session.client("sqs", **client_options(endpoint))
    manager = session.client("secretsmanager", **client_options(endpoint))
    return CreatedResources(
        secret_arns={
            name: _create_secret(manager, secret, secret_values.get(name))
            for name, secret in application.secrets.items()
        },
        queue_urls={name: _create_queue(sqs, q.name) for name, q in application.queues.items()},
    )


def send_message(aws_endpoint: str, queue_url: str, body: str) -> None:
    """Send one message to a queue."""
    sqs = boto3.session.Session().client("sqs", **client_options(aws_endpoint))
    sqs.send_message(QueueUrl=queue_url, MessageBody=body)


def _create_table(dynamodb: "DynamoDBClient", table: Table) -> None:
    arguments: dict[str, Any] = {
        "TableName": table.name,
        "KeySchema": list(table.key_schema),
        "AttributeDefinitions": list(table.attributes),
        "BillingMode": "PAY_PER_REQUEST",
    }
    if table.global_secondary_indexes:
        arguments["GlobalSecondaryIndexes"] = list(table.global_secondary_indexes)
    dynamodb.create_table(**arguments)


def _set_expiry(dynamodb: "DynamoDBClient", table: Table) -> None:
    found = dynamodb.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]
    if table.ttl_attribute is not None and "AttributeName" not in found:
        dynamodb.update_time_to_live(
            TableName=table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute},
        )


def _create_queue(sqs: "SQSClient", name: str) -> str:
    return sqs.create_queue(QueueName=name)["QueueUrl"]


def _create_secret(manager: "SecretsManagerClient", secret: Secret, value: str | None) -> str:
    length = secret.generated_length or 32
    text = value or secrets.token_urlsafe(length)[:length]
    return manager.create_secret(Name=secret.name, SecretString=text)["ARN"]
