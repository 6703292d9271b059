"""Runs the programs of ``.tools/audit``, in a separate environment."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ops.settings import ROOT

TOOLS = ROOT / ".tools" / "audit" / "bin"


class AuditError(Exception):
    """A program did not do its work."""


def run(program: Path | str, arguments: Sequence[str], text: str = "") -> str:
    """Run a program of any exit status below 2 and return its output.

    Raises:
        AuditError: The program is missing, failed, or printed nothing.
    """
    try:
        ended = subprocess.run(
            [str(program), *arguments],
            cwd=ROOT,
            input=text,
            env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise AuditError(f"{program} is missing: run make audit") from None
    if ended.returncode not in (0, 1) or not ended.stdout.strip():
        raise AuditError(
            f"{Path(program).name} failed with {ended.returncode}: {ended.stderr[-500:]}"
        )
    return ended.stdout
