"""What a call of DynamoDB is for, by its name and its question."""

from collections.abc import Mapping
from typing import Any

DELETES = "deletes of input"
_INPUT = "in#"
_NOTICE = "in#~"
_ACK = "in#~ack"


def purpose(operation: str, asked: Mapping[str, Any]) -> str:
    """Return a few words that the table shows; calls for the same thing share them."""
    match operation:
        case "PutItem":
            return _of_put(asked["Item"])
        case "BatchWriteItem":
            return _of_batch(asked)
        case "Query" if _bound(asked, ":first").startswith(_INPUT):
            return "looks into the mailbox"
        case "GetItem" if _sort(asked) == "state":
            return "reads of the state"
        case "UpdateItem" if "lease_until_ms" in asked["UpdateExpression"]:
            return "renewals of the lease"
        case "DeleteItem" if _sort(asked).startswith(_INPUT):
            return DELETES
        case "TransactWriteItems":
            return "commits"
        case _:
            return "others"


def _of_put(item: Mapping[str, Any]) -> str:
    sort = item["sk"]["S"]
    if sort == _ACK:
        return "puts of acks"
    if sort.startswith(_NOTICE) or not sort.startswith(_INPUT):
        return "others"
    return "puts of audio" if item["kind"]["S"] == "audio" else "puts of other messages"


def _of_batch(asked: Mapping[str, Any]) -> str:
    requests = (one for requests in asked["RequestItems"].values() for one in requests)
    deletes = (one["DeleteRequest"]["Key"] for one in requests if "DeleteRequest" in one)
    is_input = all(key["sk"]["S"].startswith(_INPUT) for key in deletes)
    return DELETES if is_input else "others"


def _sort(asked: Mapping[str, Any]) -> str:
    return str(asked["Key"]["sk"]["S"])


def _bound(asked: Mapping[str, Any], name: str) -> str:
    return str(asked.get("ExpressionAttributeValues", {}).get(name, {}).get("S", ""))
