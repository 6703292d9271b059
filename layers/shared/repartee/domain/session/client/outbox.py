"""Buffers the session's output: frames get a number when posted, and stay until acknowledged."""

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
    SpeechHeard,
    Transcript,
    TurnEnd,
)
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.client.frame_bundles import PlaybackLead, join

# 31 s of 24 kHz PCM16.
MAX_AUDIO_BYTES = 1_500_000
SLOW_CLIENT_PAUSE_MS = 250


@dataclass(slots=True)
class Outbox:
    """The frames to one client, in order, of which one is posted at a time.

    A frame gets its number when it is posted, so frames that barge-in drops leave no gap. Waiting
    audio and unacknowledged audio each have a limit. Beyond it the oldest audio is dropped;
    control frames stay.

    Attributes:
        epoch: The worker's epoch, which every frame carries.
        acknowledged: The number up to which the client has received every frame.
        last_seq: The highest number so far.
    """

    epoch: int
    acknowledged: int = 0
    last_seq: int = 0
    _waiting: deque[Frame] = field(default_factory=deque)
    _waiting_bytes: int = 0
    _unacknowledged: deque[NumberedFrame] = field(default_factory=deque)
    _unacknowledged_bytes: int = 0
    _lost: dict[int, int] = field(default_factory=dict)
    _unposted: set[int] = field(default_factory=set)
    _to_repost: deque[NumberedFrame] = field(default_factory=deque)
    _in_flight: NumberedFrame | None = None
    _paused_until_ms: int | None = None
    _turn_ends: dict[int, int] = field(default_factory=dict)
    _posted_bytes: Counter[int] = field(default_factory=Counter)
    _is_closed: bool = False
    _playback_lead: PlaybackLead = field(default_factory=PlaybackLead)

    def offer(self, frame: Frame) -> None:
        """Queue a frame, or join it to a waiting one; ignore frames after ``SessionClosed``."""
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
        """Drop a turn's audio, both waiting and posted, so that none of it is posted again."""
        self.forget_lost(turn)
        self._playback_lead.forget()
        self._waiting = deque(frame for frame in self._waiting if not _is_audio_of(frame, turn))
        self._waiting_bytes = sum(map(_audio_bytes, self._waiting))
        self._to_repost = deque(map(partial(_without_audio, turn=turn), self._to_repost))
        self._unacknowledged = deque(map(partial(_without_audio, turn=turn), self._unacknowledged))
        self._unacknowledged_bytes = sum(_audio_bytes(kept.frame) for kept in self._unacknowledged)

    def advance_words(self, turn: int) -> None:
        """Move the transcript of a turn's reply that waits ahead of all other frames."""
        words = [frame for frame in self._waiting if _is_said_in(frame, turn)]
        others = [frame for frame in self._waiting if not _is_said_in(frame, turn)]
        self._waiting = deque([*words, *others])

    def interrupt(self, turn: int) -> None:
        """Drop a turn's audio and send ``Interrupted`` ahead of all waiting frames."""
        self.drop_audio(turn)
        self.offer_first(Interrupted(turn))

    def offer_first(self, frame: Interrupted | SpeechHeard) -> None:
        """Queue a frame ahead of all waiting frames."""
        self._waiting.appendleft(frame)

    def next_post(self, now_ms: int) -> NumberedFrame | None:
        """Return the frame to post now, None if one is in flight or none is due."""
        if self._in_flight is not None:
            return None
        if self._paused_until_ms is not None:
            if now_ms < self._paused_until_ms:
                return None
            self._paused_until_ms = None
        if self._to_repost:
            self._in_flight = self._to_repost.popleft()
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
        """Note that API Gateway has taken the frame in flight."""
        if self._in_flight is not None and self._in_flight.seq == seq:
            self._in_flight = None

    def mark_refused(self, seq: int, now_ms: int, *, is_gone: bool) -> None:
        """Note that a post failed; the frame is posted again later under the same number.

        Args:
            seq: The frame's number.
            now_ms: The present.
            is_gone: Whether the connection is closed. Otherwise the client is too slow, and posts
                pause for a moment.
        """
        if self._in_flight is None or self._in_flight.seq != seq:
            return
        self._to_repost.appendleft(self._in_flight)
        self._in_flight = None
        if not is_gone:
            self._paused_until_ms = now_ms + SLOW_CLIENT_PAUSE_MS

    def may_have_received(self, position: OutputPosition) -> bool:
        """Return whether a client can have received the output up to ``position``.

        It cannot if the epoch is that of a later worker, or if this worker has posted less.
        """
        is_later = position.epoch > self.epoch
        return not (is_later or (position.epoch == self.epoch and position.seq > self.last_seq))

    def posted_ms(self, turn: int) -> float:
        """Return how many ms of a turn's reply have been posted, rounded up by at most 1 ms."""
        return 1 + duration_ms(self._posted_bytes[turn], OUTPUT_RATE_HZ)

    def playable_ms(self, turn: int, now_ms: int) -> int:
        """Return how many ms of a turn's reply a client has played if it plays without delay."""
        return max(0, int(self.posted_ms(turn) - 1 - self._playback_lead.left_ms(turn, now_ms)))

    def forget_posted(self, turn: int) -> None:
        """Forget how much of a turn's reply was posted, because the turn restarts."""
        del self._posted_bytes[turn]

    def acknowledge(self, position: OutputPosition) -> bool:
        """Drop the frames up to an acknowledged position; return False if it is not new."""
        if position.epoch != self.epoch or not self.acknowledged < position.seq <= self.last_seq:
            return False
        self.acknowledged = position.seq
        while self._unacknowledged and self._unacknowledged[0].seq <= self.acknowledged:
            self._unacknowledged_bytes -= _audio_bytes(self._unacknowledged.popleft().frame)
        return True

    def resume(self, position: OutputPosition | None) -> bool:
        """Post again what a returning client lacks; return False if some audio is lost."""
        if position is not None:
            self.acknowledge(position)
        self._to_repost = deque(self._unacknowledged)
        self._in_flight = None
        self._paused_until_ms = None
        return not self.lost_turns()

    def lost_turns(self) -> set[int]:
        """Return the turns of which the client lacks audio that is no longer buffered."""
        return {turn for turn, seq in self._lost.items() if seq > self.acknowledged}

    def has_lost(self, turn: int) -> bool:
        """Return whether audio of this turn was dropped before the client had it."""
        return turn in self._lost

    def unposted_turns(self) -> set[int]:
        """Return the turns of which audio was dropped before it was posted."""
        return set(self._unposted)

    def forget_lost(self, turn: int) -> None:
        """Forget that audio of this turn is lost, because it is repeated or no longer needed."""
        self._lost.pop(turn, None)
        self._unposted.discard(turn)

    def has_delivered(self, turn: int) -> bool:
        """Return whether the client has received the whole turn, including its end."""
        end = self._turn_ends.get(turn)
        return end is not None and self.acknowledged >= end

    def undelivered_end(self, turn: int) -> OutputPosition | None:
        """Return where a turn ends in the output, None if the client has received all of it."""
        if self.has_delivered(turn):
            return None
        waits = (isinstance(frame, TurnEnd) and frame.turn == turn for frame in self._waiting)
        ahead = next((place for place, is_end in enumerate(waits, 1) if is_end), None)
        # A turn whose end is not queued yet ends after all waiting frames.
        seq = self.last_seq + (ahead or len(self._waiting) + 1)
        return OutputPosition(self.epoch, self._turn_ends.get(turn, seq))

    def is_empty(self) -> bool:
        """Return whether all frames have been posted."""
        return not (self._waiting or self._to_repost or self._in_flight)

    def next_deadline_ms(self) -> int | None:
        """Return when a delayed post becomes due."""
        return self._paused_until_ms or self._playback_lead.next_deadline_ms()

    def _keep(self, numbered: NumberedFrame) -> None:
        self._unacknowledged.append(numbered)
        self._unacknowledged_bytes += _audio_bytes(numbered.frame)
        while self._unacknowledged_bytes > MAX_AUDIO_BYTES:
            oldest, lost = _first_audio(kept.frame for kept in self._unacknowledged)
            self._lost[lost.turn] = max(
                self._lost.get(lost.turn, 0), self._unacknowledged[oldest].seq
            )
            self._unacknowledged_bytes -= len(lost.pcm)
            self._unacknowledged[oldest] = _without_audio(self._unacknowledged[oldest])


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


def _is_said_in(frame: Frame, turn: int) -> bool:
    return isinstance(frame, Transcript) and (frame.turn, frame.role) == (turn, "model")


def _without_audio(numbered: NumberedFrame, turn: int | None = None) -> NumberedFrame:
    """Return a frame without its audio, if it belongs to ``turn`` or ``turn`` is None.

    The frame keeps its number, because clients hold back the frames after a gap.
    """
    frame = numbered.frame
    if not isinstance(frame, ReplyAudio) or turn not in (None, frame.turn):
        return numbered
    return replace(numbered, frame=replace(frame, pcm=b""))
