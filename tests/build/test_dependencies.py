"""CloudFormation refuses resources that need each other, and SAM's linter does not notice them."""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest

from tests.build.cloudformation import ROOT
from tests.build.sam_transform import transformed

pytestmark = pytest.mark.build


def named_in(value: Any) -> Iterator[str]:
    """Yield the names that a value refers to, with both branches of each condition."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": text}:
            pattern, *local = text if isinstance(text, list) else [text]
            yield from re.findall(r"\$\{([A-Za-z0-9]+)", pattern)
            yield from named_in(local)
        case dict():
            for key, inner in value.items():
                yield from [*inner] if key == "DependsOn" and isinstance(inner, list) else ()
                yield from [inner] if key == "DependsOn" and isinstance(inner, str) else ()
                yield from named_in(inner)
        case list():
            for inner in value:
                yield from named_in(inner)


def circle_in(resources: Mapping[str, Any]) -> list[str]:
    """Return resources that need each other, an empty list if none do."""
    graph = {name: set(named_in(found)) & set(resources) for name, found in resources.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_resource_of_the_template_needs_itself() -> None:
    assert circle_in(transformed((ROOT / "template.yaml").read_text())["Resources"]) == []


def test_a_page_address_of_the_api_itself_would_be_a_circle() -> None:
    text = (ROOT / "template.yaml").read_text()
    callback = "CallbackURLs: !If [SignInAtPool, [!Ref PageUrl], !Ref AWS::NoValue]"
    assert callback in text
    circular = text.replace(callback, 'CallbackURLs: [!Sub "https://${HttpApi}/"]')
    assert {"HttpApi", "UserPoolClient"} <= set(circle_in(transformed(circular)["Resources"]))
