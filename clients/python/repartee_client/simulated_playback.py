"""What a listener has heard by now, reckoned by the clock: audio plays as it arrives, in a row."""

from repartee.domain.audio import OUTPUT_RATE_HZ, duration_ms


class SimulatedPlayback:
    """A loudspeaker that is only a clock.

    Attributes:
        turn: The turn that is being played or was played last, 0 before the first.
    """

    def __init__(self) -> None:
        self.turn = 0
        self._received_ms: dict[int, float] = {}
        self._ends_at_ms = 0.0
        self._stopped: dict[int, float] = {}

    def arrived(self, turn: int, pcm_bytes: int, now_ms: float) -> None:
        """Append audio of ``turn``; that of a stopped turn is not played."""
        if turn in self._stopped:
            return
        length_ms = duration_ms(pcm_bytes, OUTPUT_RATE_HZ)
        self._received_ms[turn] = self._received_ms.get(turn, 0.0) + length_ms
        self._ends_at_ms = max(self._ends_at_ms, now_ms) + length_ms
        self.turn = turn

    def played_ms(self, turn: int, now_ms: float) -> int:
        """How much of the turn's audio has been heard."""
        if turn in self._stopped:
            return round(self._stopped[turn])
        received_ms = self._received_ms.get(turn, 0.0)
        # Turns play one after the other, so those after this one are heard last.
        later_ms = sum(ms for other, ms in self._received_ms.items() if other > turn)
        left_ms = max(0.0, self._ends_at_ms - now_ms - later_ms)
        return round(received_ms - min(received_ms, left_ms))

    def stop(self, turn: int, now_ms: float) -> None:
        """Fall silent at once: the rest of ``turn`` and what follows it is not played."""
        self._stopped[turn] = float(self.played_ms(turn, now_ms))
        self._received_ms = {
            other: float(self.played_ms(other, now_ms))
            for other in self._received_ms
            if other != turn
        }
        self._ends_at_ms = now_ms

    def restart(self, turn: int, now_ms: float) -> None:
        """Forget what was received of ``turn``; it comes anew."""
        self.stop(turn, now_ms)
        del self._stopped[turn]

    def is_silent(self, now_ms: float) -> bool:
        """Whether everything that came has been heard."""
        return now_ms >= self._ends_at_ms
