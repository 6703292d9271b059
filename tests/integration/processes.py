"""Processes and their listening sockets, as Linux shows them in /proc."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

# For work of the kernel or of another process. Only a hang takes this long.
PATIENCE_S = 60.0
LOOPBACK = "0100007F"


def exists(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid: int) -> set[int]:
    """Return all descendants of a process."""
    found: set[int] = set()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in map(int, path.read_text().split()):
                found |= {child} | children(child)
    return found


def eventually(condition: Callable[[], bool]) -> bool:
    ends_at_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at_s:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def listeners(pids: Iterable[int] | None = None) -> dict[int, set[str]]:
    """Return the listening addresses of each port, in the kernel's notation.

    Args:
        pids: The processes whose sockets count; None for all processes.
    """
    sockets = None if pids is None else {link for pid in pids for link in _open_files(pid)}
    found: dict[int, set[str]] = {}
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == "0A" and (sockets is None or f"socket:[{inode}]" in sockets):
                address, port = local.split(":")
                found.setdefault(int(port, 16), set()).add(address)
    return found


def _open_files(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            yield str(descriptor.readlink())
