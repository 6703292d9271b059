"""CloudFormation refuses resources that need each other, and SAM's linter does not notice them."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pytest

from tests.build.cloudformation import ROOT

pytestmark = pytest.mark.build

# SAM adds resources and references, so the circle may not be in the template itself.
TRANSFORM = """
import json, sys
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
template = yaml_parse(sys.stdin.read())
for resource in template["Resources"].values():
    for key in ("CodeUri", "ContentUri"):
        if key in resource.get("Properties", {}):
            resource["Properties"][key] = "s3://bucket/key"
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
print(json.dumps(Translator({}, Parser()).translate(template, {})))
"""


def resources_of(text: str) -> dict[str, Any]:
    """Return the resources that CloudFormation gets for a SAM template."""
    run = subprocess.run(  # noqa: S603 - the tool that make setup installs
        [ROOT / ".tools/sam/bin/python", "-c", TRANSFORM],
        input=text,
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    resources: dict[str, Any] = json.loads(run.stdout)["Resources"]
    return resources


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
    assert circle_in(resources_of((ROOT / "template.yaml").read_text())) == []


def test_a_page_address_of_the_api_itself_would_be_a_circle() -> None:
    text = (ROOT / "template.yaml").read_text()
    callback = "CallbackURLs: !If [SignInAtPool, [!Ref PageUrl], !Ref AWS::NoValue]"
    assert callback in text
    circular = text.replace(callback, 'CallbackURLs: [!Sub "https://${HttpApi}/"]')
    assert {"HttpApi", "UserPoolClient"} <= set(circle_in(resources_of(circular)))
