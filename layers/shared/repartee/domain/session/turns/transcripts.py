"""Assigns transcripts of the user to turns; they may arrive long after the speech."""

from dataclasses import dataclass

from repartee.domain.live.model import LiveTranscript
from repartee.domain.protocol.frames import Transcript
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress

# Gemini sends a transcript up to 1.5 s after the end of its turn. This is twice that time.
LATE_MS = 3_000
# The pieces of one transcript arrive at shorter intervals than this.
CONTINUES_WITHIN_MS = 2_000


@dataclass(frozen=True, slots=True)
class PlacedTranscript:
    """The turn that a piece of a transcript was added to.

    Attributes:
        is_current: Whether the turn is in progress.
        amended: The turn if it is committed, and so must be amended; otherwise None.
    """

    is_current: bool = False
    amended: TurnInProgress | None = None


@dataclass(slots=True)
class UserTranscripts:
    """Adds each transcript of the user to the turn of the speech.

    Gemini does not say which speech a transcript belongs to, but transcripts come in the order of
    the speech. So the oldest turn without a transcript gets it. The caller amends a turn that is
    committed. A transcript begins no turn and does not make a worker stay. A transcript that fits
    no turn waits in the ledger for a reply, because the model may have heard speech that the
    worker did not detect.
    """

    _client: ClientLink
    _turns: TurnLedger
    _comes_whole: bool
    _first_number: int = 1

    def begin_session(self) -> None:
        """Note that another Live session opens, which does not transcribe earlier speech."""
        current = self._turns.current
        self._first_number = current.number if current else self._turns.next_number

    @property
    def due_by_ms(self) -> int | None:
        """Return until when the current Live session may send transcripts of ended turns.

        None if no ended turn lacks its transcript.
        """
        due_ms = [
            turn.ended_at_ms + LATE_MS
            for turn in self._turns.ended_turns
            if turn.number >= self._first_number and turn.is_missing_transcript
        ]
        return max(due_ms, default=None)

    def take(self, piece: LiveTranscript, now_ms: int) -> PlacedTranscript:
        """Add a piece of a transcript to its turn."""
        turn = self._owner(piece, now_ms)
        if turn is None:
            self._turns.keep_unmatched_transcript(piece.text, now_ms)
            return PlacedTranscript()
        amended = self._add(turn, piece, now_ms)
        return PlacedTranscript(turn in (self._turns.current, self._turns.upcoming), amended)

    def add_from_previous_session(self, piece: LiveTranscript, now_ms: int) -> PlacedTranscript:
        """Add a late transcript of the previous Live session to an ended turn."""
        lacking = [turn for turn in self._turns.ended_turns if turn.is_missing_transcript]
        amended = self._add(lacking[0], piece, now_ms) if lacking else None
        return PlacedTranscript(amended=amended)

    def _add(
        self, turn: TurnInProgress, piece: LiveTranscript, now_ms: int
    ) -> TurnInProgress | None:
        if turn.is_copy(piece.text):
            return None
        was_final = turn.is_phrase_over
        text = turn.add_user_transcript(
            piece.text, now_ms, is_final=piece.final, comes_whole=self._comes_whole
        )
        if not text and was_final >= piece.final:
            return None
        turn.note_shown(text)
        self._client.outbox.offer(Transcript(turn.number, "user", text, piece.final))
        return turn if turn in self._turns.newest_committed else None

    def _owner(self, piece: LiveTranscript, now_ms: int) -> TurnInProgress | None:
        spoken = [turn for turn in self._turns.all_turns if turn.number >= self._first_number]
        last = next((turn for turn in reversed(spoken) if turn.heard_at_ms is not None), None)
        first_number = 0 if last is None else last.number
        lacking = [
            turn for turn in spoken if turn.is_missing_transcript and turn.number >= first_number
        ]
        owner = self._first_in_time(lacking, now_ms)
        if last is None or owner is last:
            return owner
        if owner is None:
            return last if self._continues(last, piece, now_ms) else None
        return (
            last if self._is_too_early(owner) and last.is_transcript_repeat(piece.text) else owner
        )

    def _first_in_time(self, lacking: list[TurnInProgress], now_ms: int) -> TurnInProgress | None:
        """Return the oldest turn whose transcript may still arrive."""
        over = self._turns.ended_turns
        while len(lacking) > 1:
            turn, following = lacking[:2]
            is_late = turn in over and now_ms > turn.ended_at_ms + LATE_MS
            if not is_late or self._is_too_early(following):
                break
            lacking = lacking[1:]
        return lacking[0] if lacking else None

    def _is_too_early(self, turn: TurnInProgress) -> bool:
        """Return whether the transcript of this turn cannot have arrived yet."""
        return self._comes_whole and turn.is_being_spoken

    def _continues(self, last: TurnInProgress, piece: LiveTranscript, now_ms: int) -> bool:
        """Return whether the piece continues or repeats the newest transcript."""
        if last in (self._turns.current, self._turns.upcoming) or last.is_transcript_repeat(
            piece.text
        ):
            return True
        return not last.is_phrase_over and now_ms <= (last.heard_at_ms or 0) + CONTINUES_WITHIN_MS
