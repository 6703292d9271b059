"""The files of the page, read when they are first asked for."""

import gzip
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

INDEX = "index.html"
CONTENT_TYPES: Mapping[str, str] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
"""The types of files that are served, by suffix; other files are not."""

# A name with other characters could stand for another path.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# An answer that is compressed by less costs more time than it saves.
_MAX_COMPRESSED_SHARE = 0.9
_VERSION_CHARACTERS = 16

type _States = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class PageFile:
    """One file.

    Attributes:
        content_type: Its media type.
        content: Its bytes.
    """

    content_type: str
    content: bytes

    @cached_property
    def digest(self) -> str:
        """The file's content as a short text that differs for other content."""
        return hashlib.sha256(self.content).hexdigest()[:_VERSION_CHARACTERS]

    @cached_property
    def compressed(self) -> bytes | None:
        """The content in gzip's format, None where compression does not pay."""
        compressed = gzip.compress(self.content, mtime=0)
        pays = len(compressed) < _MAX_COMPRESSED_SHARE * len(self.content)
        return compressed if pays else None


class Site:
    """The files below a folder, without links and hidden files.

    A path that a client sends is looked up among the names found in the folder, and never opened.

    Args:
        folder: The folder. It is first read when a file is asked for.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._states: _States | None = None
        self._files: Mapping[str, PageFile] = {}
        self._version = ""

    def index(self) -> tuple[PageFile, str] | None:
        """Return the start page and the version of all files; None without a start page."""
        self._refresh()
        found = self._files.get(INDEX)
        return (found, self._version) if found else None

    def file(self, version: str, path: str) -> tuple[PageFile, bool] | None:
        """Return a file other than the start page, None for an unknown path.

        Args:
            version: The version in the address.
            path: The path below the folder.

        Returns:
            The file as it is now, and whether that is the file of ``version``.
        """
        if version != self._version:
            self._refresh()
        found = self._files.get(path) if path != INDEX else None
        return (found, version == self._version) if found else None

    def _refresh(self) -> None:
        """Read the files again if one was changed, which happens on developers' machines only."""
        paths = dict(_paths(str(self._folder)))
        states = {path: (status.st_mtime_ns, status.st_size) for path, status in paths.items()}
        if states == self._states:
            return
        self._files = {
            path: PageFile(
                CONTENT_TYPES.get(Path(path).suffix, "text/html"),
                (self._folder / path).read_bytes(),
            )
            for path in sorted(paths)
        }
        together = hashlib.sha256()
        for path, file in self._files.items():
            together.update(f"{path}\0{file.digest}\0".encode())
        self._version = together.hexdigest()[:_VERSION_CHARACTERS]
        self._states = states


def _paths(folder: str, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    for entry in os.scandir(folder):
        if entry.is_symlink() or not _NAME.fullmatch(entry.name):
            continue
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _paths(entry.path, f"{path}/")
        elif path == INDEX or Path(path).suffix in CONTENT_TYPES:
            yield path, entry.stat()
