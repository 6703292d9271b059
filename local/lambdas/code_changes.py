"""Notices source files that were edited, so that later invocations run the new code."""

import contextlib
import os
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.hosting.timers import Timers
from local.lambdas.environment_pool import EnvironmentPool
from local.lambdas.hosting_types import FunctionCode, HostedFunction

# A scan of the project's sources takes a few milliseconds of the event loop.
SCAN_INTERVAL_S = 0.5
_SUFFIXES = (".py", ".yaml", ".json")

type _State = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class CodeChange:
    """Files that were changed, added or deleted since the previous invocation.

    Args:
        files: The files that functions import or read.
        functions: The logical ids of the functions whose later invocations run the new code.
        running: The number of invocations that finish with the previous code, by function.
        errors: One text for each file that is not valid Python or YAML.
        needs_restart: The files that are read only when the stack starts.
    """

    files: tuple[Path, ...]
    functions: tuple[str, ...]
    running: Mapping[str, int]
    errors: tuple[str, ...]
    needs_restart: tuple[Path, ...]


class SourceScan:
    """Compares source files with their previous state, by time, size and inode.

    Args:
        folders: The folders whose Python, YAML and JSON files are compared.
        others: Further files, and folders of such files.
        timers: The clock that spaces the scans.
    """

    def __init__(self, folders: Iterable[Path], others: Collection[Path], timers: Timers) -> None:
        self._folders = frozenset(folders).union(path for path in others if path.is_dir())
        self._files = frozenset(others) - self._folders
        self._timers = timers
        self._states = self._scan()
        self._scanned_at_s = timers.now_s()

    def changed(self) -> list[Path]:
        """Return the files that differ from the previous scan; none within ``SCAN_INTERVAL_S``."""
        now_s = self._timers.now_s()
        if now_s - self._scanned_at_s < SCAN_INTERVAL_S:
            return []
        self._scanned_at_s = now_s
        previous, self._states = self._states, self._scan()
        found = previous.items() ^ self._states.items()
        return sorted({Path(path) for path, _ in found})

    def _scan(self) -> dict[str, _State]:
        states: dict[str, _State] = {}
        for folder in self._folders:
            states.update(_source_files(str(folder)))
        for file in self._files:
            with contextlib.suppress(OSError):
                states[str(file)] = _state(file.stat())
        return states


def _source_files(folder: str) -> Iterator[tuple[str, _State]]:
    # An editor or git may delete files and folders during the scan.
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name == "__pycache__" or entry.name.startswith("."):
            continue
        # A link to a folder may lead into a circle.
        if entry.is_dir(follow_symlinks=False):
            yield from _source_files(entry.path)
        elif entry.name.endswith(_SUFFIXES):
            with contextlib.suppress(OSError):
                if entry.is_file():
                    yield entry.path, _state(entry.stat())


def _state(status: os.stat_result) -> _State:
    return status.st_mtime_ns, status.st_size, status.st_ino


class CodeReloader:
    """Replaces the environments of functions whose source files have changed.

    Args:
        code: The code of the functions.
        restart_paths: Files and folders whose changes need a new start of the stack.
        timers: The clock that spaces the scans.
        report: Called with each change.
    """

    def __init__(
        self,
        code: Iterable[FunctionCode],
        restart_paths: Collection[Path],
        timers: Timers,
        report: Callable[[CodeChange], None],
    ) -> None:
        folders = {path for one in code for path in (one.task_root, *one.python_path)}
        self._scan = SourceScan(folders, restart_paths, timers)
        self._restart_paths = frozenset(restart_paths)
        self._report = report

    def replace_outdated(self, pools: Collection[EnvironmentPool]) -> None:
        """Look for changes, and end the idle environments of the functions that they affect.

        Running invocations finish. Their environments get no further invocation.
        """
        changed = self._scan.changed()
        if not changed:
            return
        needs_restart = [path for path in changed if self._needs_restart(path)]
        files = [path for path in changed if path not in needs_restart]
        packages = {_package(pool.hosted) for pool in pools}
        affected = [
            pool for pool in pools if any(_affects(path, pool.hosted, packages) for path in files)
        ]
        running = {pool.hosted.function.logical_id: pool.running for pool in affected}
        for pool in affected:
            pool.renew()
        self._report(
            CodeChange(
                files=tuple(files),
                functions=tuple(running),
                running={name: count for name, count in running.items() if count},
                errors=tuple(error for path in files if (error := syntax_error(path))),
                needs_restart=tuple(needs_restart),
            )
        )

    def _needs_restart(self, path: Path) -> bool:
        return not self._restart_paths.isdisjoint((path, *path.parents))


def _package(hosted: HostedFunction) -> str:
    return hosted.function.handler.partition(".")[0]


def _affects(path: Path, hosted: HostedFunction, packages: Collection[str]) -> bool:
    """Return whether a function can import or read a file: not if it is in another's folder."""
    root = hosted.code.task_root
    if path.is_relative_to(root):
        folder = path.relative_to(root).parts[0]
        return folder not in packages or folder == _package(hosted)
    return any(path.is_relative_to(folder) for folder in hosted.code.python_path)


def syntax_error(path: Path) -> str | None:
    """Return the place and the reason if a file is not valid Python or YAML."""
    try:
        text = path.read_text()
        if path.suffix == ".py":
            with warnings.catch_warnings(action="ignore"):
                compile(text, str(path), "exec")
        elif path.suffix == ".yaml":
            yaml.safe_load(text)
    except OSError:
        return None
    except SyntaxError as error:
        line = "" if error.lineno is None else f":{error.lineno}"
        return f"{path}{line}: {error.msg}"
    except (yaml.YAMLError, ValueError, RecursionError, MemoryError) as error:
        return f"{path}: {' '.join(str(error).split())}"
    return None
