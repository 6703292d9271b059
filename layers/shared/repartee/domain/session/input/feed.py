"""Gives the client's input to the live model, and finds in it where turns begin and end."""

from collections import deque
from collections.abc import Iterable

from repartee.domain.conversation.conversation import SkippedInput
from repartee.domain.live.model import TurnDetection
from repartee.domain.protocol.frames import Missing
from repartee.domain.protocol.messages import (
    Audio,
    Bye,
    Hello,
    Message,
    Numbered,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.input.backlog import UtteranceBacklog
from repartee.domain.session.input.marked_speech import MarkedSpeech
from repartee.domain.session.input.order import GIVE_UP_AFTER_MS, InputOrder
from repartee.domain.session.input.speech_channel import ONSET_PAD_MESSAGES, SpeechChannel
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress
from repartee.domain.speech import SpeechDetector, SpeechEdge

SPEECH_ENDS_AFTER_MS = 1_000
# While more is known to come (the client marked no end, or a gap is asked for) a pause is no end:
# ending the speech then would cut one utterance into two.
PAUSE_IN_SPEECH_MS = GIVE_UP_AFTER_MS + SPEECH_ENDS_AFTER_MS
# Messages that the model may answer.
_SAID = Audio | SpeechStart | Text


class InputFeed:
    """The way of the input from its order in the mailbox to the model.

    Attributes:
        order: What has come, and what is missing.
        settled: Input up to here was given to the model, and no utterance whose begin is still to
            be found reaches back into it.
        last_fed_ms: When input was last given to the model.
        has_bye: The user has hung up.
    """

    def __init__(
        self,
        order: InputOrder,
        client: ClientLink,
        turns: TurnLedger,
        detector: SpeechDetector,
        speech: SpeechChannel,
        marked: MarkedSpeech,
        *,
        unix_offset_ms: int,
    ):
        self.order = order
        self.settled = order.through
        self.last_fed_ms = 0
        self.has_bye = False
        self._client = client
        self._turns = turns
        self._detector = detector
        self._speech = speech
        self._marked = marked
        self._ready: deque[Numbered | SkippedInput] = deque()
        self._last_audio_ms: int | None = None
        self._client_marks_speech = False
        self._marking_connection_id = ""
        self._is_marking_announced = False
        self._is_marked_open = False
        self._is_cut = False
        self._may_lack_start = False
        self._restarts_at: int | None = None
        self._is_open = False
        self._is_rest_recorded = False
        self._fed_through = order.through
        self._unix_offset_ms = unix_offset_ms
        self._backlog = UtteranceBacklog(turns)

    @property
    def is_waiting(self) -> bool:
        """Return whether input waits for the model, or for what is missing before it."""
        return bool(self._ready) or self.order.has_held_messages or self.order.has_gap

    @property
    def is_speech_waiting(self) -> bool:
        """Return whether something that the user has said, or typed, waits for the model."""
        ready = (one for one in self._ready if isinstance(one, Numbered))
        return any(isinstance(one.message, _SAID) for one in ready) or self.order.has_held_messages

    @property
    def is_streaming(self) -> bool:
        """Return whether speech is flowing."""
        return self._last_audio_ms is not None

    def order_input(self, now_ms: int) -> None:
        """Put new input into order, and report to the client what is missing or safe."""
        taken = self.order.take(now_ms)
        for gap in self.order.missing(now_ms):
            self._client.outbox.offer(Missing(gap.first_seq, gap.last_seq))
        if self.order.give_up(now_ms):
            taken += self.order.take(now_ms)
        self._ready.extend(taken)
        # Of audio more will follow, so its report may wait; what else was sent is waited for.
        is_urgent = not all(_is_a(one, Audio) for one in taken)
        self._client.report_accepted(self.order.through, now_ms, is_urgent=is_urgent)

    def feed_model(self, now_ms: int, *, is_open: bool, is_heard: bool) -> None:
        """Give the model what waits for it.

        Args:
            now_ms: The present.
            is_open: The model listens; while it does not, only a bye gets anything moving.
            is_heard: The client hears the reply; while it does not, the input waits for it.
        """
        if is_open:
            self._backlog.listen(now_ms + self._unix_offset_ms)
        else:
            self._backlog.block(self.order.through)
        self._is_open = is_open
        if not is_heard:
            self.has_bye |= any(_is_a(one, Bye) for one in self._ready)
        while is_heard and self._may_feed(now_ms) and not self.has_bye:
            one = self._ready.popleft()
            if isinstance(one, SkippedInput):
                self.settled = max(self.settled, one.last_seq)
                self._turns.record_gap(one)
                # The client's mark may have been among what is missing.
                self._may_lack_start = self._client_marks_speech and not self._is_marked_open
                if self._is_marked_open:
                    self._marked.accept_as_speech(is_open=self._is_open)
            else:
                self._consume(one, now_ms)
                self.last_fed_ms = now_ms
        end_ms = self._stream_end_ms()
        if is_open and end_ms is not None and now_ms >= end_ms:
            self.end_speech(now_ms)
            # The model takes this for the end, so what comes next is another stretch of speech.
            self._is_cut = self._is_marked_open
            if not self._client_marks_speech:
                self._turns.end_input(self._fed_through, now_ms)
                self._detector.forget()

    def rewind(self, first_seq: int, late: Iterable[Numbered] = ()) -> None:
        """Give ``late`` and everything from ``first_seq`` on once more."""
        self._restarts_at = first_seq if first_seq <= self._fed_through else None
        self.settled = self._fed_through = first_seq - 1
        self.order.rewind(self.settled)
        self._detector.forget()
        # Input that lies before the rewind and still waits is nowhere else.
        waiting = (one for one in self._ready if isinstance(one, Numbered) and one.seq < first_seq)
        self._ready = deque([*late, *waiting])

    def record_unanswered_input(self, now_ms: int) -> bool:
        """Have a turn remember what was said and is not answered; False where that was done before.

        No other worker will come. What was typed is known; of speech that nobody understood only
        where it was.
        """
        if self._is_rest_recorded:
            return False
        self._is_rest_recorded = True
        ready = [*self._ready, *self.order.take_all()]
        waiting = [one for one in ready if isinstance(one, Numbered)]
        self._ready.clear()
        said = [one.seq for one in waiting if isinstance(one.message, Text | Audio)]
        texts = [one.message.text for one in waiting if isinstance(one.message, Text)]
        unheard = [one.seq for one in waiting if isinstance(one.message, Audio)]
        begun = self._turns.newest
        unheard_from = None if begun is None or begun.has_reply else begun.untranscribed_from_seq
        turn = self._turns.begin_input(min(said), now_ms) if said else begun
        if unheard_from is not None:
            unheard += [unheard_from, max(unheard_from, self._fed_through)]
        self.settled = max(self.settled, self._fed_through, *(one.seq for one in waiting))
        if turn is not None:
            for text in texts:
                turn.add_user_transcript(f" {text}", now_ms)
            if unheard:
                turn.skipped.append(SkippedInput(min(unheard), max(unheard)))
        return True

    def record_untranscribed_speech(self) -> None:
        """Record in the last turn the speech that the model did not understand."""
        turn = self._turns.newest
        if turn is not None and not turn.has_reply and turn.untranscribed_from_seq is not None:
            last_seq = max(turn.untranscribed_from_seq, self._fed_through)
            turn.skipped.append(SkippedInput(turn.untranscribed_from_seq, last_seq))

    def end_speech(self, now_ms: int) -> None:
        """Note that the user has stopped speaking, or is not listened to any more."""
        if self._is_open:
            self._speech.end(now_ms, audio_stops=self._last_audio_ms is not None)
        self._last_audio_ms = None
        # The next utterance begins with what comes next.
        self.settled = max(self.settled, self._fed_through)

    def drop_unproven_speech(self, now_ms: int) -> bool:
        """Take back what holds no proof of speech; False when there is none such."""
        is_dropped = self._marked.drop(self._fed_through, now_ms)
        if is_dropped:
            self.settled = max(self.settled, self._fed_through)
        return is_dropped

    def begin_session(self, detection: TurnDetection) -> None:
        """Begin with another live session, which has heard nothing yet."""
        self._speech.begin(detection)

    def send_due_silence(self, now_ms: int) -> None:
        """Send the silence that is due after the user's speech."""
        self._speech.send_due_silence(now_ms)

    def forget_stream(self) -> None:
        """Note that the live session is gone."""
        self._last_audio_ms = None
        self._marked.forget()
        self._backlog.forget()

    def next_deadline_ms(self) -> int | None:
        """Return when something is due by time alone."""
        deadlines = (
            self.order.next_deadline_ms(),
            self._stream_end_ms(),
            self._speech.next_deadline_ms(),
            self._marked.next_deadline_ms(),
        )
        return min([one for one in deadlines if one is not None], default=None)

    def _stream_end_ms(self) -> int | None:
        if self._last_audio_ms is None:
            return None
        is_more_to_come = self._is_marked_open or self.order.has_gap
        pause_ms = PAUSE_IN_SPEECH_MS if is_more_to_come else SPEECH_ENDS_AFTER_MS
        return self._last_audio_ms + pause_ms

    def _consume(self, numbered: Numbered, now_ms: int) -> None:
        seq = numbered.seq
        self._fed_through = max(self._fed_through, seq)
        match numbered.message:
            case Audio(pcm=pcm):
                self._last_audio_ms = now_ms
                self._follow_speech(numbered, pcm, now_ms)
                return
            case SpeechStart():
                self._client_marks_speech = self._is_marked_open = True
                self._marking_connection_id = numbered.connection_id
                self._marked.drop(seq, now_ms)
                turn = self._begin_speech(max(seq, self.settled + 1), now_ms)
                turn.keep_late_control(numbered)
            case SpeechEnd():
                # One that comes late must not end an utterance that began after it.
                if self._turns.end_input(seq, now_ms) or seq > self.settled:
                    self._backlog.end_utterance(numbered)
                    self._is_marked_open = False
                    self.end_speech(now_ms)
                    self._marked.end(seq, now_ms)
            case Text(text=text):
                first = max(seq, self.settled + 1)
                self._marked.drop(seq, now_ms)
                turn = self._turns.begin_input(first, now_ms)
                turn.keep_late_control(numbered)
                turn.add_typed_text(text, first)
                self._turns.end_input(first, now_ms)
                self._backlog.end_utterance(numbered)
                self._speech.send_text(text)
                # The text ends the utterance, so speech that goes on is another one.
                self._is_cut = self._is_marked_open
                self._detector.forget()
            case Bye():
                self.has_bye = True
                if self._turns.end_input(seq, now_ms):
                    self.end_speech(now_ms)
                    self._marked.end(seq, now_ms)
            case message:
                # A hello counted when it came; speech may be under way without a mark.
                if isinstance(message, Hello):
                    self.apply_hello(message, numbered.connection_id)
                if self.is_streaming and not self._client_marks_speech:
                    return
        self.settled = max(self.settled, seq)

    def apply_hello(self, hello: Hello, connection_id: str) -> None:
        """Expect no marks of a device that may leave its speech to be found.

        A client that comes back in mid-speech goes on with its marks, announced or not.
        """
        is_same = connection_id == self._marking_connection_id or hello.marks_speech
        if not is_same and (self._is_marking_announced or not self._is_marked_open):
            self._client_marks_speech = self._is_marked_open = False
            self._detector.forget()
        self._is_marking_announced = hello.marks_speech

    def _follow_speech(self, numbered: Numbered, pcm: bytes, now_ms: int) -> None:
        seq = numbered.seq
        if self._client_marks_speech:
            is_cut = self._is_marked_open and (self._is_cut or not self._turns.is_user_speaking)
            # The start of this speech may lie before the message that a restart begins with.
            if is_cut or self._may_lack_start or seq == self._restarts_at:
                self._begin_speech(max(seq, self.settled + 1), now_ms)
            self._marked.send(pcm)
            self.settled = max(self.settled, seq)
            return
        self._speech.send(pcm)
        edge = self._detector.hear(pcm)
        if edge is SpeechEdge.ONSET:
            self._begin_speech(max(seq - ONSET_PAD_MESSAGES, self.settled + 1), now_ms)
        elif edge is SpeechEdge.END:
            self._turns.end_input(seq, now_ms)
            self._backlog.end_utterance(numbered)
            self._speech.end(now_ms, audio_stops=False)
            self.settled = max(self.settled, seq)
        self.settled = max(self.settled, seq - ONSET_PAD_MESSAGES)

    def _begin_speech(self, first_seq: int, now_ms: int) -> TurnInProgress:
        self._is_cut = self._may_lack_start = False
        turn = self._turns.begin_input(first_seq, now_ms)
        turn.mark_unsent(is_unsent=self._is_marked_open)
        if self._is_marked_open:
            self._marked.begin()
        else:
            self._speech.start()
        return turn

    def _may_feed(self, now_ms: int) -> bool:
        if not self._ready or not (self._is_open or self._is_hung_up()):
            return False
        one = self._ready[0]
        if isinstance(one, SkippedInput) or not isinstance(one.message, _SAID):
            return True
        if not self._is_open:
            return True
        is_whole = any(_is_a(other, SpeechEnd) for other in self._ready)
        now_unix_ms = now_ms + self._unix_offset_ms
        return not self._backlog.must_wait(one, now_unix_ms, is_whole=is_whole)

    def _is_hung_up(self) -> bool:
        """Return whether a bye waits, and before it nothing that the model has to answer."""
        for one in self._ready:
            if isinstance(one, Numbered) and isinstance(one.message, Audio | Text | Bye):
                return isinstance(one.message, Bye)
        return False


def _is_a(one: Numbered | SkippedInput, kind: type[Message]) -> bool:
    return isinstance(one, Numbered) and isinstance(one.message, kind)
