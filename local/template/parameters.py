"""Checks the values of template parameters by CloudFormation's rules, before anything starts."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import available_timezones

type Declared = Mapping[str, Mapping[str, Any]]
"""The Parameters section of a template."""

# Shorter than difflib's default, so that "es" leads to "es-ES".
_MIN_SIMILARITY = 0.5
_MAX_BYTES = 4_096


def problem_with(name: str, value: str, declared: Declared) -> str | None:
    """Return the problem of one value, its limits and the nearest valid name or value.

    Returns:
        None if CloudFormation accepts the value.
    """
    if name not in declared:
        return (
            f"the template has no parameter {name}{_nearest(name, declared)}; "
            "docs/operations.md lists them"
        )
    try:
        size_bytes = len(value.encode())
    except UnicodeEncodeError:
        return f"{name} is {value!r}; it must be UTF-8"
    if size_bytes > _MAX_BYTES:
        return f"{name} has {size_bytes} bytes; the limit of CloudFormation is {_MAX_BYTES}"
    rules = declared[name]
    kind = rules.get("Type", "String")
    # The rules of a list hold for each of its members.
    values = (
        [each.strip() for each in value.split(",")] if kind == "CommaDelimitedList" else [value]
    )
    problems = (_rule_broken_by(each, kind, rules) for each in values)
    broken = next((problem for problem in problems if problem is not None), None)
    if broken is not None:
        return f"{name} is {value!r}; {broken}"
    # Some machines also list their own zone under this name; Lambda does not.
    zones = available_timezones() - {"localtime"}
    if name == "DeskTimeZone" and value not in zones:
        # The template can check only the form, and no function starts with an unknown zone.
        nearest = _nearest(value, zones)
        return f"{name} is {value!r}; it must be an IANA name such as Europe/London{nearest}"
    return None


def _rule_broken_by(value: str, kind: str, rules: Mapping[str, Any]) -> str | None:
    allowed = [str(each) for each in rules.get("AllowedValues", ())]
    if allowed and value not in allowed:
        names = ", ".join(each or "empty" for each in allowed)
        return f"it must be one of {names}{'' if kind == 'Number' else _nearest(value, allowed)}"
    pattern = rules.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        meaning = rules.get("ConstraintDescription") or rules.get("Description", "")
        return f"it must match {pattern}: {meaning}".rstrip(": ")
    if kind == "Number":
        return _number_rule_broken_by(value, rules)
    least, most = rules.get("MinLength"), rules.get("MaxLength")
    if not _is_within(len(value), least, most):
        return f"its length must be {_limits(least or 0, most)}, not {len(value)}"
    return None


def _number_rule_broken_by(value: str, rules: Mapping[str, Any]) -> str | None:
    least, most = rules.get("MinValue"), rules.get("MaxValue")
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return f"it must be a number {_limits(least, most)}".rstrip()
    if re.match(r"-?0[0-9]|-0$", value):
        # The template compares numbers as text, so 00 would not equal its 0.
        return "it must have no leading zeros and no sign before 0"
    if not _is_within(float(value), least, most):
        return f"it must be {_limits(least, most)}"
    return None


def _is_within(number: float, least: Any, most: Any) -> bool:
    return (least is None or number >= float(least)) and (most is None or number <= float(most))


def _limits(least: Any, most: Any) -> str:
    if most is None:
        return "" if least is None else f"from {least}"
    return f"at most {most}" if least is None else f"from {least} to {most}"


def _nearest(given: str, valid: Iterable[str]) -> str:
    """Return a clause with the valid word that is most similar to ``given``, if there is one."""
    by_lower_case = {each.lower(): each for each in valid if each}
    found = difflib.get_close_matches(given.lower(), by_lower_case, 1, _MIN_SIMILARITY)
    return f"; the nearest is {by_lower_case[found[0]]}" if found else ""
