"""Handles the live model's replies: sends them to the client and records them in the turn."""

from dataclasses import dataclass

from repartee.domain.cost.prices import Prices
from repartee.domain.live.model import LiveTranscript
from repartee.domain.protocol.frames import (
    NoSpeech,
    ReplyAudio,
    SpeechHeard,
    Transcript,
    TurnEnd,
    TurnRestarted,
)
from repartee.domain.protocol.messages import SPEECH_HEARD
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.turns.barge_in import BargeInPolicy
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.transcripts import PlacedTranscript
from repartee.domain.session.turns.turn import TurnInProgress
from repartee.domain.text.words import words_of

# 375 ms. Gemini's parts have about 11.5 kB. A larger part is split so that no frame is too large.
MAX_REPLY_PCM_BYTES = 18_000
# Gemini sends a transcript up to 1.5 s after the end of its turn.
LATE_WORDS_MS = 1_500


@dataclass(slots=True)
class Replies:
    """Begins, continues and ends the replies of the turns in the ledger."""

    _client: ClientLink
    _turns: TurnLedger
    _cues: Cues
    _prices: Prices
    _barge_in: BargeInPolicy
    _reported_seq: int = 0

    @property
    def is_cue_awaited(self) -> bool:
        """Return whether a cue was sent and the model has not begun to speak."""
        return self._cues.is_awaited

    def send_audio(self, pcm: bytes, now_ms: int) -> bool:
        """Send audio of the reply to the client, split into frames.

        Returns:
            Whether this generation is audible so far.
        """
        turn = self._replying_turn(now_ms)
        if turn.reply.is_cut:
            turn.reply.note_unheard()
            return False
        for start in range(0, len(pcm), MAX_REPLY_PCM_BYTES):
            part = pcm[start : start + MAX_REPLY_PCM_BYTES]
            self._client.outbox.offer(ReplyAudio(turn.number, part))
        return turn.reply.add_audio(pcm, now_ms)

    def add_text(self, text: str, now_ms: int) -> None:
        """Keep a text part of the reply until it is known whether the model also speaks it."""
        self._replying_turn(now_ms).reply.add_text(text)

    def transcribe(self, piece: LiveTranscript, now_ms: int) -> None:
        """Add a piece of the model's transcript to the reply."""
        if not self._cues.is_awaited and self._turns.is_repeat_of_last_reply(piece.text, now_ms):
            return
        turn = self._replying_turn(now_ms)
        if turn.reply.is_cut:
            turn.reply.note_unheard()
        else:
            self._show(turn, piece.text, is_final=piece.final)

    def add_late_words(self, piece: LiveTranscript, now_ms: int) -> PlacedTranscript | None:
        """Add a piece of the model's transcript that comes after the end of its turn.

        Gemini sends transcripts independently of the audio. Words between two turns, or while the
        user begins the next one, belong to the previous reply. The rest of a cut reply is dropped.

        Returns:
            The place; None if the piece is not late.
        """
        current, ended = self._turns.current, self._turns.ended_turns
        is_between = current is None or (current.is_being_spoken and not current.has_reply)
        if self._cues.is_awaited or not is_between or not ended:
            return None
        turn = ended[-1]
        is_soon = now_ms <= turn.ended_at_ms + LATE_WORDS_MS
        if not is_soon or turn.reply.is_muted or not turn.reply.length_bytes:
            return None
        if turn.reply.is_cut or words_of(turn.said).endswith(words_of(piece.text) or " "):
            return PlacedTranscript()
        self._show(turn, piece.text, is_final=piece.final)
        return PlacedTranscript(amended=turn if turn in self._turns.newest_committed else None)

    def interrupt(self, now_ms: int) -> None:
        """End the reply because the user speaks over it, if the barge-in policy agrees."""
        turn = self._turns.current
        if turn is not None and self._barge_in.ends_reply(turn):
            self.cut(turn, now_ms)

    def cut(self, turn: TurnInProgress, now_ms: int) -> None:
        """End a turn's reply where the user heard it last."""
        self._client.interrupt(turn.number, now_ms)
        self._barge_in.cut(turn, self._client.played_ms(turn.number))

    def resume_after_noise(self) -> None:
        """Ask the model to continue a reply that a noise ended, if the policy wants that."""
        if (text := self._barge_in.text_after_noise()) is not None:
            self._cues.queue(text)

    def report_no_speech(self, through_seq: int) -> None:
        """Report to the client that its marks held no speech."""
        self._client.outbox.offer(NoSpeech(through_seq))

    def report_speech(self) -> None:
        """Report to a client that wants it that the user is heard, once for each utterance."""
        turn = self._turns.newest
        if turn is None or turn.speech_from_seq <= self._reported_seq:
            return
        self._reported_seq = turn.speech_from_seq
        if SPEECH_HEARD in self._client.features:
            self._client.outbox.offer_first(SpeechHeard(turn.number))

    def interrupt_for_copy(self) -> bool:
        """Note that the model interrupted itself; return whether that was for a copy of the input.

        If so, the model's next reply replaces the current one.
        """
        turn = self._turns.current
        return turn is not None and self._turns.upcoming is None and turn.interrupt_for_copy()

    def note_played(self, number: int) -> None:
        """Correct a cut reply after the client has reported how much it played."""
        turn = self._turns.find_uncommitted(number)
        if turn is not None and turn.reply.is_cut:
            self._barge_in.cut(turn, self._client.played_ms(number))

    def retract(self, turn: TurnInProgress, *, has_called: bool = False) -> None:
        """Make the client discard what it has received of a turn that restarts.

        Args:
            turn: The turn.
            has_called: Whether the client was informed of a tool call in the turn.
        """
        self._client.outbox.drop_audio(turn.number)
        if turn.has_reply or turn.reply.is_muted or turn.transcribed or has_called:
            self._client.reset_playback(turn.number)
            self._client.outbox.offer(TurnRestarted(turn.number))

    def end_generation(self) -> None:
        """Complete a generation, and send the client the text that was not spoken."""
        turn = self._turns.current
        if turn is not None:
            if written := turn.reply.take_unspoken_text():
                self._show(turn, written, is_final=True)
            turn.reply.end_generation()

    def pause(self) -> None:
        """Note that the model waits for a tool; the turn goes on."""
        if self._turns.current is not None:
            self._turns.current.reply.pause()

    def end_paused_turn(self, now_ms: int) -> None:
        """End a turn that only waits for a tool if the user has begun the next turn."""
        turn = self._turns.current
        if turn is not None and turn.reply.is_paused and self._turns.upcoming is not None:
            self.force_end_turn(turn, now_ms)

    def end_turn(self, now_ms: int) -> bool:
        """End the current turn because the model is done; return False if it is not over."""
        self._cues.end_wait()
        turn = self._turns.current
        if turn is None:
            return False
        if not turn.has_reply and (turn.is_being_spoken or turn.is_farewell):
            # This was the end of an interrupted generation. The user still speaks, or the farewell
            # follows.
            return False
        is_spoken_over = turn.is_being_spoken and (turn.reply.is_cut or turn.has_earlier_speech)
        self.force_end_turn(turn, now_ms)
        if is_spoken_over:
            self._turns.carry_speech_over(turn, now_ms)
        return True

    def end_all_turns(self, now_ms: int) -> None:
        """End all turns in progress, because no more replies come."""
        while self._turns.current is not None:
            self.force_end_turn(self._turns.current, now_ms)

    def force_end_turn(self, turn: TurnInProgress, now_ms: int) -> None:
        """End the current turn without waiting for the model."""
        self.end_generation()
        self._turns.end_current(now_ms)
        bill = turn.bill(self._prices)
        self._client.outbox.offer(
            TurnEnd(
                turn.number,
                tokens_in=bill.usage.tokens_in,
                tokens_out=bill.usage.tokens_out,
                cost_usd=float(bill.cost_usd),
                first_audio_ms=turn.first_audio_ms,
                skipped_messages=sum(gap.last_seq - gap.first_seq + 1 for gap in turn.skipped),
            )
        )

    def _replying_turn(self, now_ms: int) -> TurnInProgress:
        """Return the turn of the model's reply; the reply replaces text that was only shown."""
        self._cues.end_wait()
        turn = self._turns.turn_for_reply(now_ms)
        if turn.heard_at_ms is not None and not turn.transcribed:
            turn.note_shown(turn.heard)
            self._client.outbox.offer(Transcript(turn.number, "user", turn.heard, final=True))
        if turn.reply.is_muted and not turn.reply.is_stopped:
            self.retract(turn)
            turn.reply.unmute()
            if turn.transcribed:
                heard = Transcript(turn.number, "user", turn.transcribed, final=True)
                self._client.outbox.offer(heard)
            if turn.said:
                self._client.outbox.offer(Transcript(turn.number, "model", turn.said, final=True))
        return turn

    def _show(self, turn: TurnInProgress, text: str, *, is_final: bool) -> None:
        text = turn.reply.add_transcript(text)
        if text or is_final:
            self._client.outbox.offer(Transcript(turn.number, "model", text, is_final))
