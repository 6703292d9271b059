"""Reads the times of a turn, for its timing."""

from repartee.domain.session.turn_timing import TurnMarks
from repartee.domain.session.turns.turn import TurnInProgress


def turn_marks(turn: TurnInProgress) -> TurnMarks:
    """Return the times of a turn; those of a turn in progress are not final."""
    return TurnMarks(
        number=turn.number,
        started_ms=turn.started_at_ms,
        input_ended_ms=turn.input_ended_ms,
        model_began_ms=turn.reply.begun_at_ms,
        first_audio_ms=turn.reply.first_audio_at_ms,
        ended_ms=turn.ended_at_ms,
        is_unanswered=turn.reply.is_missing,
    )
