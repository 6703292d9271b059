"""The OpenAPI document, the page made of it, and the methods that the addresses take."""

import base64
import hashlib
import json
import re
from typing import Any

import pytest

from http_api.problem_kinds import KINDS
from tests.event_files import load_event
from tests.unit.functions.http_api.document import document, served_requests, validator
from tests.unit.functions.http_api.harness import HttpApiHarness

pytestmark = pytest.mark.unit

UNDOCUMENTED = ("/", "/docs", "/openapi.json")


def asked(method: str, path: str) -> dict[str, Any]:
    """Return the function's answer to a request without a token, or with one but on /health."""
    is_open = path in ("/health", "/settings", *UNDOCUMENTED)
    name = "health" if is_open else "create_session"
    event = load_event(f"http_api.{name}")
    event |= {"rawPath": path, "body": None}
    event["requestContext"]["http"] |= {"method": method, "path": path}
    return HttpApiHarness().application.handle(event, None)


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_served_as_it_is_made() -> None:
    answer = asked("GET", "/openapi.json")

    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == document()
    assert document()["openapi"].startswith("3.1")


def test_every_operation_but_those_of_the_page_and_health_wants_the_token() -> None:
    assert document()["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    without = [name for name, operation in operations() if operation.get("security") is None]
    assert without == ["GET /settings", "GET /health"]


def test_each_code_is_documented_where_it_can_be_answered_and_none_is_left_over() -> None:
    found = {
        code
        for _, operation in operations()
        for answer in operation["responses"].values()
        for code in answer.get("content", {})
        .get("application/problem+json", {})
        .get("examples", ())
    }
    assert found | {"path_unknown", "method_not_allowed"} == set(KINDS)
    erasing = document()["paths"]["/me"]["delete"]["responses"]
    assert set(erasing) == {"200", "202", "401", "409", "429", "500", "503"}


def test_every_example_is_what_its_schema_says() -> None:
    for name, operation in operations():
        method, _, path = name.partition(" ")
        pointer = f"#/paths/{path.replace('/', '~1')}/{method.lower()}"
        pointer = pointer.replace("{", "%7B").replace("}", "%7D")
        media = {f"responses/{status}": answer for status, answer in operation["responses"].items()}
        if "requestBody" in operation:
            media["requestBody"] = operation["requestBody"]
        for place, holder in media.items():
            for media_type, content in holder.get("content", {}).items():
                schema = f"{pointer}/{place}/content/{media_type.replace('/', '~1')}/schema"
                given = content.get("examples", {}).values()
                values = [
                    document()["components"]["examples"][_last(one)]["value"] for one in given
                ]
                values += [content["example"]] if "example" in content else []
                assert values, f"{name} {place} has no example"
                for value in values:
                    errors = [error.message for error in validator(schema).iter_errors(value)]
                    assert not errors, (name, place, errors)


def _last(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def test_the_page_shows_everything_and_asks_no_other_host() -> None:
    answer = asked("GET", "/docs")
    page, headers = answer["body"], answer["headers"]

    assert (answer["statusCode"], headers["content-type"]) == (200, "text/html; charset=utf-8")
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert headers["content-security-policy"].startswith(
        f"default-src 'none'; style-src 'sha256-{digest}';"
    )
    targets = re.findall(r'(?:href|src)="([^"]*)"', page)
    anchors = re.findall(r'id="([^"]*)"', page)
    assert len(anchors) == len(set(anchors))
    assert {target.removeprefix("#") for target in targets} - {"/openapi.json"} <= set(anchors)
    assert set(KINDS) <= set(anchors)
    assert all(name in page for name, _ in operations())
    assert all(f"schema-{name}" in anchors for name in document()["components"]["schemas"])
    assert "<script" not in page
    assert "url(" not in page


def test_only_the_api_s_description_may_be_cached() -> None:
    public = [p for p in ADDRESSES if "public" in asked("GET", p)["headers"]["cache-control"]]

    assert public == ["/docs", "/openapi.json"]
    answers = [asked("GET", path)["headers"] for path in (*ADDRESSES, "/nowhere")]
    assert {headers["x-content-type-options"] for headers in answers} == {"nosniff"}


ADDRESSES = sorted({path for _, path in served_requests()} | set(UNDOCUMENTED))


@pytest.mark.parametrize("path", ADDRESSES)
def test_head_is_answered_as_get_without_the_body(path: str) -> None:
    got, headed = asked("GET", path), asked("HEAD", path)

    assert headed["statusCode"] == got["statusCode"]
    assert headed["headers"] == got["headers"]
    assert headed["body"] == ""


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "BREW"])
def test_a_wrong_method_is_answered_with_the_right_ones(path: str, method: str) -> None:
    answer = asked(method, path)

    allowed = {one for one, served in served_requests() if served == path} or {"GET"}
    assert answer["statusCode"] == 405
    expected = allowed | ({"HEAD"} if "GET" in allowed else set())
    assert answer["headers"]["allow"] == ", ".join(sorted(expected))
    assert json.loads(answer["body"])["code"] == "method_not_allowed"
