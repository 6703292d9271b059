"""The memory of processes as Linux counts it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """The memory of several processes, in KiB.

    Attributes:
        processes: The number of processes.
        pss_kib: Proportional set size: a page shared by n processes counts 1/n for each.
        rss_kib: Resident set size: shared pages count in full for each.
    """

    processes: int
    pss_kib: int
    rss_kib: int


def parse_smaps_rollup(text: str) -> ProcessMemory:
    """Read ``/proc/PID/smaps_rollup``.

    Raises:
        ValueError: The text has no Pss or no Rss.
    """
    fields = {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in text.splitlines())
        if name in ("Pss", "Rss")
    }
    if fields.keys() != {"Pss", "Rss"}:
        raise ValueError("no Pss or no Rss")
    return ProcessMemory(1, fields["Pss"], fields["Rss"])


def memory_of(pids: Iterable[int]) -> ProcessMemory:
    """Return the present memory of processes.

    Raises:
        RuntimeError: This is not Linux, or a process has ended.
    """
    found = []
    for pid in pids:
        try:
            found.append(parse_smaps_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text()))
        except OSError as error:
            raise RuntimeError(f"the memory of process {pid} cannot be read: {error}") from error
    return ProcessMemory(
        len(found), sum(one.pss_kib for one in found), sum(one.rss_kib for one in found)
    )
