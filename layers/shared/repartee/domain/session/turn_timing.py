"""The times of one turn: of its parts, and of the worker and the Live session that served it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToolTiming:
    """The times of one question to core_agent.

    Attributes:
        call: The call's key, as core_agent logs it.
        asked_at_ms: When the worker asked, Unix time in ms.
        answered_at_ms: When the worker had the answer, None if it has none yet.
        status: ``done``, ``refused`` or ``failed``; "" without an answer.
    """

    call: str
    asked_at_ms: int
    answered_at_ms: int | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class TurnMarks:
    """The times that the session core knows of a turn, on the worker's monotonic clock.

    Attributes:
        number: The number of the turn in the conversation.
        started_ms: When the turn began.
        input_ended_ms: When the worker noticed the end of the user's speech or text, None for a
            reply without input.
        model_began_ms: When the model's first output came, None without a reply.
        first_audio_ms: When the first audio of the reply came, None without audio.
        ended_ms: When the model was done with the turn.
        is_unanswered: Whether the client got ``no_answer``, because the model did not speak.
    """

    number: int
    started_ms: int
    input_ended_ms: int | None
    model_began_ms: int | None
    first_audio_ms: int | None
    ended_ms: int
    is_unanswered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTiming:
    """The times of one committed turn; every time is Unix time in ms, None if it is not known.

    Attributes:
        turn: The number of the turn in the conversation.
        epoch: The number of the worker's lease.
        woken_at_ms: When the worker was requested. Only the first turn of a worker has this.
        leased_at_ms: When that worker took the lease. Only the first turn of a worker has this.
        live_opening_at_ms: When the set-up of the Live session began. Only the first turn that a
            Live session answers has this.
        live_ready_at_ms: When that set-up was complete.
        started_at_ms: When the turn began.
        input_received_at_ms: When ``message`` got the last of the user's speech or text.
        input_ended_at_ms: When the worker noticed the end of the user's speech or text.
        model_began_at_ms: When the model's first output came.
        audio_received_at_ms: When the first audio of the reply came from the model.
        audio_posted_at_ms: When API Gateway had taken the first audio for the client.
        ended_at_ms: When the model was done with the turn.
        tools: The questions to core_agent, in the order in which they were asked.
    """

    session_id: str
    turn: int
    epoch: int
    woken_at_ms: int | None = None
    leased_at_ms: int | None = None
    live_opening_at_ms: int | None = None
    live_ready_at_ms: int | None = None
    started_at_ms: int
    input_received_at_ms: int | None = None
    input_ended_at_ms: int | None = None
    model_began_at_ms: int | None = None
    audio_received_at_ms: int | None = None
    audio_posted_at_ms: int | None = None
    ended_at_ms: int
    tools: tuple[ToolTiming, ...] = ()

    def parts_ms(self) -> dict[str, int | None]:
        """Return the lengths of the turn's parts, for the log; None for a part that is absent."""
        speech_end_ms = self.input_ended_at_ms
        answers_ms = [one.answered_at_ms for one in self.tools if one.answered_at_ms is not None]
        asked_ms = self.tools[0].asked_at_ms if self.tools else None
        return {
            "wake_to_lease_ms": _between(self.woken_at_ms, self.leased_at_ms),
            "setup_ms": _between(self.live_opening_at_ms, self.live_ready_at_ms),
            "input_to_speech_end_ms": _between(self.input_received_at_ms, speech_end_ms),
            "speech_end_to_model_ms": _between(speech_end_ms, self.model_began_at_ms),
            "speech_end_to_audio_ms": _between(speech_end_ms, self.audio_received_at_ms),
            "speech_end_to_heard_ms": _between(speech_end_ms, self.audio_posted_at_ms),
            "tool_ms": _between(asked_ms, max(answers_ms, default=None)),
            "reply_ms": _between(self.model_began_at_ms, self.ended_at_ms),
            "turn_ms": _between(self.started_at_ms, self.ended_at_ms),
        }


def _between(from_ms: int | None, to_ms: int | None) -> int | None:
    """Return the length of a part; 0 if clocks of two machines disagree on its order."""
    return None if from_ms is None or to_ms is None else max(0, to_ms - from_ms)
