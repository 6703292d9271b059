"""A persona with a fault stops `make build` with its file and field."""

from pathlib import Path

import pytest

from ops.personas import main
from repartee.adapters.personas import FOLDER

pytestmark = pytest.mark.unit


def test_the_personas_of_this_version_can_be_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert capsys.readouterr() == ("", "")


def test_each_fault_is_one_line_with_its_file_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in FOLDER.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text().replace("manner:", "manners:"))

    assert main(tmp_path) == 2
    lines = capsys.readouterr().err.splitlines()
    assert f"{tmp_path.name}/pizzeria.yaml: manner: it is missing: add it" in lines
    assert len(lines) == 2 * len(list(tmp_path.iterdir()))
