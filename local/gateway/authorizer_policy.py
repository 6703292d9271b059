"""Evaluates the answer of a REQUEST authorizer: the principal, and whether the policy allows."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class InvalidAuthorizerResponseError(ValueError):
    """API Gateway does not accept the authorizer's answer."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """A valid answer.

    Args:
        principal_id: The id of the caller.
        context: The authorizer's context, every value as text.
        allowed: Whether the policy allows the resource.
        is_explicitly_denied: Whether a statement denies it.
    """

    principal_id: str
    context: Mapping[str, str]
    allowed: bool
    is_explicitly_denied: bool


def evaluate(payload: bytes, method_arn: str) -> Authorization:
    """Evaluate an authorizer's answer for one resource.

    Raises:
        InvalidAuthorizerResponseError: The answer has no principal or no policy, or a context
            value that is not a string, number or boolean.
    """
    try:
        answer = json.loads(payload)
        principal_id = answer["principalId"]
        statements = answer["policyDocument"]["Statement"]
        context = answer.get("context") or {}
        effects = {
            statement["Effect"]
            for statement in (statements if isinstance(statements, list) else [statements])
            if _covers(statement, method_arn)
        }
        texts = {key: _text(value) for key, value in context.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidAuthorizerResponseError(str(error)) from error
    if not isinstance(principal_id, str):
        raise InvalidAuthorizerResponseError("principalId must be a string")
    denied = "Deny" in effects
    return Authorization(principal_id, texts, "Allow" in effects and not denied, denied)


def _covers(statement: Mapping[str, Any], method_arn: str) -> bool:
    return _matches(statement["Action"], "execute-api:Invoke", ignore_case=True) and _matches(
        statement["Resource"], method_arn
    )


def _matches(patterns: str | list[str], value: str, *, ignore_case: bool = False) -> bool:
    """Match by IAM's wildcards: ``*`` is any number of characters, ``?`` is one."""
    flags = re.IGNORECASE if ignore_case else re.NOFLAG
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(expression, value, flags | re.DOTALL):
            return True
    return False


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise InvalidAuthorizerResponseError("a context value must be a string, number or boolean")
