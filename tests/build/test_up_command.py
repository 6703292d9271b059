"""`make up` and `make demo` pass their variables to the programs unchanged."""

import subprocess

import pytest

from tests.build.cloudformation import ROOT, WITHOUT_OUTER_MAKE

pytestmark = pytest.mark.build

SETTINGS = """Language=es-ES Name='two  words' "Other=a,b" """


@pytest.mark.parametrize("target", ["up", "demo"])
def test_quotes_in_set_reach_the_program(target: str) -> None:
    # `setup` counts as done, and a program that prints its arguments replaces Python.
    command = ["make", "-s", "-o", "setup", target, "PYTHON=printf '<%s>' --", f"SET={SETTINGS}"]
    run = subprocess.run(  # noqa: S603 - the target that developers call
        [*WITHOUT_OUTER_MAKE, *command, "MODEL=gemini-x"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith(f"<--model><gemini-x><--set><{SETTINGS}>")
