"""No class of the session changes the attributes of another object."""

import ast
from collections.abc import Iterator
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
