"""Renders the OpenAPI document as one HTML page without scripts or content of other hosts."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from http_api.problem_kinds import KINDS

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2,h3{margin-top:2.5rem}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #8885;padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}
pre{background:#8882;padding:.8rem;overflow:auto}
code,pre{font:.875rem/1.4 ui-monospace,monospace}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def render(document: Mapping[str, Any]) -> str:
    """Return the page of an OpenAPI document."""
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>{''.join(_body(document))}</body></html>"
    )


def _body(document: Mapping[str, Any]) -> Iterator[str]:
    info, schemas = document["info"], document["components"]["schemas"]
    yield f"<h1>{escape(info['title'])} HTTP API, version {escape(info['version'])}</h1>"
    yield _text(info["description"])
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p><ul>'
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for name, operation in operations:
        target = escape(operation["operationId"])
        yield f'<li><a href="#{target}"><code>{escape(name)}</code></a></li>'
    yield "</ul>"
    for name, operation in operations:
        yield from _operation(name, operation)
    yield "<h2>Objects</h2>"
    for name, schema in schemas.items():
        yield from _schema(name, schema)
    yield "<h2>Problems</h2>" + _table(
        ("Code", "Status", "Meaning", "For example"),
        (
            (
                f'<code id="{kind.code}">{kind.code}</code>',
                str(kind.status),
                escape(kind.title),
                escape(kind.detail),
            )
            for kind in KINDS.values()
        ),
    )


def _operation(name: str, operation: Mapping[str, Any]) -> Iterator[str]:
    target = escape(operation["operationId"])
    yield f'<h3 id="{target}"><code>{escape(name)}</code></h3>'
    yield _text(operation.get("description", ""))
    if "security" not in operation:
        yield "<p>It needs no token.</p>"
    parameters = operation.get("parameters", ())
    if parameters:
        yield _table(
            ("Parameter", "In", "Takes"),
            (
                (_code(one["name"]), escape(one["in"]), _takes(one["schema"], one["required"]))
                for one in parameters
            ),
        )
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        yield f"<p>Body: {_takes(content['schema'], True)}</p>{_example(content)}"
    yield _table(
        ("Status", "Answer", "Holds"),
        (
            (escape(status), _inline(answer["description"]), _holds(answer.get("content", {})))
            for status, answer in operation["responses"].items()
        ),
    )
    for status, answer in operation["responses"].items():
        if status.startswith("2") and "content" in answer:
            yield _example(answer["content"]["application/json"])


def _holds(content: Mapping[str, Any]) -> str:
    """Return links to an answer's problems and to its object."""
    problems = [code for media in content.values() for code in media.get("examples", ())]
    objects = [media["schema"] for media in content.values() if "examples" not in media]
    links = [f'<a href="#{code}">{_code(code)}</a>' for code in problems]
    return " or ".join(links + [_takes(schema, True) for schema in objects])


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>'
    yield _text(schema.get("description", ""))
    if "properties" not in schema:
        yield f"<p>{_takes(schema, True)}</p>"
        return
    required = schema.get("required", ())
    yield _table(
        ("Member", "Type", ""),
        (
            (_code(member), _takes(value, member in required), _text(value.get("description", "")))
            for member, value in schema["properties"].items()
        ),
    )


def _takes(schema: Mapping[str, Any], required: bool) -> str:
    text = _type(schema)
    bounds = (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"), ("pattern", "like"))
    for key, word in bounds:
        if key in schema:
            text += f" {word} {_code(str(schema[key]))}"
    if required:
        return text
    default = schema.get("default")
    return f"{text}, optional" if default is None else f"{text}, {_code(str(default))} if absent"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(_code(json.dumps(one)) for one in schema["enum"])
    if "const" in schema:
        return _code(json.dumps(schema["const"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return escape(schema.get("format") or schema.get("type") or "anything")


def _example(content: Mapping[str, Any]) -> str:
    if "example" not in content:
        return ""
    return f"<pre>{escape(json.dumps(content['example'], indent=2, ensure_ascii=False))}</pre>"


def _text(text: str) -> str:
    return "".join(f"<p>{_inline(one)}</p>" for one in text.strip().split("\n\n") if one)


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{one}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
