"""How often a worker looks into the mailbox."""

from dataclasses import dataclass

# A look costs one read unit, so it is spent where speech is expected.
LISTENING_POLL_MS = 20
# Whoever speaks over a reply wants to be heard soon.
ANSWERING_POLL_MS = 60
QUIET_POLL_MS = 250
BACKOFF_FACTOR = 1.5


@dataclass(slots=True)
class PollBackoff:
    """Looks every 20 ms while speech flows, and ever less often while it does not.

    A look's own time counts: looks begin 20 ms apart, not 20 ms after one another.
    """

    _delay_ms: float = LISTENING_POLL_MS

    def next_delay_ms(
        self, took_ms: float, *, found: bool, is_listening: bool, is_answering: bool
    ) -> float:
        """Return how long to wait before the next look, in ms.

        Args:
            took_ms: How long this look took.
            found: This look brought something new.
            is_listening: Audio is flowing.
            is_answering: The model works on a turn.
        """
        if found or is_listening:
            self._delay_ms = LISTENING_POLL_MS
        else:
            longest_ms = ANSWERING_POLL_MS if is_answering else QUIET_POLL_MS
            self._delay_ms = min(longest_ms, self._delay_ms * BACKOFF_FACTOR)
        return max(0.0, self._delay_ms - took_ms)
