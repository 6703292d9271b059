"""Which turn the model's transcript of the user belongs to; it may come long after the speech."""

from dataclasses import dataclass

from repartee.domain.live.model import LiveTranscript
from repartee.domain.protocol.frames import Transcript
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress

# Gemini's transcript follows the end of the turn by up to 1.5 s; twice that leaves room.
LATE_MS = 3_000
# The pieces of one transcript follow each other faster than that.
CONTINUES_WITHIN_MS = 2_000


@dataclass(frozen=True, slots=True)
class PlacedTranscript:
    """Where a piece of a transcript went.

    Attributes:
        is_current: It belongs to a turn that goes on.
        amended: The turn in memory that it has changed, None without one.
    """

    is_current: bool = False
    amended: TurnInProgress | None = None


@dataclass(slots=True)
class UserTranscripts:
    """Adds each transcript of the user to the turn whose speech it is, whatever became of that.

    Gemini does not say which speech a transcript belongs to, but they come in the order of the
    speech. So the oldest turn that still lacks one gets it. The caller amends a turn that is in
    memory already. A transcript begins no turn and keeps no worker. One that fits no turn waits in
    the ledger for a reply, because the model may have heard speech that the worker did not notice.
    """

    _client: ClientLink
    _turns: TurnLedger
    _comes_whole: bool
    _first_number: int = 1

    def begin_session(self) -> None:
        """Another live session listens: what was said before is not transcribed any more."""
        current = self._turns.current
        self._first_number = current.number if current else self._turns.next_number

    @property
    def due_by_ms(self) -> int | None:
        """Until when the words of a turn that is over may come from the current live session.

        None where none of them lacks its words.
        """
        due_ms = [
            turn.ended_at_ms + LATE_MS
            for turn in self._turns.ended_turns
            if turn.number >= self._first_number and turn.is_missing_transcript
        ]
        return max(due_ms, default=None)

    def take(self, piece: LiveTranscript, now_ms: int) -> PlacedTranscript:
        """Add a piece to the turn that it belongs to."""
        turn = self._owner(piece, now_ms)
        if turn is None:
            self._turns.keep_unmatched_transcript(piece.text, now_ms)
            return PlacedTranscript()
        amended = self._add(turn, piece, now_ms)
        return PlacedTranscript(turn in (self._turns.current, self._turns.upcoming), amended)

    def add_from_previous_session(self, piece: LiveTranscript, now_ms: int) -> PlacedTranscript:
        """Add the last words of the live session before this one, to a turn that is over."""
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
        """Return the oldest turn, or the next one where that is over for too long."""
        over = self._turns.ended_turns
        while len(lacking) > 1:
            turn, following = lacking[:2]
            is_late = turn in over and now_ms > turn.ended_at_ms + LATE_MS
            if not is_late or self._is_too_early(following):
                break
            lacking = lacking[1:]
        return lacking[0] if lacking else None

    def _is_too_early(self, turn: TurnInProgress) -> bool:
        """Return whether the words of this turn cannot have come by now."""
        return self._comes_whole and turn.is_being_spoken

    def _continues(self, last: TurnInProgress, piece: LiveTranscript, now_ms: int) -> bool:
        """Return whether the piece goes on with the newest transcript, or repeats it."""
        if last in (self._turns.current, self._turns.upcoming) or last.is_transcript_repeat(
            piece.text
        ):
            return True
        return not last.is_phrase_over and now_ms <= (last.heard_at_ms or 0) + CONTINUES_WITHIN_MS
