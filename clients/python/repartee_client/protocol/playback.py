"""Keeps account of how much reply audio the user has heard."""

from typing import Protocol

from repartee_client.recordings import OUTPUT_SAMPLE_RATE_HZ, SAMPLE_WIDTH_BYTES

_BYTES_PER_MS = OUTPUT_SAMPLE_RATE_HZ * SAMPLE_WIDTH_BYTES / 1_000


class Speaker(Protocol):
    """The playing half of ``AudioPort``."""

    def play(self, pcm: bytes) -> None:
        """Append audio to the queue."""

    def stop(self) -> None:
        """Stop playing at once, and drop the queued audio."""

    def unplayed_ms(self) -> float:
        """Return the length of the queued audio that was not heard yet."""


class Playback:
    """Plays reply audio in the order of arrival, without gaps.

    Args:
        speaker: Plays the audio. Without it, playing in real time is assumed.

    Attributes:
        turn: The turn whose audio arrived last; 0 before any audio.
    """

    def __init__(self, speaker: Speaker | None = None) -> None:
        self.turn = 0
        self._speaker = speaker
        self._received_ms: dict[int, float] = {}
        self._ends_at_ms = 0.0
        self._stopped: dict[int, float] = {}

    def arrived(self, turn: int, pcm: bytes, now_ms: float) -> None:
        """Append audio of ``turn``, unless the turn was stopped."""
        if turn in self._stopped:
            return
        length_ms = len(pcm) / _BYTES_PER_MS
        self._received_ms[turn] = self._received_ms.get(turn, 0.0) + length_ms
        self._ends_at_ms = max(self._ends_at_ms, now_ms) + length_ms
        self.turn = turn
        if self._speaker is not None and pcm:
            self._speaker.play(pcm)

    def played_ms(self, turn: int, now_ms: float) -> int:
        """Return how much of the turn's audio has been played."""
        if turn in self._stopped:
            return round(self._stopped[turn])
        received_ms = self._received_ms.get(turn, 0.0)
        # Turns are played one after the other, so the audio of later turns is still queued.
        later_ms = sum(ms for other, ms in self._received_ms.items() if other > turn)
        left_ms = max(0.0, self._unplayed_ms(now_ms) - later_ms)
        return round(received_ms - min(received_ms, left_ms))

    def stop(self, turn: int, now_ms: float) -> None:
        """Stop at once and drop all queued audio."""
        self._stopped[turn] = float(self.played_ms(turn, now_ms))
        self._received_ms = {
            other: float(self.played_ms(other, now_ms))
            for other in self._received_ms
            if other != turn
        }
        self._ends_at_ms = now_ms
        if self._speaker is not None:
            self._speaker.stop()

    def restart(self, turn: int, now_ms: float) -> None:
        """Drop the audio of ``turn`` and of later turns, because the server sends them again."""
        self.stop(turn, now_ms)
        self._stopped = {other: ms for other, ms in self._stopped.items() if other < turn}
        self._received_ms = {other: ms for other, ms in self._received_ms.items() if other < turn}

    def is_silent(self, now_ms: float) -> bool:
        """Return whether all audio has been played."""
        return self._unplayed_ms(now_ms) <= 0

    def _unplayed_ms(self, now_ms: float) -> float:
        if self._speaker is not None:
            return self._speaker.unplayed_ms()
        return max(0.0, self._ends_at_ms - now_ms)
