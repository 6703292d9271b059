"""Folders that only their owner may read, and that one process at a time may hold."""

import fcntl
import os
import re
import secrets
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Programs that end release the folder after a moment.
_PATIENCE_S = 2.0
_POLL_S = 0.05


class DataInUseError(RuntimeError):
    """Another stack uses the folder of the tables."""


class BadAccessKeyError(RuntimeError):
    """The file with the access key of the tables does not hold one, or is missing."""


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents; only the owner may read what this creates."""
    for missing in [each for each in (folder, *folder.parents) if not each.exists()][::-1]:
        missing.mkdir(mode=0o700, exist_ok=True)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read; readers see all of it or the version before."""
    new_file = file.with_name(f"{file.name}.new")
    new_file.touch(mode=0o600)
    new_file.write_text(text)
    new_file.replace(file)


def new_access_key() -> str:
    """Return a random access key; DynamoDB Local takes letters and digits only."""
    # Without capitals, because it is part of a file's name.
    return f"local{secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A folder of tables that this process holds.

    Args:
        path: The folder.
        access_key: The access key of the tables.
        lock: The descriptor of the lock file. A child that inherits it holds the folder too.
    """

    path: Path
    access_key: str
    lock: int


@contextmanager
def held_data(path: Path, port_base: int) -> "Iterator[DataFolder]":
    """Hold a folder of tables during the context; create it if it is missing.

    The system releases the lock of a process that ends, however it ends.

    Raises:
        DataInUseError: Another process holds the folder.
        BadAccessKeyError: The file of the key was changed.
    """
    make_private(path)
    lock_file = path / "lock"
    lock = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locked(lock):
            raise DataInUseError(
                f"the tables in {path} are in use by the stack of {lock_file.read_text().strip()}. "
                "Stop it, or use another folder (--data), or none (FRESH=1). A second stack also "
                "needs other ports: REPARTEE_PORT_BASE moves the ports and the folder"
            )
        os.truncate(lock, 0)
        os.pwrite(lock, f"process {os.getpid()}, ports from {port_base}\n".encode(), 0)
        yield DataFolder(path, _access_key(path / "access-key"), lock)
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    ends_at_s = time.monotonic() + _PATIENCE_S
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > ends_at_s:
            return False
        time.sleep(_POLL_S)


def _access_key(file: Path) -> str:
    # With a new key the tables of a folder that has lost its own would seem to be empty.
    if not file.exists() and not any(file.parent.glob("*_us-east-1.db")):
        write_private(file, f"{new_access_key()}\n")
    key = file.read_text(errors="replace").strip() if file.exists() else ""
    if not re.fullmatch("[A-Za-z0-9]{1,128}", key):
        raise BadAccessKeyError(
            f"{file} holds no access key, which has letters and digits only. The tables are in "
            f"KEY_us-east-1.db beside it: write that KEY into the file"
        )
    return key
