"""The folders of runs below ``.local/``: their names, their parameters, the removal of old ones."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from local.hosting.private_folders import write_private
from local.stack.options import PROJECT, STAGE

LOCAL = PROJECT / ".local"
KEPT_RUNS = 5
_PARAMETERS = "parameters.json"
_NAME = re.compile(r"run-\d{8}-\d{6}-\d+")


def new_run_directory(folder: Path = LOCAL) -> Path:
    """Return the path of a new folder for a run; names sort by time."""
    return folder / f"run-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


def write_parameters(run_directory: Path, parameters: Mapping[str, str]) -> None:
    """Keep the template's parameters of a run, for programs that read its records later."""
    values = {"StageName": STAGE, **parameters}
    write_private(run_directory / _PARAMETERS, json.dumps(values, indent=2) + "\n")


def read_parameters(run_directory: Path) -> dict[str, str]:
    """Return the template's parameters of a run that are not its defaults."""
    values: dict[str, str] = json.loads((run_directory / _PARAMETERS).read_text())
    return values


@contextlib.contextmanager
def marked_in_use(run_directory: Path) -> Iterator[None]:
    """Keep other processes from removing the folder during the context.

    The system releases the lock of a process that ends, however it ends.
    """
    descriptor = os.open(run_directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def remove_old_runs(folder: Path, *, root: Path = LOCAL) -> str | None:
    """Remove all runs in the folder but the newest ones and those of running stacks.

    Args:
        folder: A folder in which ``new_run_directory`` created runs.
        root: Nothing outside this folder is removed.

    Returns:
        What was removed, as a sentence; None if nothing was.
    """
    if not folder.resolve().is_relative_to(root.resolve()) or not folder.is_dir():
        return None
    runs = sorted(
        path for path in folder.iterdir() if _NAME.fullmatch(path.name) and not path.is_symlink()
    )
    removed = [path for path in runs[:-KEPT_RUNS] if _removed(path)]
    if not removed:
        return None
    return f"Old runs removed from {folder}: {len(removed)}. The newest {KEPT_RUNS} are kept."


def _removed(run_directory: Path) -> bool:
    with contextlib.suppress(OSError):
        descriptor = os.open(run_directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(run_directory, ignore_errors=True)
        finally:
            os.close(descriptor)
    return not run_directory.exists()
