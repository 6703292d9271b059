"""Joins small parts of a reply into larger frames, because each message to a client is billed.

Gemini sends a reply in many small parts, faster than a client can play them. A part is joined to a
waiting part of the same kind. While the client has enough to play, a part waits for the next one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repartee.domain.audio import OUTPUT_RATE_HZ, duration_ms
from repartee.domain.protocol.frames import Frame, ReplyAudio, Transcript

# 500 ms. API Gateway bills messages in units of 32 KB (its price list); 24,000 bytes take 32,000
# characters of base64, which leaves room for the JSON around them.
MAX_BUNDLE_BYTES = 24_000
# 400 ms. Two of Gemini's usual parts are longer than this, and a third would not fit.
FULL_BUNDLE_BYTES = 19_200
# A part is held only while the client has this much to play. So the connection may stall for this
# time, less HOLD_MS, before the user hears a break.
MIN_LEAD_MS = 1_000
HOLD_MS = 300

type _Piece = ReplyAudio | Transcript


def join(waiting: Sequence[Frame], frame: Frame) -> tuple[int, Frame] | None:
    """Join a frame to one that is already waiting.

    Audio and text of one turn may pass each other, because text precedes its sound anyway. Neither
    may pass a frame of the same kind or any other frame.

    Returns:
        The index of the waiting frame and its replacement, None if the frame cannot be joined.
    """
    if not isinstance(frame, ReplyAudio | Transcript):
        return None
    for place in range(len(waiting) - 1, -1, -1):
        other = waiting[place]
        if not isinstance(other, ReplyAudio | Transcript) or other.turn != frame.turn:
            return None
        if type(other) is type(frame):
            both = _joined(other, frame)
            return None if both is None else (place, both)
    return None


def _joined(first: _Piece, second: _Piece) -> _Piece | None:
    match first, second:
        case ReplyAudio(pcm=one), ReplyAudio(pcm=other):
            is_too_long = len(one) + len(other) > MAX_BUNDLE_BYTES
            return None if is_too_long else replace(first, pcm=one + other)
        case Transcript(role=one, final=False), Transcript(role=other) if one == other:
            return replace(first, text=first.text + second.text, final=second.final)
        case _:
            return None


@dataclass(slots=True)
class PlaybackLead:
    """Estimates how much audio of a reply the client has received and cannot have played yet."""

    _turn: int = 0
    _ends_at_ms: float = 0.0
    _held_since_ms: int | None = None

    def mark_posted(self, frame: Frame, now_ms: int) -> None:
        """Count a posted frame towards the lead."""
        self._held_since_ms = None
        if isinstance(frame, ReplyAudio):
            self._turn = frame.turn
            length_ms = duration_ms(len(frame.pcm), OUTPUT_RATE_HZ)
            self._ends_at_ms = max(self._ends_at_ms, now_ms) + length_ms

    def left_ms(self, turn: int, now_ms: int) -> float:
        """Return how many ms of a turn's reply the client cannot have played by now."""
        return max(0.0, self._ends_at_ms - now_ms) if turn == self._turn else 0.0

    def forget(self) -> None:
        """Assume that the client has nothing to play, so that the next audio is sent at once."""
        self._ends_at_ms = 0.0

    def must_hold(self, waiting: Sequence[Frame], now_ms: int) -> bool:
        """Return whether the waiting frames are held back until more can be joined to them."""
        if not self._may_wait(waiting) or self._ends_at_ms < now_ms + MIN_LEAD_MS:
            self._held_since_ms = None
        elif self._held_since_ms is None:
            self._held_since_ms = now_ms
        return self._held_since_ms is not None and now_ms < self._held_since_ms + HOLD_MS

    def next_deadline_ms(self) -> int | None:
        """Return when held frames are released."""
        return None if self._held_since_ms is None else self._held_since_ms + HOLD_MS

    def _may_wait(self, waiting: Sequence[Frame]) -> bool:
        """Return whether the waiting frames are less than a bundle of the reply being played."""
        pieces = [one for one in waiting if isinstance(one, ReplyAudio | Transcript)]
        audio_bytes = sum(len(one.pcm) for one in pieces if isinstance(one, ReplyAudio))
        return (
            len(pieces) == len(waiting)
            and audio_bytes < FULL_BUNDLE_BYTES
            and all(one.turn == self._turn for one in pieces)
        )
