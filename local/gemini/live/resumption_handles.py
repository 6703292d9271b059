"""Resumption handles: what a session remembered when each was given."""

import secrets
import time
from dataclasses import dataclass

from local.gemini.live.context import Context
from local.gemini.live.protocol import ServerClose
from local.gemini.settings import SimulatorSettings


@dataclass(frozen=True, slots=True)
class Resumed:
    """A session taken up again."""

    session_id: str
    context: Context


@dataclass(slots=True)
class _Snapshot:
    session_id: str
    context: Context


class ResumptionHandles:
    """All handles of this simulator; like Google's, they do not survive its restart."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._snapshots: dict[str, _Snapshot] = {}
        self._open: set[str] = set()
        self._ended_s: dict[str, float] = {}

    def opened(self, session_id: str) -> None:
        self._open.add(session_id)

    def ended(self, session_id: str) -> None:
        self._open.discard(session_id)
        self._ended_s[session_id] = time.monotonic()

    def give(self, session_id: str, context: Context) -> str:
        """A handle for the session as it stands."""
        handle = secrets.token_urlsafe(24)
        self._snapshots[handle] = _Snapshot(session_id, context.copy())
        return handle

    def resume(self, handle: str) -> Resumed:
        """The session behind a handle.

        Raises:
            ServerClose: 1011 while a connection of that session is open; 1008 for a handle that is
                unknown, too old, or refused by setting.
        """
        snapshot = self._snapshots.get(handle)
        if snapshot is None or self._settings.resumption == "refused":
            raise ServerClose(1008, "BidiGenerateContent session not found")
        if snapshot.session_id in self._open:
            raise ServerClose(1011, "Internal error encountered.")
        ended_s = self._ended_s.get(snapshot.session_id)
        if ended_s is not None and time.monotonic() - ended_s > self._settings.handle_life_s:
            raise ServerClose(1008, "BidiGenerateContent session expired")
        context = snapshot.context
        forgets = self._settings.resumption == "loses-seed"
        return Resumed(snapshot.session_id, context.without_seed() if forgets else context.copy())
