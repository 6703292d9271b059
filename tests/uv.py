"""The uv that the Makefile uses."""

import shutil

from tests.documents import ROOT


def uv() -> str:
    """Return the path of the program."""
    return shutil.which("uv") or str(ROOT / ".tools" / "uv" / "bin" / "uv")
