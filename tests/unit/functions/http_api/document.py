"""The API's OpenAPI document checks the API's answers."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import jsonschema_rs

from http_api.app import create_app
from http_api.deps import Deps


@cache
def document() -> dict[str, Any]:
    """Return the document. It does not depend on the API's dependencies."""
    return create_app(cast(Deps, None)).openapi()


def served_requests() -> list[tuple[str, str]]:
    """Return method and path of every documented operation, with ids in place of parameters."""
    return [
        (method.upper(), re.sub(r"\{(\w+?)_id\}", r"\1-1", path))
        for path, methods in document()["paths"].items()
        for method in methods
    ]


def check_answer(
    method: str, path: str, status: int, headers: Mapping[str, str], content: Any
) -> None:
    """Fail when the document does not allow an answer.

    Statuses, types, members and codes are compared. Addresses and methods that are not documented
    are answered 404 and 405.
    """
    found = _operation(method, path)
    if found is None:
        assert status in (404, 405), f"{method} {path} is not documented"
        problem = "#/components/schemas/ProblemDocument"
        assert validator(problem).is_valid(content), content
        return
    pointer, operation = found
    answer = operation["responses"].get(str(status))
    assert answer is not None, f"{method} {path} does not document {status} {content}"
    if "content" not in answer:
        # Mangum names a type all the same.
        assert content is None
        return
    media = headers["content-type"]
    assert media in answer["content"], f"{method} {path} does not document {media} for {status}"
    name = media.replace("/", "~1")
    schema = f"{pointer}/responses/{status}/content/{name}/schema"
    errors = [error.message for error in validator(schema).iter_errors(content)]
    assert not errors, f"{method} {path} {status}: {errors}"


@cache
def validator(pointer: str) -> jsonschema_rs.Draft202012Validator:
    """Return a validator for the schema at ``pointer`` in the document."""
    whole = document()
    schema = {"$ref": pointer, "components": whole["components"], "paths": whole["paths"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    for template, methods in document()["paths"].items():
        expression = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(expression, path) and method.lower() in methods:
            place = template.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
            return f"#/paths/{place}/{method.lower()}", methods[method.lower()]
    return None
