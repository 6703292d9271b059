"""Takes in what the live model says: speech to the client, text and cost to the turn."""

from dataclasses import dataclass

from repartee.domain.cost.prices import Prices
from repartee.domain.live.model import LiveTranscript
from repartee.domain.protocol.frames import NoSpeech, ReplyAudio, Transcript, TurnEnd, TurnRestarted
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.turns.barge_in import BargeInPolicy
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress

# 375 ms. Gemini's parts are about 11.5 kB; a larger one is split, so that no frame is too large.
MAX_REPLY_PCM_BYTES = 18_000


@dataclass(slots=True)
class Replies:
    """The model's side of the turns."""

    _client: ClientLink
    _turns: TurnLedger
    _cues: Cues
    _prices: Prices
    _barge_in: BargeInPolicy

    def send_audio(self, pcm: bytes, now_ms: int) -> bool:
        """Pass a stretch of the reply on, in frames that fit.

        Returns:
            Whether the user can hear anything of this generation.
        """
        turn = self._replying_turn(now_ms)
        if turn.reply.is_cut:
            return False
        for start in range(0, len(pcm), MAX_REPLY_PCM_BYTES):
            part = pcm[start : start + MAX_REPLY_PCM_BYTES]
            self._client.outbox.offer(ReplyAudio(turn.number, part))
        return turn.reply.add_audio(pcm, now_ms)

    def add_text(self, text: str, now_ms: int) -> None:
        """Keep a text part of the reply until it is known whether it is spoken, too."""
        self._replying_turn(now_ms).reply.add_text(text)

    def transcribe(self, piece: LiveTranscript, now_ms: int) -> None:
        """Add a piece of text to what the model says."""
        if not self._cues.is_awaited and self._turns.is_repeat_of_last_reply(piece.text, now_ms):
            return
        turn = self._replying_turn(now_ms)
        if not turn.reply.is_cut:
            self._show(turn, piece.text, is_final=piece.final)

    def interrupt(self, now_ms: int) -> None:
        """End the reply because the user speaks over it, as the barge-in policy decides."""
        turn = self._turns.current
        if turn is not None and self._barge_in.ends_reply(turn):
            self._client.interrupt(turn.number, now_ms)
            self._barge_in.cut(turn, self._client.played_ms(turn.number))

    def resume_after_noise(self) -> None:
        """Note that a mere noise has ended the reply."""
        if (text := self._barge_in.text_after_noise()) is not None:
            self._cues.queue(text)

    def report_no_speech(self, through_seq: int) -> None:
        """Report to the client that its marks held no speech."""
        self._client.outbox.offer(NoSpeech(through_seq))

    def interrupt_for_copy(self) -> bool:
        """Return whether the model interrupts itself for a copy of what it replies to.

        Its next reply then replaces this one.
        """
        turn = self._turns.current
        return turn is not None and self._turns.upcoming is None and turn.interrupt_for_copy()

    def note_played(self, number: int) -> None:
        """Correct a reply that was cut, because the client has reported how much it played."""
        turn = self._turns.find_uncommitted(number)
        if turn is not None and turn.reply.is_cut:
            self._barge_in.cut(turn, self._client.played_ms(number))

    def retract(self, turn: TurnInProgress, *, has_called: bool = False) -> None:
        """Have the client forget what it has received of a turn that starts again.

        Args:
            turn: The turn.
            has_called: The client was sent that a tool is at work in it.
        """
        self._client.outbox.drop_audio(turn.number)
        if turn.has_reply or turn.reply.is_muted or turn.transcribed or has_called:
            self._client.reset_playback(turn.number)
            self._client.outbox.offer(TurnRestarted(turn.number))

    def end_generation(self) -> None:
        """Note that a generation is complete, and show its text that was not spoken."""
        turn = self._turns.current
        if turn is not None:
            if written := turn.reply.take_unspoken_text():
                self._show(turn, written, is_final=True)
            turn.reply.end_generation()

    def pause(self) -> None:
        """Note that the model has said what it can for now; the turn goes on."""
        if self._turns.current is not None:
            self._turns.current.reply.pause()

    def end_paused_turn(self, now_ms: int) -> None:
        """End a turn that only waits for a tool, if the user speaks: the next turn answers that."""
        turn = self._turns.current
        if turn is not None and turn.reply.is_paused and self._turns.upcoming is not None:
            self.force_end_turn(turn, now_ms)

    def end_turn(self, now_ms: int) -> bool:
        """Note that the model is done; return False when the turn is not over."""
        self._cues.end_wait()
        turn = self._turns.current
        if turn is None:
            return False
        if not turn.has_reply and (turn.is_being_spoken or turn.is_farewell):
            # An interrupted generation ends too: the user still speaks, or the farewell follows.
            return False
        is_spoken_over = turn.is_being_spoken and (turn.reply.is_cut or turn.has_earlier_speech)
        self.force_end_turn(turn, now_ms)
        if is_spoken_over:
            self._turns.carry_speech_over(turn, now_ms)
        return True

    def end_all_turns(self, now_ms: int) -> None:
        """End every turn, because no more replies come."""
        while self._turns.current is not None:
            self.force_end_turn(self._turns.current, now_ms)

    def force_end_turn(self, turn: TurnInProgress, now_ms: int) -> None:
        """End the current turn, whatever the model does."""
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
        """Return the turn in which the model speaks; what it only showed there is replaced."""
        self._cues.end_wait()
        turn = self._turns.turn_for_reply(now_ms)
        if turn.heard_at_ms is not None and not turn.transcribed:
            turn.note_shown(turn.heard)
            self._client.outbox.offer(Transcript(turn.number, "user", turn.heard, final=True))
        if turn.reply.is_muted:
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
