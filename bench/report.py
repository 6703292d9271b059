"""The report of a benchmark: tables on the screen, and all samples as JSON."""

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib import metadata
from os import cpu_count, getloadavg
from pathlib import Path
from typing import Any

from local.stack import PROJECT

RESULTS = PROJECT / ".local" / "bench"
_PACKAGES = ("google-genai", "langchain", "boto3", "awslambdaric", "websockets", "aiohttp")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; the first column is text, the others are formatted numbers."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """Return the aligned table, without a newline at the end."""
        lines = [self.headings, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.headings))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one benchmark.

    Attributes:
        name: The name of the benchmark and of its JSON file.
        title: The measured quantity in one line.
        tables: The tables for the screen.
        notes: Explanations of the numbers, a line each.
        data: The content of the JSON file: dataclasses, mappings, sequences, numbers and text.
    """

    name: str
    title: str
    tables: Sequence[Table]
    notes: Sequence[str]
    data: Mapping[str, Any]

    def text(self) -> str:
        """Return the text for the screen."""
        parts = [f"{self.name}: {self.title}"]
        parts += [table.text() for table in self.tables]
        parts += ["\n".join(f"  {note}" for note in self.notes)] if self.notes else []
        return "\n".join(parts)

    def write(self, folder: Path = RESULTS) -> Path:
        """Write the JSON file, replacing an older one; return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        content = {
            "name": self.name,
            "title": self.title,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine_facts(),
            "notes": list(self.notes),
            **self.data,
        }
        path.write_text(json.dumps(content, indent=2, default=_plain, ensure_ascii=False) + "\n")
        return path


def machine_facts() -> dict[str, Any]:
    """Return facts about the machine, such as its load."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": cpu_count(),
        "load_1_min": round(getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }


def print_now(text: str) -> None:
    """Print a line without buffering, because a reader waits for it."""
    print(text, flush=True)  # noqa: T201 - a command-line program


def print_error(text: str) -> None:
    """Print a line on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command-line program


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    names = [line for line in text.splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.processor()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")
