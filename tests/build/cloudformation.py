"""Reads template.yaml for the tests and keeps its intrinsic functions."""

from pathlib import Path
from typing import Any, cast

import yaml

ROOT = Path(__file__).parents[2]
# A make that runs these tests must not pass on its flags and variables.
WITHOUT_OUTER_MAKE = (
    *("env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL"),
    *("-u", "MFLAGS", "-u", "ARCHITECTURE"),
)


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, each read as its long form."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load_template(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """Return the template, ``!Ref X`` as ``{"Ref": "X"}``."""
    return cast("dict[str, Any]", yaml.load(path.read_text(), Loader=_Loader))  # noqa: S506 - safe


def resources_of_type(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of every resource of a type, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def as_list(value: Any) -> list[Any]:
    """Return IAM's "one or many" as a list."""
    return value if isinstance(value, list) else [value]


def text_of(value: Any) -> str:
    """Return a string unchanged, and the text of an intrinsic if it has one."""
    if isinstance(value, dict) and "Fn::Sub" in value:
        sub = value["Fn::Sub"]
        return str(sub[0] if isinstance(sub, list) else sub)
    return str(value)
