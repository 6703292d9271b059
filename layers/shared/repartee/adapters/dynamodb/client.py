"""Makes DynamoDB clients and sets their timeouts; no other module does."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

# An answer usually takes less than 10 ms. A lease lasts 5 s and its worker stops 1 s before the
# end, so an attempt that hangs must be repeated well within that time.
CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 1.0
MAX_ATTEMPTS = 3


def make_client(
    *, region: str | None = None, endpoint_url: str | None = None, max_connections: int = 10
) -> "DynamoDBClient":
    """Make a low-level client with short timeouts and the SDK's standard, jittered retries.

    Args:
        region: The AWS region; None for the environment's.
        endpoint_url: The server; None for AWS.
        max_connections: How many threads may wait for answers at the same time.
    """
    import boto3
    from botocore.config import Config

    return boto3.client(
        "dynamodb",
        region_name=region,
        endpoint_url=endpoint_url,
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
            max_pool_connections=max_connections,
            tcp_keepalive=True,
        ),
    )
