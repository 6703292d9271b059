"""Creates the template's tables, queues and secrets in the local services.

All calls block, so the stack runs them in threads.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.template.model import REGION, Application, Secret, Table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sqs import SQSClient


def client_options(endpoint: str) -> dict[str, Any]:
    """Return the arguments of a boto3 client for a local service."""
    return {
        "endpoint_url": endpoint,
        "region_name": REGION,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "config": Config(retries={"mode": "standard", "max_attempts": 5}),
    }


def dynamodb_client(endpoint: str) -> "DynamoDBClient":
    """Return a client of a local DynamoDB."""
    return boto3.session.Session().client("dynamodb", **client_options(endpoint))


@dataclass(frozen=True, slots=True)
class CreatedResources:
    """The created secrets and queues.

    Args:
        secret_arns: ARNs by logical id.
        queue_urls: URLs by logical id.
    """

    secret_arns: Mapping[str, str]
    queue_urls: Mapping[str, str]


def create_tables(application: Application, endpoint: str) -> None:
    """Create the tables that do not exist."""
    dynamodb = dynamodb_client(endpoint)
    existing = set(dynamodb.list_tables()["TableNames"])
    for table in application.tables.values():
        if table.name not in existing:
            _create_table(dynamodb, table)


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
    if table.ttl_attribute is not None:
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
