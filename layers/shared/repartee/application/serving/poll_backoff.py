"""Decides how often a worker reads the mailbox."""

from dataclasses import dataclass

# A read costs one read unit, so most reads are made while speech is expected.
LISTENING_POLL_MS = 20
# A user who interrupts a reply expects a quick reaction.
ANSWERING_POLL_MS = 60
QUIET_POLL_MS = 250
BACKOFF_FACTOR = 1.5


@dataclass(slots=True)
class PollBackoff:
    """Plans a read every 20 ms during speech, and at growing intervals without speech.

    Intervals are measured from the start of one read to the start of the next.
    """

    _delay_ms: float = LISTENING_POLL_MS

    def next_delay_ms(
        self, took_ms: float, *, found: bool, is_listening: bool, is_answering: bool
    ) -> float:
        """Return how long to wait before the next read, in ms.

        Args:
            took_ms: How long this read took.
            found: Whether this read found new entries.
            is_listening: Whether audio is arriving.
            is_answering: Whether the model works on a turn.
        """
        if found or is_listening:
            self._delay_ms = LISTENING_POLL_MS
        else:
            longest_ms = ANSWERING_POLL_MS if is_answering else QUIET_POLL_MS
            self._delay_ms = min(longest_ms, self._delay_ms * BACKOFF_FACTOR)
        return max(0.0, self._delay_ms - took_ms)
