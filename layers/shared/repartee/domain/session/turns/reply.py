"""Holds the model's reply in one turn: its audio, its text, and how much the user heard."""

from dataclasses import dataclass

from repartee.domain.audio import OUTPUT_RATE_HZ, duration_ms, is_audible
from repartee.domain.session.turns.transcript_pieces import new_transcript_text
from repartee.domain.text.cuts import truncate_text
from repartee.domain.text.words import visible_part


@dataclass(slots=True)
class Reply:
    """The reply of one turn.

    The model sends it in generations, which are stretches of output that it completes or
    interrupts.

    Attributes:
        length_bytes: The length of the audio.
        begun_at_ms: When the model's first output arrived, also if it was a tool call.
        first_audio_at_ms: When the first audio arrived.
        is_muted: Whether the newest generation had no sound, so that its text was only shown.
        is_cut: Whether the reply is cut, so that further output is dropped.
        was_cut: Whether the reply was cut at any time.
        is_paused: Whether the model waits for a tool.
        awaits_copy: Whether the model interrupted its reply because it received a second copy of
            the same input.
        is_stopped: Whether the user stopped the reply, so that the rest of the turn is silent.
        is_missing: Whether the client got ``no_answer``, because the model did not speak.
    """

    length_bytes: int = 0
    begun_at_ms: int | None = None
    first_audio_at_ms: int | None = None
    is_muted: bool = False
    is_cut: bool = False
    was_cut: bool = False
    is_paused: bool = False
    awaits_copy: bool = False
    is_stopped: bool = False
    is_missing: bool = False
    _is_begun_unheard: bool = False
    _is_audible: bool = False
    _said: str = ""
    _last_said: str = ""
    _whole: str = ""
    _written: str = ""
    _shown: str = ""
    _said_earlier: int = 0
    _bytes_earlier: int = 0

    @property
    def is_begun(self) -> bool:
        """Return whether the model has begun to answer."""
        return bool(self._said or self.length_bytes or self._is_begun_unheard)

    @property
    def takes_no_input(self) -> bool:
        """Return whether input that follows belongs to another turn."""
        return self.is_begun or self.is_stopped

    @property
    def said(self) -> str:
        """Return the transcript so far, also of a reply that was only shown."""
        return visible_part(self._shown if self.is_muted else self._said)

    @property
    def ends_at_ms(self) -> int:
        """Return when a client that plays without delay has played the whole reply.

        For a cut reply, this is the start of its audio.
        """
        length_ms = 0 if self.is_cut else round(duration_ms(self.length_bytes, OUTPUT_RATE_HZ))
        return (self.first_audio_at_ms or 0) + length_ms

    def note_output(self, now_ms: int) -> None:
        """Note the time of the model's first output."""
        if self.begun_at_ms is None:
            self.begun_at_ms = now_ms

    def note_missing(self) -> None:
        """Note that the client gets ``no_answer``, because the model does not speak."""
        self.is_missing = True

    def add_audio(self, pcm: bytes, now_ms: int) -> bool:
        """Add audio; return whether this generation is audible so far."""
        if self.first_audio_at_ms is None:
            self.first_audio_at_ms = now_ms
        self.length_bytes += len(pcm)
        # After the first sound of a generation, the volume is not measured any more.
        self._is_audible = self._is_audible or is_audible(pcm)
        return self._is_audible

    def add_transcript(self, text: str) -> str:
        """Add a piece of the transcript.

        Returns:
            The new part, with a space after a pause; "" if the piece repeats known text.
        """
        generation = self._said[self._said_earlier :]
        new_text = new_transcript_text(generation, self._last_said, text, may_double=True)
        self._last_said = text
        if self.is_paused and self._said and new_text and not new_text[0].isspace():
            new_text = f" {new_text}"
        self.is_paused = False
        self._said += new_text
        return new_text

    def add_text(self, text: str) -> None:
        """Add a text part of the current generation."""
        self._written += text

    def take_unspoken_text(self) -> str:
        """Return the generation's text parts, or "" if it has a transcript or is cut."""
        written, self._written = self._written, ""
        return "" if self.is_cut or len(self._said) > self._said_earlier else written

    def end_generation(self) -> None:
        """Complete a generation; its text counts as only shown if it had no sound."""
        has_more = len(self._said) > self._said_earlier or self.length_bytes > self._bytes_earlier
        if has_more and not (self._is_audible or self.is_cut):
            self._mute()
        self._said_earlier, self._bytes_earlier = len(self._said), self.length_bytes
        self._is_audible = False

    def expect_copy(self, *, is_expected: bool) -> None:
        """Note an interruption; if it was for a copy, the next reply replaces this one."""
        self.awaits_copy = is_expected
        if is_expected:
            self._written, self._is_audible = "", False
            self._mute()

    def unmute(self) -> None:
        """Continue the reply, which replaces the text that was only shown."""
        self.is_muted = self.awaits_copy = False

    def _mute(self) -> None:
        self.is_muted, self._shown = True, self._said
        self._said, self.length_bytes = self._said[: self._said_earlier], self._bytes_earlier
        if not self.length_bytes:
            self.first_audio_at_ms = None

    def pause(self) -> None:
        """Note that the model waits for a tool, and speaks again later."""
        if self.is_stopped:
            self.note_unheard()
        self.is_paused = self.is_begun
        self.is_cut = self.is_stopped

    def stop(self) -> None:
        """Note that the user stopped the reply, whether or not it has begun."""
        self.is_stopped = True

    def note_unheard(self) -> None:
        """Note that the model has begun a reply that is dropped."""
        self._is_begun_unheard = True

    def cut(self, played_ms: int) -> None:
        """Shorten the transcript to the words that the user heard, to about one word.

        Later calls correct ``played_ms``, until the model speaks again.
        """
        if not self.is_cut:
            self._whole = self._said
        self.was_cut = self.is_cut = True
        self._written = ""
        total_ms = duration_ms(self.length_bytes, OUTPUT_RATE_HZ)
        share = 1.0 if total_ms <= played_ms else played_ms / total_ms
        self._said = truncate_text(self._whole, round(len(self._whole) * share))
