"""Asks the model to greet the user at the start of a session, before the user says anything."""

from dataclasses import dataclass, field

from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.memory.writes import TableWrites
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.upkeep.live_context import LiveContext

# The second cue follows only if the first one cannot be answered any more.
MAX_CUES = 2
# A text that reaches the model while it begins the greeting would get the greeting as its answer.
# The model begins 1 to 2 s after a cue.
HOLD_TEXTS_MS = 3_000


@dataclass(slots=True)
class AgentGreeting:
    """Asks the model for the greeting, once in a session.

    The greeting is over when the first turn of the session begins, whether it is the greeting or a
    turn of the user. It is also over when the user wants silence, and when the model does not react
    to the cue. Then the user gets
    no error, and the cue is not repeated, because the model may be late and greet twice. A cue
    that was lost with its Live session, or that the model answered with an empty turn, is sent
    once more.

    Attributes:
        is_over: Whether the model must not greet any more in this session.
    """

    _context: LiveContext
    _client: ClientLink
    _cues: Cues
    _turns: TurnLedger
    _feed: InputFeed
    _writes: TableWrites
    is_over: bool = field(kw_only=True)
    _cues_left: int = MAX_CUES
    _cued_at_ms: int | None = None

    @property
    def is_due(self) -> bool:
        """Return whether a connected client still waits for the greeting."""
        return not self.is_over and self._client.connection_id is not None

    def check(self, now_ms: int) -> bool:
        """Send the cue if that is due; return whether it was sent."""
        if self.is_over:
            return False
        if self._turns or self._turns.newest_committed or self._cues.is_hushed:
            self._end()
            return False
        if self._cues.is_awaited:
            return False
        cued_at_ms, self._cued_at_ms = self._cued_at_ms, None
        is_ignored = cued_at_ms is not None and now_ms >= cued_at_ms + SPEAK_WITHIN_MS
        if is_ignored or not self._cues_left:
            self._end()
            return False
        if not (self.is_due and self._cues.is_free) or self._feed.is_speech_waiting:
            return False
        self._cues_left -= 1
        self._cued_at_ms = now_ms
        self._cues.send(self._context.greeting_cue(), now_ms)
        return True

    def holds_texts(self, now_ms: int) -> bool:
        """Return whether texts wait, because the model is about to begin the greeting."""
        until_ms = self.next_deadline_ms()
        return until_ms is not None and now_ms < until_ms

    def next_deadline_ms(self) -> int | None:
        """Return the time until which texts wait for the greeting, None if they do not wait."""
        if self._cued_at_ms is None or self._turns or not self._cues.is_awaited:
            return None
        return self._cued_at_ms + HOLD_TEXTS_MS

    def _end(self) -> None:
        self.is_over = True
        self._writes.end_greeting()
