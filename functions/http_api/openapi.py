"""Completes FastAPI's OpenAPI document with answers that FastAPI does not know.

Most of them follow from a route's user, body and parameters. A route declares the others with
``may_answer``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from http_api.examples import EXAMPLES
from http_api.identity import unerased_user_id, verified_user_id
from http_api.problem_kinds import CODES, KINDS, ProblemKind
from http_api.problems import PROBLEM_TYPE

_REFERENCE = "#/components/schemas/"
_EXAMPLE = "#/components/examples/"
# FastAPI's description of an answer that a route does not describe.
_DEFAULT_DESCRIPTION = "Successful Response"
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A token of the deployment's OpenID Connect issuer, for one of its audiences.",
}
_DESCRIPTION = """\
Tickets for the WebSocket API, and access to a user's data: read, change, export and erase it.

Send the token as `Authorization: Bearer TOKEN`, unless a request needs none. A body has \
`Content-Type: application/json` and at most 16,384 bytes.

HEAD is supported wherever GET is. Every refusal of the API is a problem document (RFC 9457) with \
a stable `code` for programs: `path_unknown` (404) and `method_not_allowed` (405) are possible \
everywhere. API Gateway itself answers 401, 413 (above 10 MB), 429, 500 and 503 \
with an object that has `message` only.
"""


# API Gateway's own answers: the message, as observed, and the reason.
_GATEWAY_ERRORS = {
    "401": ("Unauthorized", "The token is missing or not valid"),
    "429": ("Too Many Requests", "API Gateway throttles"),
    "500": ("Internal Server Error", "The function failed"),
    "503": ("Service Unavailable", "The function did not answer in time"),
}


class ProblemDocument(BaseModel):
    """The reason for a refusal, and what to do.

    Attributes:
        type: The kind of problem, as the place in /docs that explains it.
        title: The kind in words.
        status: The HTTP status.
        detail: What is wrong and what to do.
        code: The kind for programs.
        message: The same as detail.
        field: The parameter, member or header at fault; absent if there is none.
        kind: For daily_limit_reached, which limit.
        limit: For daily_limit_reached, the limit in seconds of talk, or in USD; 0 for the service.
        resets_at: For daily_limit_reached, when the next day begins.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    message: str
    field: str = ""
    kind: Literal["talk_seconds", "cost", "service"] = "cost"
    limit: float = 0
    resets_at: str = ""


class GatewayMessage(BaseModel):
    """API Gateway's refusal of a request before it reaches the API."""

    message: str


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of ``app``."""
    document = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
    )
    routes: Mapping[tuple[str, str], APIRoute] = {
        (method.lower(), route.path_format): route
        for route in app.state.routes
        for method in route.methods
    }
    components = document["components"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, routes[method, path])
            _name_successes(operation, components["schemas"])
            _add_examples(operation, EXAMPLES.get(f"{method.upper()} {path}", {}))
    components["securitySchemes"] = {"token": _TOKEN}
    components["examples"] = {
        code: {"summary": kind.title, "value": _example(kind)} for code, kind in KINDS.items()
    }
    schemas = components["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in (ProblemDocument, GatewayMessage):
        schemas[model.__name__] = model.model_json_schema(ref_template=_REFERENCE + "{model}")
    for schema in schemas.values():
        _move_attributes(schema)
    members = schemas["ProblemDocument"]["properties"]
    members["code"]["enum"] = list(KINDS)
    for optional in members.values():
        # An absent member has no default value.
        optional.pop("default", None)
    return document


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    """Add the problems that the route can answer with, and the token that it needs."""
    answers = operation["responses"]
    # FastAPI adds this answer with its own schema, which the API does not use.
    answers.pop("422", None)
    codes = {code for answer in answers.values() for code in answer.pop(CODES, ())}
    codes |= set(_codes_of(route))
    by_status: dict[int, list[ProblemKind]] = defaultdict(list)
    for kind in KINDS.values():
        if kind.code in codes:
            by_status[kind.status].append(kind)
    for status, kinds in by_status.items():
        answers[str(status)] = _problem_answer(kinds)
    if "not_signed_in" in codes:
        operation["security"] = [{"token": []}]
    for by_gateway, (message, meaning) in _GATEWAY_ERRORS.items():
        if by_gateway == "401" and "not_signed_in" not in codes:
            continue
        answer = answers.setdefault(by_gateway, {"description": meaning, "content": {}})
        answer["content"]["application/json"] = {
            "schema": {"$ref": f"{_REFERENCE}GatewayMessage"},
            "example": {"message": message},
        }
    operation["responses"] = dict(sorted(answers.items()))


def _codes_of(route: APIRoute) -> Iterator[str]:
    calls = set(_dependency_functions(route.dependant))
    yield "internal_error"
    if verified_user_id in calls:
        yield from ("not_signed_in", "subject_refused", "unavailable")
    if unerased_user_id in calls:
        yield "user_erased"
    if route.body_field is not None:
        yield from ("body_too_large", "unsupported_media_type", "not_json", "invalid_request")
    if any(_parameters(route.dependant)):
        yield "invalid_request"


def _dependency_functions(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _dependency_functions(inner)


def _parameters(dependant: Dependant) -> Iterator[Any]:
    yield from (*dependant.path_params, *dependant.query_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _problem_answer(kinds: list[ProblemKind]) -> dict[str, Any]:
    codes = {"properties": {"code": {"enum": [kind.code for kind in kinds]}}}
    answer: dict[str, Any] = {
        "description": "; ".join(kind.title for kind in kinds),
        "content": {
            PROBLEM_TYPE: {
                "schema": {"allOf": [{"$ref": f"{_REFERENCE}ProblemDocument"}, codes]},
                "examples": {kind.code: {"$ref": f"{_EXAMPLE}{kind.code}"} for kind in kinds},
            }
        },
    }
    if any(kind.retry_after_s is not None for kind in kinds):
        description = "Seconds after which the same request may succeed."
        schema = {"type": "integer", "minimum": 1}
        answer["headers"] = {"Retry-After": {"description": description, "schema": schema}}
    return answer


def _example(kind: ProblemKind) -> dict[str, Any]:
    example = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail,
        "code": kind.code,
        "message": kind.detail,
        **(kind.more or {}),
    }
    return example | {"field": kind.field} if kind.field else example


def _name_successes(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """Describe each successful answer by the object that it holds."""
    for status, answer in operation["responses"].items():
        if status.startswith("2") and answer["description"] == _DEFAULT_DESCRIPTION:
            name = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            answer["description"] = schemas[name]["description"].partition("\n")[0]


def _add_examples(operation: dict[str, Any], examples: Mapping[str, Any]) -> None:
    """Add examples of the request's body and of the successful answers."""
    if "request" in examples:
        operation["requestBody"]["content"]["application/json"]["example"] = examples["request"]
    for status, answer in operation["responses"].items():
        example = examples.get(status, examples.get("answer"))
        if status.startswith("2") and example is not None:
            answer["content"]["application/json"]["example"] = example


_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


def _move_attributes(schema: dict[str, Any]) -> None:
    """Move a docstring's section on attributes to the properties that it describes."""
    text = schema.get("description", "").replace("``", "`")
    schema["description"], _, attributes = text.partition("\n\nAttributes:\n")
    for name, text in _ATTRIBUTE.findall(attributes):
        schema["properties"][name]["description"] = " ".join(text.split())
