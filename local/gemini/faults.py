"""Faults that tests order: each order is consumed and counted."""

from collections import Counter
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from local.gemini.live.protocol import ServerClose, Setup

type GeminiFaultKind = Literal[
    "close",
    "stall",
    "late_reply",
    "empty_turn",
    "duplicate_call",
    "slow_setup",
    "go_away",
    "unknown_message",
    "lost_seed",
    "slow_reply",
    "history_refused",
    "language_refused",
    "silent_after_tool_answer",
    "no_call_ids",
    "cancelled_call",
    "text_without_audio",
    "near_silent_audio",
    "no_reply_transcript",
    "ignored_text",
    "late_text",
    "wrong_language_transcript",
    "late_transcript",
    "transcript_twice",
    "dropped_short_utterance",
    "requires_action",
    "paced_silence",
    "rest_error",
    "slow_rest",
]
type GeminiFaultMoment = Literal[
    "now", "setup", "turn", "audio", "seed", "call", "answer", "speech", "text", "request"
]

# The moment of a fault whose order names none.
DEFAULT_MOMENTS: dict[str, GeminiFaultMoment] = {
    "close": "now",
    "stall": "turn",
    "late_reply": "turn",
    "empty_turn": "turn",
    "duplicate_call": "call",
    "slow_setup": "setup",
    "go_away": "now",
    "unknown_message": "now",
    "lost_seed": "seed",
    "slow_reply": "turn",
    "history_refused": "seed",
    "language_refused": "setup",
    "silent_after_tool_answer": "answer",
    "no_call_ids": "call",
    "cancelled_call": "call",
    "text_without_audio": "turn",
    "near_silent_audio": "turn",
    "no_reply_transcript": "turn",
    "ignored_text": "text",
    "late_text": "text",
    "wrong_language_transcript": "speech",
    "late_transcript": "speech",
    "transcript_twice": "speech",
    "dropped_short_utterance": "speech",
    "requires_action": "turn",
    "paced_silence": "setup",
    "rest_error": "request",
    "slow_rest": "request",
}


class Fault(BaseModel):
    """An order for one fault.

    Attributes:
        kind: The kind of fault.
        at: ``now`` affects open connections immediately; the other moments are the next setup,
            reply, audio part, seed, tool call, answer to a tool call, utterance, text or REST
            request.
        connection: The id of a connection; None for the first one that reaches the moment.
        count: The number of times that the fault strikes.
        code: The close code; 1006 drops the TCP connection without a close frame. The default is
            1011, and 1007 for ``history_refused`` and ``language_refused``.
        delay_ms: The additional time of a set-up, a REST request or a reply, or the
            time from the end of the turn to the user's transcript.
        time_left_s: The time that a goAway announces and after which the server closes.
        status: The HTTP status of a REST error.
        language: The BCP 47 tag that ``language_refused`` refuses, as the language code of a
            set-up or in its instruction.
        speed: Audio seconds per second of a slow reply, which ends after its playing time.
    """

    model_config = ConfigDict(extra="forbid")

    kind: GeminiFaultKind
    at: GeminiFaultMoment | None = None
    connection: str | None = None
    count: int = Field(default=1, ge=1)
    code: int | None = None
    reason: str = "Internal error encountered."
    delay_ms: int = Field(default=1_000, ge=0)
    time_left_s: float = Field(default=10.0, ge=0)
    status: int = 503
    language: str = "es-ES"
    speed: float = Field(default=1.0, gt=0)

    @property
    def moment(self) -> GeminiFaultMoment:
        return self.at or DEFAULT_MOMENTS[self.kind]

    @property
    def refusal(self) -> ServerClose:
        """The close that the fault orders."""
        is_refusal = self.kind in ("history_refused", "language_refused")
        return ServerClose(self.code or (1007 if is_refusal else 1011), self.reason)

    def strikes_language(self, setup: Setup) -> bool:
        """Return whether the set-up requests the refused language."""
        code = setup.generation_config.speech_config.language_code
        return self.language == code or f"({self.language})" in setup.instruction


class Faults:
    """The waiting orders, and the number of consumed faults by kind."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self.consumed: Counter[str] = Counter()

    def order(self, fault: Fault) -> None:
        self.waiting.append(fault)

    def clear(self) -> None:
        self.waiting.clear()

    def take(
        self,
        kind: GeminiFaultKind,
        connection: str | None = None,
        at: GeminiFaultMoment | None = None,
        strikes: Callable[[Fault], bool] = lambda _: True,
    ) -> Fault | None:
        """Consume the oldest matching order and return it, None without one.

        Args:
            kind: The kind of fault.
            connection: The id of the connection; None for REST.
            at: The moment; None for the default moment of the kind.
            strikes: Returns whether an order applies to this case.
        """
        moment = at or DEFAULT_MOMENTS[kind]
        for fault in self.waiting:
            if fault.kind != kind or fault.moment != moment:
                continue
            if fault.connection not in (None, connection) or not strikes(fault):
                continue
            fault.count -= 1
            if fault.count == 0:
                self.waiting.remove(fault)
            self.consumed[kind] += 1
            return fault
        return None
