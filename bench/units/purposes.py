"""Finds the purpose of a DynamoDB call from its operation and parameters."""

from collections.abc import Mapping
from typing import Any

DELETES = "deletes of input"
_INPUT = "in#"
_NOTICE = "in#~"
_ACK = "in#~ack"


def purpose_of(operation: str, parameters: Mapping[str, Any]) -> str:
    """Return the purpose of a call, as a few words for the table."""
    match operation:
        case "PutItem":
            return _of_put(parameters["Item"])
        case "BatchWriteItem":
            return _of_batch(parameters)
        case "Query" if _query_start(parameters).startswith(_INPUT):
            return "looks into the mailbox"
        case "GetItem" if _sort(parameters) == "state":
            return "reads of the state"
        case "UpdateItem" if "lease_until_ms" in parameters["UpdateExpression"]:
            return "renewals of the lease"
        case "DeleteItem" if _sort(parameters).startswith(_INPUT):
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


def _of_batch(parameters: Mapping[str, Any]) -> str:
    requests = (one for requests in parameters["RequestItems"].values() for one in requests)
    deletes = (one["DeleteRequest"]["Key"] for one in requests if "DeleteRequest" in one)
    is_input = all(key["sk"]["S"].startswith(_INPUT) for key in deletes)
    return DELETES if is_input else "others"


def _sort(parameters: Mapping[str, Any]) -> str:
    return str(parameters["Key"]["sk"]["S"])


def _query_start(parameters: Mapping[str, Any]) -> str:
    return str(parameters.get("ExpressionAttributeValues", {}).get(":first", {}).get("S", ""))
