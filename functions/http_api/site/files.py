"""The files of the page, read when they are first asked for."""

import gzip
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
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
_DIGEST_CHARACTERS = 16

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
    def _hash(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    def digest_with(self, text: str) -> str:
        """Return a short text that differs for another content or another ``text``."""
        return hashlib.sha256(self._hash + text.encode()).hexdigest()[:_DIGEST_CHARACTERS]

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
        self._index: PageFile | None = None
        self._version = ""

    def index(self) -> PageFile | None:
        """Return the start page, with the version of all files in its addresses; None without one.

        The file has ``web/current/`` in these places.
        """
        self._refresh()
        return self._index

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
        found = self._files.get(path)
        return (found, version == self._version) if found else None

    def _refresh(self) -> None:
        """Read the files again if one was changed, which happens on developers' machines only."""
        paths = dict(_paths(str(self._folder)))
        states = {path: (status.st_mtime_ns, status.st_size) for path, status in paths.items()}
        if states == self._states:
            return
        files = {
            path: PageFile(_type_of(path), (self._folder / path).read_bytes())
            for path in sorted(paths)
        }
        together = hashlib.sha256()
        for path, file in files.items():
            together.update(file.digest_with(path).encode())
        version = together.hexdigest()[:_DIGEST_CHARACTERS]
        index = files.pop(INDEX, None)
        self._index = index and replace(
            index, content=index.content.replace(b"web/current/", f"web/{version}/".encode())
        )
        self._files, self._version = files, version
        self._states = states


def _type_of(path: str) -> str:
    return "text/html" if path == INDEX else CONTENT_TYPES[Path(path).suffix]


def _paths(folder: str, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    for entry in os.scandir(folder):
        if entry.is_symlink() or not _NAME.fullmatch(entry.name):
            continue
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _paths(entry.path, f"{path}/")
        elif path == INDEX or Path(path).suffix in CONTENT_TYPES:
            yield path, entry.stat()
