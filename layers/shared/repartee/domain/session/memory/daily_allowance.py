"""Keeps the running totals of the day, and compares them with the daily limits."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

from repartee.domain.cost.limits import (
    DailyLimits,
    DayUsage,
    LimitHit,
    LimitKind,
    first_limit_hit,
    utc_day,
)
from repartee.domain.cost.prices import Prices
from repartee.domain.cost.service_cap import ServiceSpending, service_cap_hit, spent_on
from repartee.domain.cost.usage import Bill
from repartee.domain.phrases import Phrases
from repartee.domain.protocol.frames import LimitReached, SessionError
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.memory.writes import TableWrites
from repartee.domain.session.model.channel import ModelChannel
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress

# Sent as typed text, so the model answers in the language of the conversation.
SAY_GOODBYE = (
    "(The user's time for today is used up and this call ends now. Call no tool. "
    "In the language of this conversation, say: {})"
)
SAY_SERVICE_GOODBYE = (
    "(The service takes no more calls for now, which has nothing to do with the user, and this "
    "call ends now. Call no tool. In the language of this conversation, say: {})"
)


@dataclass(slots=True)
class Allowance:
    """The running totals of the user's day and of the day of all users.

    The machine reads the total of the table at the start, after each commit, and after each answer
    of core_agent, which counts its own models. To them this class adds the live model's usage in
    finished turns that are not committed yet. Usage of the user's other sessions appears with the
    next read.

    Attributes:
        unix_offset_ms: What to add to the machine's time to get Unix time.
        service_cap_usd: What all users together may cost today, 0 for no cap.
        phrases: The words that end the call.
        reached_limit: The limit that ended the session, None if none did.
    """

    _limits: DailyLimits
    _prices: Prices
    unix_offset_ms: int = field(kw_only=True)
    service_cap_usd: Decimal = field(kw_only=True)
    phrases: Phrases = field(kw_only=True)
    _turns: TurnLedger
    _outbox: Outbox
    _channel: ModelChannel
    _writes: TableWrites
    reached_limit: LimitHit | None = None
    _used: DayUsage | None = None
    _service: ServiceSpending | None = None
    _last_turn: int | None = None

    def set_used(self, used: DayUsage | None, service: ServiceSpending | None) -> None:
        """Replace each total by that of the tables, unless it is None.

        They include all turns that are committed, and all answers of core_agent, which counts its
        usage before it answers.
        """
        if used is not None:
            self._used = used
        if service is not None:
            self._service = service

    def count_turn(self, turn: TurnInProgress, now_ms: int) -> None:
        """Add a turn that was just committed, and request the table's total."""
        used, cost_usd = self._of_today(now_ms), self._prices.cost_usd(turn.usage)
        self._used = replace(
            used, talk_ms=used.talk_ms + turn.talk_ms, cost_usd=used.cost_usd + cost_usd
        )
        self._service = spent_on(used.day, self._service).plus(cost_usd)
        self._read()

    def note_core_agent_bill(self, bill: Bill) -> None:
        """Request the table's total if an answer of core_agent has cost something."""
        if bill:
            self._read()

    def hit(self, now_ms: int) -> LimitHit | None:
        """Return the limit that is reached now, None if none is."""
        hit = self._hit(now_ms) if self._has_limits else None
        if hit is None:
            self._last_turn = None
        return hit

    def must_end_session(self, *, has_open_calls: bool, has_called_tool: bool) -> bool:
        """Return whether the session ends now that a limit is reached.

        The turn that is being answered when the limit is reached is completed, and it is the last
        one. Open calls are answered too, unless the user continues to speak. Speech that has only
        begun is answered with the goodbye.

        Args:
            has_open_calls: Whether a call is not answered, or its answer is not spoken yet.
            has_called_tool: Whether the current turn has called a tool.
        """
        turn = self._turns.current
        if self._last_turn is None:
            is_answering = turn is not None and (
                turn.has_reply or has_called_tool or has_open_calls
            )
            self._last_turn = turn.number if turn is not None and is_answering else 0
        if has_open_calls and (turn is None or turn.first_seq is None):
            # The user hears the outcome of these calls first.
            return False
        return turn is None or turn.number > self._last_turn

    def say_goodbye(self, hit: LimitHit, now_ms: int, *, may_speak: bool) -> None:
        """Report the reached limit to the client, and make the model say goodbye.

        Args:
            hit: The limit.
            now_ms: The present.
            may_speak: Whether a Live session is open.
        """
        self.reached_limit = hit
        self._outbox.offer(LimitReached(hit.kind.value, float(hit.limit), hit.resets_at_ms))
        if may_speak:
            if hit.kind is LimitKind.SERVICE:
                self._say(SAY_SERVICE_GOODBYE.format(self.phrases.service_goodbye), now_ms)
            else:
                self._say(SAY_GOODBYE.format(self.phrases.goodbye), now_ms)

    def report_stop(self, now_ms: int, *, may_speak: bool) -> None:
        """Report to the client that calls are stopped, and make the model say goodbye.

        Args:
            now_ms: The present.
            may_speak: Whether a Live session is open, and the model is free to speak.
        """
        text = self.phrases.service_goodbye
        self._outbox.offer(SessionError("calls_stopped", text, retryable=False))
        if may_speak:
            self._say(SAY_SERVICE_GOODBYE.format(text), now_ms)

    def _say(self, text: str, now_ms: int) -> None:
        # The goodbye answers the speech in progress, or it is a reply without input.
        self._turns.turn_for_reply(now_ms).mark_farewell()
        self._channel.send_text(text)

    @property
    def _has_limits(self) -> bool:
        return bool(self._limits or self.service_cap_usd)

    def _hit(self, now_ms: int) -> LimitHit | None:
        used, unix_ms = self._of_today(now_ms), now_ms + self.unix_offset_ms
        unwritten_usd = self._prices.cost_usd(self._turns.finished_usage)
        total = replace(
            used,
            talk_ms=used.talk_ms + self._turns.finished_ms,
            cost_usd=used.cost_usd + unwritten_usd,
        )
        service = spent_on(used.day, self._service).plus(unwritten_usd)
        hit = first_limit_hit(self._limits, total, unix_ms)
        return hit or service_cap_hit(self.service_cap_usd, service, unix_ms)

    def _read(self) -> None:
        if self._has_limits:
            self._writes.read_usage()

    def _of_today(self, now_ms: int) -> DayUsage:
        today = utc_day(now_ms + self.unix_offset_ms)
        if self._used is None or self._used.day != today:
            return DayUsage(today)
        return self._used
