"""Holds a turn in progress: the user's input, the reply, the tool calls and the costs so far."""

from dataclasses import dataclass, field

from repartee.domain.conversation.conversation import SkippedInput, ToolCall, Turn
from repartee.domain.cost.prices import Prices
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.protocol.messages import Numbered
from repartee.domain.session.turns.reply import Reply
from repartee.domain.session.turns.transcript_pieces import new_transcript_text
from repartee.domain.text.words import visible_part, words_of

# A piece that arrives this soon after another one belongs to the same speech, because no user
# speaks again so fast.
AT_ONCE_MS = 100


@dataclass(frozen=True, slots=True)
class _BeforeStretch:
    """The fields of a turn before its newest stretch of speech, so that it can be retracted."""

    first_seq: int | None = None
    speech_from_seq: int = 0
    untranscribed_from_seq: int | None = None
    input_ended_ms: int | None = None
    heard_earlier: int = 0
    phrase_from: int = 0
    is_phrase_over: bool = False
    stretches_to_transcribe: int = 0
    is_typed: bool = False


@dataclass(frozen=True, slots=True)
class SpeechUnderWay:
    """Speech in progress that moves from one turn to the next."""

    from_seq: int
    heard: str
    heard_at_ms: int | None
    is_phrase_over: bool
    late: list[Numbered]


@dataclass(slots=True)
class TurnInProgress:
    """One stretch of user input and the reply to it, or a reply without input.

    Times are the machine's, in ms.

    Attributes:
        number: The number of the turn in the conversation.
        started_at_ms: When the turn began.
        first_seq: The number of the first input message, None for a reply without input.
        speech_from_seq: Where the newest stretch of speech begins.
        untranscribed_from_seq: Where the first stretch without a transcript begins, None if there
            is none.
        input_ended_ms: When the user stopped speaking, None during speech or without input.
        ended_at_ms: When the model was done with the turn.
        reply: The model's reply.
        transcribed: The user's transcript as it was sent to the client.
        heard_at_ms: When the newest piece of the user's transcript arrived, None before the first.
        is_typed: Whether the newest input was typed.
        is_farewell: Whether the turn stays open until the model has said something in it.
        may_be_noise: Whether the newest speech may be noise. Then only the model's transcript can
            show that it is speech.
        is_unsent: Whether the model has received no audio of the newest speech, whose start the
            client marked.
        skipped: The parts of the input that never arrived.
        tool_calls: The finished tool calls.
        usage: The live model's usage.
        late: Control messages that came so late that their numbers are before ``first_seq``.
        core_bill: The usage and cost of core_agent's models, which core_agent has counted.
    """

    number: int
    started_at_ms: int
    first_seq: int | None = None
    speech_from_seq: int = 0
    untranscribed_from_seq: int | None = None
    input_ended_ms: int | None = None
    ended_at_ms: int = 0
    reply: Reply = field(default_factory=Reply)
    transcribed: str = ""
    heard_at_ms: int | None = None
    is_typed: bool = False
    is_farewell: bool = False
    may_be_noise: bool = False
    is_unsent: bool = False
    skipped: list[SkippedInput] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    usage: TokenUsage = field(default_factory=TokenUsage)
    late: list[Numbered] = field(default_factory=list)
    core_bill: Bill = field(default_factory=Bill)
    _heard: str = ""
    _heard_earlier: int = 0
    _phrase_from: int = 0
    _last_heard: str = ""
    _is_phrase_over: bool = False
    _stretches_to_transcribe: int = 0
    _copied_through_seq: int = 0
    _ended_before_copy_ms: int = 0
    _before_stretch: _BeforeStretch = _BeforeStretch()

    @property
    def has_reply(self) -> bool:
        """Return whether the model has begun to answer."""
        return self.reply.is_begun

    @property
    def is_being_spoken(self) -> bool:
        """Return whether the user is still speaking in this turn."""
        return self.first_seq is not None and self.input_ended_ms is None

    @property
    def has_earlier_speech(self) -> bool:
        """Return whether there was speech before the newest stretch of speech."""
        return self.first_seq is not None and self.first_seq < self.speech_from_seq

    @property
    def talk_ms(self) -> int:
        """Return how long the turn took, once it is over."""
        return self.ended_at_ms - self.started_at_ms

    @property
    def heard(self) -> str:
        """Return the transcript of the user."""
        return visible_part(self._heard)

    @property
    def said(self) -> str:
        """Return the transcript of the reply so far, also of a reply that was only shown."""
        return self.reply.said

    @property
    def first_audio_ms(self) -> int | None:
        """Return the time from the end of input to the first audio, None without either."""
        at_ms = self.reply.first_audio_at_ms
        if at_ms is None or self.input_ended_ms is None:
            return None
        return max(0, at_ms - self.input_ended_ms)

    @property
    def silent_from_ms(self) -> int:
        """Return since when neither side speaks; a reply ends when it has been played."""
        return max(self.input_ended_ms or 0, self.reply.ends_at_ms)

    def end(self, now_ms: int) -> None:
        """Note that the model is done with this turn."""
        self.ended_at_ms = now_ms

    def mark_farewell(self) -> None:
        """Keep the turn open until the model has said something in it."""
        self.is_farewell = True

    def mark_doubtful(self) -> None:
        """Note that the newest speech may be noise, until there is a transcript."""
        self.may_be_noise = True

    def mark_certain(self) -> None:
        """Treat the newest speech as speech, without waiting for a transcript."""
        self.may_be_noise = False

    def mark_unsent(self, *, is_unsent: bool) -> None:
        """Set whether the model has received no audio of the newest speech."""
        self.is_unsent = is_unsent

    def add_usage(self, usage: TokenUsage) -> None:
        """Add usage of the live model."""
        self.usage += usage

    def add_core_bill(self, bill: Bill) -> None:
        """Add the cost of a call of core_agent."""
        self.core_bill += bill

    def take_over_costs(self, turn: "TurnInProgress") -> None:
        """Add the costs and tool calls of a turn that is discarded."""
        self.usage += turn.usage
        self.core_bill += turn.core_bill
        self.tool_calls += turn.tool_calls

    def note_shown(self, text: str) -> None:
        """Record a piece of the user's transcript that was sent to the client."""
        self.transcribed += text

    def take_late_controls(self) -> list[Numbered]:
        """Return and forget the late control messages."""
        late, self.late = self.late, []
        return late

    def keep_late_control(self, control: Numbered) -> None:
        """Keep a control message if a rewind to ``first_seq`` would miss it."""
        if self.first_seq is not None and control.seq < self.first_seq:
            self.late.append(control)

    def give_up_speech(self) -> SpeechUnderWay:
        """Return and forget the speech in progress.

        If the turn has no earlier input, it becomes a reply without input.
        """
        is_all = self.first_seq == self.speech_from_seq
        speech = SpeechUnderWay(
            self.speech_from_seq,
            self._heard[self._heard_earlier :],
            self.heard_at_ms,
            self._is_phrase_over,
            self.take_late_controls() if is_all else [],
        )
        self._heard = self._heard[: self._heard_earlier]
        self.heard_at_ms = None
        if is_all:
            self.first_seq = None
        if (self.untranscribed_from_seq or 0) >= self.speech_from_seq:
            self.untranscribed_from_seq = None
        return speech

    def take_over_speech(self, speech: SpeechUnderWay) -> None:
        """Begin with the speech that another turn has given up."""
        self.first_seq = self.speech_from_seq = speech.from_seq
        self._heard, self.heard_at_ms = speech.heard, speech.heard_at_ms
        self._is_phrase_over, self.late = speech.is_phrase_over, speech.late
        if not self._heard:
            self.untranscribed_from_seq = self.first_seq

    def begin_stretch(self, seq: int) -> None:
        """Begin a stretch of speech or text at ``seq``."""
        self._before_stretch = _BeforeStretch()
        # A turn that restarts begins with its first message, so it has no earlier stretch.
        if self.first_seq is not None and self.first_seq < seq:
            self._before_stretch = _BeforeStretch(
                self.first_seq,
                self.speech_from_seq,
                self.untranscribed_from_seq,
                self.input_ended_ms,
                self._heard_earlier,
                self._phrase_from,
                self._is_phrase_over,
                self._stretches_to_transcribe,
                self.is_typed,
            )
        self.may_be_noise = self.is_typed = self.is_unsent = False
        self.input_ended_ms = None
        self.speech_from_seq = seq
        self._heard_earlier = self._phrase_from = len(self._heard)
        self._is_phrase_over = True
        self._stretches_to_transcribe += 1
        if self.first_seq is None:
            self.first_seq = seq
        if self.untranscribed_from_seq is None:
            self.untranscribed_from_seq = seq

    @property
    def is_stretch_transcribed(self) -> bool:
        """Return whether the newest stretch of speech has a transcript."""
        return len(self._heard) > self._heard_earlier

    def retract_stretch(self, now_ms: int) -> bool:
        """Remove the newest stretch of speech; return False if the turn is now empty."""
        self.may_be_noise = self.is_unsent = False
        before = self._before_stretch
        self.first_seq, self.speech_from_seq = before.first_seq, before.speech_from_seq
        self.untranscribed_from_seq, self.input_ended_ms = (
            before.untranscribed_from_seq,
            before.input_ended_ms,
        )
        self._heard_earlier, self._phrase_from = before.heard_earlier, before.phrase_from
        self._is_phrase_over = before.is_phrase_over
        self._stretches_to_transcribe = before.stretches_to_transcribe
        self.is_typed = before.is_typed
        if self.first_seq is not None and self.input_ended_ms is None:
            self.input_ended_ms = now_ms
        return self.first_seq is not None or self.has_reply

    def end_stretch(self, now_ms: int) -> None:
        """End the stretch of speech; a copy ends at the time of the original speech."""
        self.input_ended_ms = self._ended_before_copy_ms if self.has_copy else now_ms

    @property
    def is_missing_transcript(self) -> bool:
        """Return whether there is speech without a transcript."""
        return self.untranscribed_from_seq is not None

    @property
    def is_phrase_over(self) -> bool:
        """Return whether the newest piece of the user's transcript was marked as the last one."""
        return self._is_phrase_over

    def is_transcript_repeat(self, text: str) -> bool:
        """Return whether a transcript only repeats the user's newest one."""
        return not new_transcript_text(self._phrase, self._last_heard, text, may_double=False)

    def add_user_transcript(
        self, text: str, now_ms: int, *, is_final: bool = False, comes_whole: bool = False
    ) -> str:
        """Add a piece of the user's transcript.

        Pieces contain the spaces between them, whole transcripts of utterances do not.

        Args:
            text: The piece.
            now_ms: The present.
            is_final: Whether this is the last piece of the transcript.
            comes_whole: Whether the model sends the transcript of an utterance in one piece.

        Returns:
            The new text, with a space after a finished phrase; "" if the piece repeats known text.
        """
        is_at_once = self.heard_at_ms is not None and now_ms < self.heard_at_ms + AT_ONCE_MS
        if comes_whole and self._stretches_to_transcribe and self._phrase and not is_at_once:
            # The user spoke more than once before the first transcript came.
            self._is_phrase_over, self._phrase_from = True, len(self._heard)
        may_double = not (comes_whole or is_at_once)
        new_text = new_transcript_text(self._phrase, self._last_heard, text, may_double=may_double)
        self.heard_at_ms, self._last_heard = now_ms, text
        self.untranscribed_from_seq = None
        self.may_be_noise = False
        if new_text:
            if not self._phrase or (self._is_phrase_over and new_text == text):
                self._phrase_from = len(self._heard)
                self._stretches_to_transcribe = max(0, self._stretches_to_transcribe - 1)
            else:
                self._is_phrase_over = False
            new_text = self._add_heard(new_text)
        self._is_phrase_over = is_final
        return new_text

    @property
    def _phrase(self) -> str:
        """Return the newest transcript of the user so far."""
        return self._heard[self._phrase_from :]

    def add_typed_text(self, text: str, seq: int) -> None:
        """Add typed text; it is no transcript of earlier speech."""
        self._add_heard(text)
        self.is_typed = True
        self._stretches_to_transcribe -= 1
        self._phrase_from = len(self._heard)
        if self.untranscribed_from_seq == seq:
            self.untranscribed_from_seq = None

    def _add_heard(self, text: str) -> str:
        if self._is_phrase_over and self._heard and not text[:1].isspace():
            text = f" {text}"
        self._heard += text
        return text

    def mark_resent(self, ended_ms: int) -> None:
        """Note that the speech that ended at ``ended_ms`` is sent to the model again."""
        self._copied_through_seq = self.speech_from_seq
        self._ended_before_copy_ms = ended_ms

    @property
    def has_copy(self) -> bool:
        """Return whether the newest speech was sent to the model twice."""
        return 0 < self.speech_from_seq <= self._copied_through_seq

    def is_copy(self, text: str) -> bool:
        """Return whether a transcript repeats that of the first copy of the speech."""
        understood = words_of(self._heard[self._heard_earlier :])
        return self.has_copy and words_of(text) in understood

    def interrupt_for_copy(self) -> bool:
        """Note that the model interrupted itself; return whether that was for the second copy."""
        is_for_copy = self.has_copy and self.has_reply and not self.is_being_spoken
        self.reply.expect_copy(is_expected=is_for_copy)
        return is_for_copy

    def restarted(self) -> "TurnInProgress":
        """Return the turn without its input and reply; its costs stay."""
        return TurnInProgress(
            self.number,
            self.started_at_ms,
            self.first_seq,
            skipped=[gap for gap in self.skipped if gap.first_seq < (self.first_seq or 0)],
            tool_calls=[call for call in self.tool_calls if call.key.turn != self.number],
            usage=self.usage,
            core_bill=self.core_bill,
        )

    def bill(self, prices: Prices) -> Bill:
        """Return the turn's usage and cost so far, with the live model's ``prices``."""
        return prices.bill(self.usage) + self.core_bill

    def to_turn(self, session_id: str, prices: Prices, unix_offset_ms: int) -> Turn:
        """Return the turn in the form that memory keeps."""
        bill = self.bill(prices)
        return Turn(
            number=self.number,
            session_id=session_id,
            started_at_ms=self.started_at_ms + unix_offset_ms,
            ended_at_ms=self.ended_at_ms + unix_offset_ms,
            heard=self.heard,
            said=self.said,
            said_is_approximate=self.reply.was_cut,
            skipped=tuple(self.skipped),
            tool_calls=tuple(self.tool_calls),
            first_audio_ms=self.first_audio_ms,
            usage=bill.usage,
            cost_usd=bill.cost_usd,
        )
