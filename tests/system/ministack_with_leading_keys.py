"""MiniStack that gives its IAM evaluator `dynamodb:LeadingKeys`, which it lacks.

The emulator's Python runs this file, so it imports nothing of the project. Without the key every
`ForAllValues` condition on it holds, on AWS too.
"""

import importlib
import json
from collections.abc import Iterator
from typing import Any

_BODY = "body of the request"
_TRANSACTION_ACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
}


def _of_item(request: dict[str, Any]) -> Iterator[str]:
    key = request.get("Key") or request.get("Item")
    if key:
        yield key["pk"]["S"]
    elif "KeyConditionExpression" in request:
        name = request["KeyConditionExpression"].split("=")[1].split()[0]
        yield request["ExpressionAttributeValues"][name]["S"]


def leading_keys(action: str, table: str, body: dict[str, Any]) -> list[str]:
    """Return the partition keys that a request names for an action on a table."""
    found: list[str] = []
    for item in body.get("TransactItems", ()):
        for member, request in item.items():
            if _TRANSACTION_ACTIONS[member] == action and request["TableName"] == table:
                found += _of_item(request)
    batch = body.get("RequestItems", {}).get(table, ())
    for request in batch["Keys"] if isinstance(batch, dict) else ():
        found.append(request["pk"]["S"])
    for request in batch if isinstance(batch, list) else ():
        (write,) = request.values()
        found += _of_item(write)
    return found or list(_of_item(body))


def main() -> None:
    """Change MiniStack's evaluator, then start MiniStack."""
    actions: Any = importlib.import_module("ministack.core.iam_actions")
    evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
    context_of, enforce = actions.dynamodb_service_context, evaluator.enforce

    def with_body(body: bytes) -> dict[str, Any]:
        return {**context_of(body), _BODY: json.loads(body or b"{}")}

    def enforce_with_keys(
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(service_context or {})
        body = context.pop(_BODY, None)
        if body is not None:
            table = resource_arn.rpartition("/")[2]
            if keys := leading_keys(action.partition(":")[2], table, body):
                context["dynamodb:LeadingKeys"] = keys
        return enforce(
            access_key, action, service, region, resource_arn=resource_arn, service_context=context
        )

    actions.dynamodb_service_context = with_body
    evaluator.enforce = enforce_with_keys
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
