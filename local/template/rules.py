"""Checks the Rules section of a template, which CloudFormation checks after the build."""

from collections.abc import Mapping
from pathlib import Path

from local.template.intrinsics import Resolver, parse


def broken_rules(template: Path, parameters: Mapping[str, str]) -> list[str]:
    """Return the description of each assertion that the values of parameters break.

    Args:
        template: The template.
        parameters: Values of parameters; the others have their defaults.

    Raises:
        TemplateError: The template is invalid.
    """
    document = parse(template.read_text())
    declared = document["Parameters"]
    defaults = {name: str(one.get("Default", "")) for name, one in declared.items()}
    resolver = Resolver({**defaults, **parameters})
    return [
        str(assertion["AssertDescription"])
        for rule in document["Rules"].values()
        if resolver.resolve(rule["RuleCondition"])
        for assertion in rule["Assertions"]
        if not resolver.resolve(assertion["Assert"])
    ]
