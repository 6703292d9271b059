"""Keeps recordings as files of JSON lines, one per lease."""

import errno
import os
from pathlib import Path

from repartee.observability import get_logger

SUFFIX = ".jsonl"


class FileRecorder:
    """Writes to ``folder``, which the first line creates.

    If a recording cannot be written, for example because the disk is full, it ends with one
    warning.
    """

    def __init__(self, folder: Path, *, wants_audio: bool):
        self._folder = folder
        self._wants_audio = wants_audio
        self._given_up: set[str] = set()

    @property
    def wants_audio(self) -> bool:
        """Return whether recordings include the audio."""
        return self._wants_audio

    def append(self, recording: str, line: str) -> None:
        """Add a line to a recording; never raises."""
        if recording in self._given_up:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # One write without a buffer, so that a killed worker leaves complete lines.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            descriptor = os.open(self._folder / f"{recording}{SUFFIX}", flags, 0o600)
            try:
                data = f"{line}\n".encode()
                if os.write(descriptor, data) < len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)
        except OSError as error:
            self._given_up.add(recording)
            log = get_logger()
            log.warning("recording given up", extra={"error": type(error).__name__})
