"""Sends the client's input to the live model, and detects where turns begin and end."""

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
    Stop,
    Text,
)
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.input.backlog import UtteranceBacklog
from repartee.domain.session.input.marked_speech import MarkedSpeech
from repartee.domain.session.input.order import GIVE_UP_AFTER_MS, InputOrder
from repartee.domain.session.input.speech_channel import ONSET_PAD_MESSAGES, SpeechChannel
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress
from repartee.domain.speech_detection import SpeechDetector, SpeechEdge

SPEECH_ENDS_AFTER_MS = 1_000
# While more audio is expected (the client marked no end, or messages are missing), a pause does not
# end the speech, because that would split one utterance into two.
PAUSE_IN_SPEECH_MS = GIVE_UP_AFTER_MS + SPEECH_ENDS_AFTER_MS
# The messages that the model may answer.
_SAID = Audio | SpeechStart | Text


class InputFeed:
    """Passes messages in order to the speech channel, the turns and the session.

    Attributes:
        order: The order of the messages.
        settled: The last message that was sent to the model and cannot be part of an utterance
            whose start is yet to be found.
        last_fed_ms: When input was last sent to the model.
        has_bye: Whether the user has hung up.
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
        self._holds_texts = False
        self._answer_due_by_ms: int | None = None
        self._is_rest_recorded = False
        self._stop: Numbered | None = None
        self._fed_through = order.through
        self._unix_offset_ms = unix_offset_ms
        self._backlog = UtteranceBacklog(turns)

    @property
    def is_waiting(self) -> bool:
        """Return whether input waits for the model or for missing messages."""
        return bool(self._ready) or self.order.has_held_messages or self.order.has_gap

    @property
    def is_speech_waiting(self) -> bool:
        """Return whether speech or text of the user waits for the model."""
        ready = (one for one in self._ready if isinstance(one, Numbered))
        return any(isinstance(one.message, _SAID) for one in ready) or self.order.has_held_messages

    @property
    def is_streaming(self) -> bool:
        """Return whether audio is arriving."""
        return self._last_audio_ms is not None

    def order_input(self, now_ms: int) -> None:
        """Put new input into order, and report missing and accepted messages to the client."""
        taken = self.order.take(now_ms)
        for gap in self.order.missing(now_ms):
            self._client.outbox.offer(Missing(gap.first_seq, gap.last_seq))
        if self.order.give_up(now_ms):
            taken += self.order.take(now_ms)
        self._ready.extend(taken)
        # A stop does not wait for the input before it.
        stops = [one for one in taken if isinstance(one, Numbered) and _is_a(one, Stop)]
        self._stop = stops[-1] if stops else self._stop
        # A report on audio may wait for more audio. Clients wait for reports on other messages.
        is_urgent = not all(_is_a(one, Audio) for one in taken)
        self._client.report_accepted(self.order.through, now_ms, is_urgent=is_urgent)

    def take_stop(self) -> Numbered | None:
        """Return and forget the newest ``Stop`` since the last call."""
        stop, self._stop = self._stop, None
        return stop

    def feed_model(
        self,
        now_ms: int,
        *,
        is_open: bool,
        is_heard: bool,
        holds_texts: bool,
        answer_due_by_ms: int | None = None,
    ) -> None:
        """Send the model the input that waits for it.

        Args:
            now_ms: The present.
            is_open: Whether the model takes input. If not, input is only handled if the user hangs
                up.
            is_heard: Whether a client can hear the reply. If not, the input waits.
            holds_texts: Whether texts and the input after them wait.
            answer_due_by_ms: Until when the model is about to speak the answer of a tool, None if
                it is not.
        """
        if is_open:
            self._backlog.listen(now_ms + self._unix_offset_ms)
        else:
            self._backlog.block(self.order.through)
        self._is_open, self._holds_texts = is_open, holds_texts
        self._answer_due_by_ms = answer_due_by_ms
        if not is_heard:
            self.has_bye |= any(_is_a(one, Bye) for one in self._ready)
        while is_heard and self._may_feed(now_ms) and not self.has_bye:
            one = self._ready.popleft()
            if isinstance(one, SkippedInput):
                self.settled = max(self.settled, one.last_seq)
                self._turns.record_gap(one)
                # The client's mark may be among the missing messages.
                self._may_lack_start = self._client_marks_speech and not self._is_marked_open
                if self._is_marked_open:
                    self._marked.accept_as_speech(is_open=self._is_open)
            else:
                self._consume(one, now_ms)
                self.last_fed_ms = now_ms
        end_ms = self._stream_end_ms()
        if is_open and end_ms is not None and now_ms >= end_ms:
            self.end_speech(now_ms)
            # For the model the utterance is over, so audio that follows is another one.
            self._is_cut = self._is_marked_open
            if not self._client_marks_speech:
                self._turns.end_input(self._fed_through, now_ms)
                self._detector.forget()

    def rewind(self, first_seq: int, late: Iterable[Numbered] = ()) -> None:
        """Send ``late`` and all input from ``first_seq`` on to the model again."""
        self._restarts_at = first_seq if first_seq <= self._fed_through else None
        self.settled = self._fed_through = first_seq - 1
        self.order.rewind(self.settled)
        self._detector.forget()
        # Input before ``first_seq`` that still waits is kept only here.
        waiting = (one for one in self._ready if isinstance(one, Numbered) and one.seq < first_seq)
        self._ready = deque([*late, *waiting])

    def record_unanswered_input(self, now_ms: int) -> None:
        """Record unanswered input in a turn, once.

        No later worker will handle this input. Texts are recorded as they are. Speech without a
        transcript is recorded as skipped.
        """
        if self._is_rest_recorded:
            return
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

    def end_speech(self, now_ms: int) -> None:
        """End the user's speech, because it stopped or the session takes no more input."""
        if self._is_open:
            self._speech.end(now_ms, audio_stops=self._last_audio_ms is not None)
        self._last_audio_ms = None
        # The next utterance begins with the next message.
        self.settled = max(self.settled, self._fed_through)

    def drop_unproven_speech(self, now_ms: int) -> bool:
        """Retract sound that is not known to be speech; return whether there was any."""
        is_dropped = self._marked.drop(self._fed_through, now_ms)
        if is_dropped:
            self.settled = max(self.settled, self._fed_through)
        return is_dropped

    def begin_session(self, detection: TurnDetection) -> None:
        """Note that another Live session begins, which has received no audio yet."""
        self._speech.begin(detection)

    def send_due_silence(self, now_ms: int) -> None:
        """Send the silence that is due after the user's speech."""
        self._speech.send_due_silence(now_ms)

    def forget_stream(self) -> None:
        """Note that the Live session is lost."""
        self._last_audio_ms = None
        self._marked.forget()
        self._backlog.forget()

    def deadlines_ms(self) -> list[int | None]:
        """Return when a report, the end of speech, silence or a decision on noise is due."""
        return [
            self.order.next_deadline_ms(),
            self._stream_end_ms(),
            self._speech.next_deadline_ms(),
            self._marked.next_deadline_ms(),
            self._answer_due_by_ms if self._ready else None,
        ]

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
                # A late end must not end an utterance that began after it.
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
                # The text ends the utterance, so speech that continues is another one.
                self._is_cut = self._is_marked_open
                self._detector.forget()
            case Bye():
                self.has_bye = True
                if self._turns.end_input(seq, now_ms):
                    self.end_speech(now_ms)
                    self._marked.end(seq, now_ms)
            case message:
                # A ``hello`` was handled when it arrived. Unmarked speech may be in progress, so
                # the message is not settled yet.
                if isinstance(message, Hello):
                    self.apply_hello(message, numbered.connection_id)
                if self.is_streaming and not self._client_marks_speech:
                    return
        self.settled = max(self.settled, seq)

    def apply_hello(self, hello: Hello, connection_id: str) -> None:
        """Note whether the client of a ``hello`` marks its speech.

        A client that returns during marked speech continues with its marks, even if its ``hello``
        does not announce them.
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
            # The start of this speech may be before the first message of a restart.
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
            self._marked.report_unmarked()
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
        if self._holds_texts and isinstance(one.message, Text):
            return False
        is_whole = any(_is_a(other, SpeechEnd) for other in self._ready)
        now_unix_ms = now_ms + self._unix_offset_ms
        is_answer_due = self._answer_due_by_ms is not None and now_ms < self._answer_due_by_ms
        return not self._backlog.must_wait(
            one, now_unix_ms, is_whole=is_whole, is_answer_due=is_answer_due
        )

    def _is_hung_up(self) -> bool:
        """Return whether a bye waits and no speech or text comes before it."""
        for one in self._ready:
            if isinstance(one, Numbered) and isinstance(one.message, Audio | Text | Bye):
                return isinstance(one.message, Bye)
        return False


def _is_a(one: Numbered | SkippedInput, kind: type[Message]) -> bool:
    return isinstance(one, Numbered) and isinstance(one.message, kind)
