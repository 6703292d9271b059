"""Each object of the session owns its attributes and depends on few others."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

SHARED = Path(__file__).resolve().parents[4] / "layers" / "shared"
MODULES = sorted((SHARED / "repartee" / "domain" / "session").rglob("*.py"))


def targets(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield each place that the code assigns to, augments or deletes."""
    for node in ast.walk(tree):
        waiting: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            waiting += node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            waiting.append(node.target)
        while waiting:
            place = waiting.pop()
            if isinstance(place, ast.Tuple | ast.List):
                waiting += place.elts
            elif isinstance(place, ast.Starred | ast.Subscript):
                waiting.append(place.value)
            else:
                yield place


def foreign_assignments(source: str) -> list[str]:
    return [
        ast.unparse(place)
        for place in targets(ast.parse(source))
        if isinstance(place, ast.Attribute) and ast.unparse(place.value) != "self"
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_only_the_owner_assigns_an_attribute(module: Path) -> None:
    assert foreign_assignments(module.read_text()) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("self._turn.is_cut = True", ["self._turn.is_cut"]),
        ("self._turn.usage += usage", ["self._turn.usage"]),
        ("self.late, turn.late = turn.late, []", ["turn.late"]),
        ("self._turns.known[1] = 2", ["self._turns.known"]),
        ("del turn.late", ["turn.late"]),
        ("self._turn = turn", []),
        ("self._known[1], seen = 2, 3", []),
    ],
)
def test_an_assignment_to_another_object_would_be_found(line: str, found: list[str]) -> None:
    assert foreign_assignments(line) == found


def constructors(module: Path) -> Iterator[type]:
    """Yield the classes of a module that do something, so neither values nor enumerations."""
    name = ".".join(module.relative_to(SHARED).with_suffix("").parts)
    for one in vars(importlib.import_module(name)).values():
        if isinstance(one, type) and one.__module__ == name and not issubclass(one, Enum):
            parameters = getattr(one, "__dataclass_params__", None)
            if parameters is None or not parameters.frozen:
                yield one


def positional(kind: type) -> list[str]:
    """Return the arguments without a default that may be given by their place."""
    return [
        parameter.name
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        and parameter.default is parameter.empty
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_constructor_takes_more_than_six_positional_arguments(module: Path) -> None:
    assert [one for one in constructors(module) if len(positional(one)) > 6] == []


def test_the_constructors_are_found() -> None:
    (module,) = (path for path in MODULES if path.stem == "departure")
    departure = next(one for one in constructors(module) if one.__name__ == "Departure")
    assert len(positional(departure)) == 6
