"""How often a worker looks into the mailbox."""

from dataclasses import dataclass

# A look costs one read unit, so it is spent where speech is expected.
LISTENING_MS = 20
FIRST_LOOK_MS = 60
QUIET_MS = 250
BACK_OFF = 1.5


@dataclass(slots=True)
class PollPace:
    """Looks every 20 ms while speech flows, and ever less often while it does not."""

    _delay_ms: float = LISTENING_MS

    def after_look(self, *, found: bool, is_listening: bool) -> float:
        """Return how long to wait before the next look, in ms.

        Args:
            found: This look brought something new; the next chunk is not there at once.
            is_listening: Audio is flowing.
        """
        if found:
            self._delay_ms = LISTENING_MS
            return FIRST_LOOK_MS if is_listening else LISTENING_MS
        if is_listening:
            self._delay_ms = LISTENING_MS
        else:
            self._delay_ms = min(QUIET_MS, self._delay_ms * BACK_OFF)
        return self._delay_ms
