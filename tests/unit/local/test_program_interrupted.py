"""Ctrl-C while a program of ``local`` is still being imported ends it without a traceback."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import PROJECT

pytestmark = pytest.mark.unit

# In place of the first module that the programs import.
SLOW_IMPORT = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"


@pytest.mark.parametrize("program", ["up", "demo.__main__", "as_user", "invoke", "tool"])
def test_ctrl_c_during_the_imports_prints_nothing(program: str, tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text(SLOW_IMPORT)
    with subprocess.Popen(  # noqa: S603 - the project's own programs
        [sys.executable, "-m", f"local.{program}"],
        cwd=PROJECT,
        env={"PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)

    assert errors == ""
    assert process.returncode == -signal.SIGINT
