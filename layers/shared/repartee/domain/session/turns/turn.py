"""A turn while it happens: what has been heard, said and done so far."""

from dataclasses import dataclass, field

from repartee.domain.conversation.conversation import SkippedInput, ToolCall, Turn
from repartee.domain.cost.prices import Prices
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.protocol.messages import Numbered
from repartee.domain.session.turns.reply import Reply
from repartee.domain.session.turns.transcript_pieces import new_transcript_text

# A piece that follows another one faster than this holds no newer speech: no user is so fast.
AT_ONCE_MS = 100


@dataclass(frozen=True, slots=True)
class _BeforeStretch:
    """The fields of a turn that a stretch of speech changes, as they were before."""

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
    """Speech of the user that goes on, and passes from one turn to the next."""

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
        first_seq: The input message it begins with, None for a reply without input.
        speech_from_seq: Where its newest stretch of speech begins.
        untranscribed_from_seq: Where the first stretch without a transcript begins, None without
            one.
        input_ended_ms: When the user fell silent, None while speaking or without input.
        ended_at_ms: When the model was done with it.
        reply: The model's reply.
        transcribed: What the client was sent as the user's transcript.
        heard_at_ms: When the newest piece of the user's transcript came, None before the first.
        is_typed: The user has typed what came last in it.
        is_farewell: It is over only when something has been said in it.
        may_be_noise: Nothing but the model's transcript can show that its newest speech is speech.
        is_unsent: The model was given no sound of its newest speech, whose start the client marked.
        late: Control that belongs to it and came so late that its number lies before ``first_seq``.
        usage: What the live model counted.
        core_bill: What core_agent's models used and cost; it has counted that by itself.
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
        """Return whether the user is still speaking it."""
        return self.first_seq is not None and self.input_ended_ms is None

    @property
    def has_earlier_speech(self) -> bool:
        """Return whether the user has spoken in it before the newest stretch of speech."""
        return self.first_seq is not None and self.first_seq < self.speech_from_seq

    @property
    def talk_ms(self) -> int:
        """How long it took, once it is over."""
        return self.ended_at_ms - self.started_at_ms

    @property
    def heard(self) -> str:
        """The transcript of the user."""
        return self._heard.strip()

    @property
    def said(self) -> str:
        """The transcript of the reply so far, also of one that was only shown."""
        return self.reply.said

    @property
    def first_audio_ms(self) -> int | None:
        """From the end of the input to the first reply audio; None without either."""
        at_ms = self.reply.first_audio_at_ms
        if at_ms is None or self.input_ended_ms is None:
            return None
        return max(0, at_ms - self.input_ended_ms)

    @property
    def silent_from_ms(self) -> int:
        """Since when neither side speaks in it; a reply comes faster than it is played."""
        return max(self.input_ended_ms or 0, self.reply.ends_at_ms)

    def end(self, now_ms: int) -> None:
        """Note that the model is done with it."""
        self.ended_at_ms = now_ms

    def mark_farewell(self) -> None:
        """Keep it open until something has been said in it."""
        self.is_farewell = True

    def mark_doubtful(self) -> None:
        """Note that only a transcript can show that its newest speech is speech."""
        self.may_be_noise = True

    def mark_certain(self) -> None:
        """Note that its newest speech is speech, or need not be proven any more."""
        self.may_be_noise = False

    def mark_unsent(self, *, is_unsent: bool) -> None:
        """Note whether the model still lacks all sound of its newest speech."""
        self.is_unsent = is_unsent

    def add_usage(self, usage: TokenUsage) -> None:
        """Add what the live model counted."""
        self.usage += usage

    def add_core_bill(self, bill: Bill) -> None:
        """Add what a call of core_agent cost."""
        self.core_bill += bill

    def take_over_costs(self, turn: "TurnInProgress") -> None:
        """Add the costs and the tool calls of a turn that is given up."""
        self.usage += turn.usage
        self.core_bill += turn.core_bill
        self.tool_calls += turn.tool_calls

    def note_shown(self, text: str) -> None:
        """Note that the client was sent a piece of the user's transcript."""
        self.transcribed += text

    def take_late_controls(self) -> list[Numbered]:
        """Return and forget the control that came late."""
        late, self.late = self.late, []
        return late

    def keep_late_control(self, control: Numbered) -> None:
        """Keep what a rewind to ``first_seq`` would not find."""
        if self.first_seq is not None and control.seq < self.first_seq:
            self.late.append(control)

    def give_up_speech(self) -> SpeechUnderWay:
        """Return and forget what the user is still saying in it.

        Without input before that, a reply without input is left.
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
        """Begin with what another turn has given up."""
        self.first_seq = self.speech_from_seq = speech.from_seq
        self._heard, self.heard_at_ms = speech.heard, speech.heard_at_ms
        self._is_phrase_over, self.late = speech.is_phrase_over, speech.late
        if not self._heard:
            self.untranscribed_from_seq = self.first_seq

    def begin_stretch(self, seq: int) -> None:
        """Begin a stretch of speech, or a text, at ``seq``."""
        self._before_stretch = _BeforeStretch()
        # A turn that restarts has its first message already, and nothing was heard before that.
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
        """Return whether anything is understood of the newest stretch of speech."""
        return len(self._heard) > self._heard_earlier

    def retract_stretch(self, now_ms: int) -> bool:
        """Take back the newest stretch of speech; False when nothing is left of the turn."""
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
        """Note that the user falls silent; a copy ends when the original speech ended."""
        self.input_ended_ms = self._ended_before_copy_ms if self.has_copy else now_ms

    @property
    def is_missing_transcript(self) -> bool:
        """Return whether nothing is understood yet of speech in it."""
        return self.untranscribed_from_seq is not None

    @property
    def is_phrase_over(self) -> bool:
        """Return whether the newest piece of the user's transcript was marked as the last one."""
        return self._is_phrase_over

    def is_transcript_repeat(self, text: str) -> bool:
        """Return whether a transcript only repeats the newest one of the user."""
        return not new_transcript_text(self._phrase, self._last_heard, text, may_double=False)

    def add_user_transcript(
        self, text: str, now_ms: int, *, is_final: bool = False, comes_whole: bool = False
    ) -> str:
        """Add a piece of the user's transcript.

        Pieces carry their own spaces, whole transcripts of utterances do not.

        Args:
            text: The piece.
            now_ms: The present.
            is_final: No more pieces of this transcript follow.
            comes_whole: The model sends the transcript of an utterance in one piece.

        Returns:
            What is new of it, separated from a finished phrase; "" where it repeats what is known.
        """
        is_at_once = self.heard_at_ms is not None and now_ms < self.heard_at_ms + AT_ONCE_MS
        if comes_whole and self._stretches_to_transcribe and self._phrase and not is_at_once:
            # The user has spoken more than once before the first transcript came.
            self._is_phrase_over, self._phrase_from = True, len(self._heard)
        may_double = not (comes_whole or is_at_once)
        news = new_transcript_text(self._phrase, self._last_heard, text, may_double=may_double)
        self.heard_at_ms, self._last_heard = now_ms, text
        self.untranscribed_from_seq = None
        self.may_be_noise = False
        if news:
            if not self._phrase or (self._is_phrase_over and news == text):
                self._phrase_from = len(self._heard)
                self._stretches_to_transcribe = max(0, self._stretches_to_transcribe - 1)
            else:
                self._is_phrase_over = False
            news = self._add_heard(news)
        self._is_phrase_over = is_final
        return news

    @property
    def _phrase(self) -> str:
        """The newest transcript of the user, as far as it has come."""
        return self._heard[self._phrase_from :]

    def add_typed_text(self, text: str, seq: int) -> None:
        """Add what the user typed; it says nothing of what was spoken before."""
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
        """Note that the model gets the speech until ``ended_ms`` once more."""
        self._copied_through_seq = self.speech_from_seq
        self._ended_before_copy_ms = ended_ms

    @property
    def has_copy(self) -> bool:
        """Return whether the model was given twice what the user has said last."""
        return 0 < self.speech_from_seq <= self._copied_through_seq

    def is_copy(self, text: str) -> bool:
        """Return whether a transcript of the user repeats what was understood of the first copy."""
        understood = self._heard[self._heard_earlier :].casefold()
        return self.has_copy and text.strip().casefold() in understood

    def interrupt_for_copy(self) -> bool:
        """Return whether the model has interrupted itself for the second copy of the speech."""
        is_for_copy = self.has_copy and self.has_reply and not self.is_being_spoken
        self.reply.expect_copy(is_expected=is_for_copy)
        return is_for_copy

    def restarted(self) -> "TurnInProgress":
        """Return the turn as it was before its first message; only what it cost stays."""
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
        """Return what the turn used and cost so far, by the live model's ``prices``."""
        return prices.bill(self.usage) + self.core_bill

    def to_turn(self, session_id: str, prices: Prices, unix_offset_ms: int) -> Turn:
        """Return the turn as memory keeps it."""
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
