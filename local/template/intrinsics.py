"""The YAML tags and intrinsic functions of CloudFormation that the template uses."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

NO_VALUE = object()
"""The value of ``AWS::NoValue``; properties with it are removed."""

_SHORT_FORMS = ("Ref", "Condition")
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class TemplateError(ValueError):
    """The template is invalid, or uses a feature that this reader does not support."""


class _Loader(yaml.CSafeLoader):
    """Loads YAML and converts CloudFormation's short tags to their long forms."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TemplateError(f"unexpected YAML below !{suffix}")
    return {suffix if suffix in _SHORT_FORMS else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)
# A date in a template ("2010-09-09") is text.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse(text: str) -> dict[str, Any]:
    """Read a template's YAML.

    Raises:
        TemplateError: It is not YAML, or its root is not a mapping.
    """
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader underneath
    except yaml.YAMLError as error:
        raise TemplateError(str(error)) from error
    if not isinstance(document, dict):
        raise TemplateError("the root of a template must be a mapping")
    return document


@dataclass(frozen=True, slots=True)
class Resolver:
    """Evaluates intrinsic functions.

    Args:
        references: The results of ``Ref``: parameters, pseudo parameters, logical ids.
        attributes: The results of ``Fn::GetAtt``, by ``(logical id, attribute)``.
        conditions: The template's Conditions section, unevaluated.
        mappings: The template's Mappings section.
    """

    references: Mapping[str, Any]
    attributes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self, value: Any) -> Any:
        """Return ``value`` with every function in it replaced by its result.

        Raises:
            TemplateError: An unknown function, name or condition.
        """
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            function = self._functions().get(name)
            if function is not None:
                return function(argument)
            if isinstance(name, str) and name.startswith("Fn::"):
                raise TemplateError(f"{name} is not supported by the local stack")
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """Return the value of a named condition."""
        if name not in self.conditions:
            raise TemplateError(f"unknown condition {name}")
        return self._truth(self.conditions[name])

    def _functions(self) -> Mapping[str, Callable[[Any], Any]]:
        return {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::If": self._if,
            "Fn::Join": lambda a: a[0].join(str(part) for part in self.resolve(a[1])),
            "Fn::Select": lambda a: self.resolve(a[1])[int(self.resolve(a[0]))],
            "Fn::Split": lambda a: str(self.resolve(a[1])).split(a[0]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::Equals": self._truth_of("Fn::Equals"),
            "Fn::Not": self._truth_of("Fn::Not"),
            "Fn::And": self._truth_of("Fn::And"),
            "Fn::Or": self._truth_of("Fn::Or"),
        }

    def _truth_of(self, name: str) -> Callable[[Any], bool]:
        return lambda argument: self._truth({name: argument})

    def _truth(self, expression: Any) -> bool:
        if isinstance(expression, dict) and len(expression) == 1:
            name, argument = next(iter(expression.items()))
            match name:
                case "Condition":
                    return self.condition(argument)
                case "Fn::Equals":
                    left, right = (self.resolve(side) for side in argument)
                    return str(left) == str(right)
                case "Fn::Not":
                    return not self._truth(argument[0])
                case "Fn::And":
                    return all(self._truth(part) for part in argument)
                case "Fn::Or":
                    return any(self._truth(part) for part in argument)
        raise TemplateError(f"not a condition: {expression!r}")

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name not in self.references:
            raise TemplateError(f"Ref to unknown {name}")
        return self.references[name]

    def _get_att(self, argument: Any) -> str:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        key = (str(parts[0]), ".".join(str(part) for part in parts[1:]))
        if key not in self.attributes:
            raise TemplateError(f"GetAtt of unknown {'.'.join(key)}")
        return self.attributes[key]

    def _sub(self, argument: Any) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument

        def value(match: re.Match[str]) -> str:
            literal, name = match.group(1), match.group(2).strip()
            if literal:
                return "${" + name + "}"
            if name in local:
                return str(self.resolve(local[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _VARIABLE.sub(value, text)

    def _if(self, argument: Any) -> Any:
        name, yes, no = argument
        return self.resolve(yes if self.condition(name) else no)

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second = (self.resolve(part) for part in argument)
        try:
            return self.mappings[name][first][second]
        except KeyError as missing:
            raise TemplateError(f"FindInMap: nothing at {name}.{first}.{second}") from missing


def merge_globals(base: Any, override: Any) -> Any:
    """Merge by SAM's rule for Globals: mappings merge, lists join, other values are replaced.

    An intrinsic function counts as one value.
    """
    if isinstance(base, dict) and isinstance(override, dict):
        if _is_function(base) or _is_function(override):
            return override
        keys = [*base, *(key for key in override if key not in base)]
        return {
            key: merge_globals(base[key], override[key])
            if key in base and key in override
            else override.get(key, base.get(key))
            for key in keys
        }
    if isinstance(base, list) and isinstance(override, list):
        return [*base, *override]
    return override


def _is_function(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))
