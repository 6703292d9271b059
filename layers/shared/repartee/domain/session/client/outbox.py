"""The session's output: numbered when it is posted, kept until it is acknowledged."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from repartee.domain.audio import OUTPUT_RATE_HZ, duration_ms
from repartee.domain.protocol.frames import (
    Frame,
    Interrupted,
    NumberedFrame,
    ReplyAudio,
    SessionClosed,
    TurnEnd,
)
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.client.frame_bundles import PlaybackLead, join

# 31 s of 24 kHz PCM16.
MAX_AUDIO_BYTES = 1_500_000
SLOW_CLIENT_PAUSE_MS = 250


@dataclass(slots=True)
class Outbox:
    """Frames to one client in order, one post at a time.

    Numbers are given at the moment of posting, so what barge-in drops leaves no gap. Audio that
    is waiting, and audio that is posted but not acknowledged, are bounded each: the oldest goes
    first, control frames stay.

    Attributes:
        epoch: The worker's epoch, carried by every frame.
        acknowledged: Every frame up to this number has reached the client.
        last_seq: The highest number given so far.
    """

    epoch: int
    acknowledged: int = 0
    last_seq: int = 0
    _waiting: deque[Frame] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _kept: deque[NumberedFrame] = field(default_factory=deque)
    _kept_bytes: int = 0
    _lost: dict[int, int] = field(default_factory=dict)
    _unposted: set[int] = field(default_factory=set)
    _again: deque[NumberedFrame] = field(default_factory=deque)
    _in_flight: NumberedFrame | None = None
    _paused_until_ms: int | None = None
    _turn_ends: dict[int, int] = field(default_factory=dict)
    _posted_bytes: Counter[int] = field(default_factory=Counter)
    _is_closed: bool = False
    _playback_lead: PlaybackLead = field(default_factory=PlaybackLead)

    def offer(self, frame: Frame) -> None:
        """Queue a frame behind the others, or join it to one of them (``bundles``).

        Nothing follows the session's last one.
        """
        if self._is_closed:
            return
        self._is_closed = isinstance(frame, SessionClosed)
        if (joined := join(self._waiting, frame)) is not None:
            place, both = joined
            self._waiting_bytes -= _audio_bytes(self._waiting[place])
            self._waiting[place] = frame = both
        else:
            self._waiting.append(frame)
        self._waiting_bytes += _audio_bytes(frame)
        while self._waiting_bytes > MAX_AUDIO_BYTES:
            oldest, lost = _first_audio(self._waiting)
            self._waiting_bytes -= len(lost.pcm)
            del self._waiting[oldest]
            self._lost[lost.turn] = self.last_seq + 1
            self._unposted.add(lost.turn)

    def drop_audio(self, turn: int) -> None:
        """Forget the turn's audio, whether it is not posted yet or posted again."""
        self.forget_lost(turn)
        self._playback_lead.forget()
        self._waiting = deque(frame for frame in self._waiting if not _is_audio_of(frame, turn))
        self._waiting_bytes = sum(map(_audio_bytes, self._waiting))
        self._again = deque(map(partial(_without_audio, turn=turn), self._again))
        self._kept = deque(map(partial(_without_audio, turn=turn), self._kept))
        self._kept_bytes = sum(_audio_bytes(kept.frame) for kept in self._kept)

    def interrupt(self, turn: int) -> None:
        """Drop the turn's audio, and interrupt the client before any other frame."""
        self.drop_audio(turn)
        self._waiting.appendleft(Interrupted(turn))

    def next_post(self, now_ms: int) -> NumberedFrame | None:
        """Return the frame to post now; None while one is in flight or none is to be posted yet."""
        if self._in_flight is not None:
            return None
        if self._paused_until_ms is not None:
            if now_ms < self._paused_until_ms:
                return None
            self._paused_until_ms = None
        if self._again:
            self._in_flight = self._again.popleft()
        elif self._waiting and not self._playback_lead.must_hold(self._waiting, now_ms):
            frame = self._waiting.popleft()
            self._playback_lead.mark_posted(frame, now_ms)
            self._waiting_bytes -= _audio_bytes(frame)
            self.last_seq += 1
            self._in_flight = NumberedFrame(self.epoch, self.last_seq, frame)
            self._keep(self._in_flight)
            if isinstance(frame, TurnEnd):
                self._turn_ends[frame.turn] = self.last_seq
            elif isinstance(frame, ReplyAudio):
                self._posted_bytes[frame.turn] += len(frame.pcm)
        return self._in_flight

    def mark_posted(self, seq: int) -> None:
        """Note that the frame was taken."""
        if self._in_flight is not None and self._in_flight.seq == seq:
            self._in_flight = None

    def mark_refused(self, seq: int, now_ms: int, *, is_gone: bool) -> None:
        """Note that the frame was not taken; it is posted again later, with its number."""
        if self._in_flight is None or self._in_flight.seq != seq:
            return
        self._again.appendleft(self._in_flight)
        self._in_flight = None
        if not is_gone:
            self._paused_until_ms = now_ms + SLOW_CLIENT_PAUSE_MS

    def may_have_received(self, position: OutputPosition) -> bool:
        """Return whether a client can have received the output up to ``position``.

        It cannot where only a later worker posts it, or where this one has posted less.
        """
        is_later = position.epoch > self.epoch
        return not (is_later or (position.epoch == self.epoch and position.seq > self.last_seq))

    def posted_ms(self, turn: int) -> float:
        """Return how many ms of a turn's reply have been posted, at most 1 ms too many."""
        return 1 + duration_ms(self._posted_bytes[turn], OUTPUT_RATE_HZ)

    def playable_ms(self, turn: int, now_ms: int) -> int:
        """Return how many ms of a turn's reply a client has played if it played at once."""
        return max(0, int(self.posted_ms(turn) - 1 - self._playback_lead.left_ms(turn, now_ms)))

    def forget_posted(self, turn: int) -> None:
        """Forget how much of a turn's reply was posted, because the turn starts over."""
        del self._posted_bytes[turn]

    def acknowledge(self, position: OutputPosition) -> bool:
        """Forget what has reached the client; True when that is news."""
        if position.epoch != self.epoch or not self.acknowledged < position.seq <= self.last_seq:
            return False
        self.acknowledged = position.seq
        while self._kept and self._kept[0].seq <= self.acknowledged:
            self._kept_bytes -= _audio_bytes(self._kept.popleft().frame)
        return True

    def resume(self, position: OutputPosition | None) -> bool:
        """Post again what a returning client lacks; return False when a part of it is not kept."""
        if position is not None:
            self.acknowledge(position)
        self._again = deque(self._kept)
        self._in_flight = None
        self._paused_until_ms = None
        return not self.lost_turns()

    def lost_turns(self) -> set[int]:
        """Return the turns of which the client lacks audio that is not kept any more."""
        return {turn for turn, seq in self._lost.items() if seq > self.acknowledged}

    def has_lost(self, turn: int) -> bool:
        """Return whether audio of this turn was dropped that was still needed."""
        return turn in self._lost

    def unposted_turns(self) -> set[int]:
        """Return the turns of which audio was dropped before it was posted."""
        return set(self._unposted)

    def forget_lost(self, turn: int) -> None:
        """Forget that audio of this turn is lost: it is reported, or not needed any more."""
        self._lost.pop(turn, None)
        self._unposted.discard(turn)

    def has_delivered(self, turn: int) -> bool:
        """Return whether the client has the whole of a turn, its end included."""
        end = self._turn_ends.get(turn)
        return end is not None and self.acknowledged >= end

    def undelivered_end(self, turn: int) -> OutputPosition | None:
        """Return where the turn ends in the output, None when the client has all of it."""
        if self.has_delivered(turn):
            return None
        waits = (isinstance(frame, TurnEnd) and frame.turn == turn for frame in self._waiting)
        ahead = next((place for place, is_end in enumerate(waits, 1) if is_end), None)
        # Without an end it lies behind all that waits.
        seq = self.last_seq + (ahead or len(self._waiting) + 1)
        return OutputPosition(self.epoch, self._turn_ends.get(turn, seq))

    def is_empty(self) -> bool:
        """Return whether everything offered has been posted."""
        return not (self._waiting or self._again or self._in_flight)

    def next_deadline_ms(self) -> int | None:
        """Return when a post that is put off may be made."""
        return self._paused_until_ms or self._playback_lead.next_deadline_ms()

    def _keep(self, numbered: NumberedFrame) -> None:
        self._kept.append(numbered)
        self._kept_bytes += _audio_bytes(numbered.frame)
        while self._kept_bytes > MAX_AUDIO_BYTES:
            oldest, lost = _first_audio(kept.frame for kept in self._kept)
            self._lost[lost.turn] = max(self._lost.get(lost.turn, 0), self._kept[oldest].seq)
            self._kept_bytes -= len(lost.pcm)
            self._kept[oldest] = _without_audio(self._kept[oldest])


def _audio_bytes(frame: Frame) -> int:
    return len(frame.pcm) if isinstance(frame, ReplyAudio) else 0


def _first_audio(frames: Iterable[Frame]) -> tuple[int, ReplyAudio]:
    return next(
        (index, frame)
        for index, frame in enumerate(frames)
        if isinstance(frame, ReplyAudio) and frame.pcm
    )


def _is_audio_of(frame: Frame, turn: int) -> bool:
    return isinstance(frame, ReplyAudio) and frame.turn == turn


def _without_audio(numbered: NumberedFrame, turn: int | None = None) -> NumberedFrame:
    """Let go of audio, that of one turn or any; the number stays.

    A client holds back what is behind a gap.
    """
    frame = numbered.frame
    if not isinstance(frame, ReplyAudio) or turn not in (None, frame.turn):
        return numbered
    return replace(numbered, frame=replace(frame, pcm=b""))
