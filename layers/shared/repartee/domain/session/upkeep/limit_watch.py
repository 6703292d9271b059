"""Ends the session when a daily limit is reached, or when the operator stops all calls."""

from dataclasses import dataclass

from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.memory.daily_allowance import Allowance
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.upkeep.live_sessions import LiveSessions
from repartee.domain.session.upkeep.session_end import SessionClosing


@dataclass(slots=True)
class LimitWatch:
    """Checks the daily limits, and closes the session with a goodbye."""

    _allowance: Allowance
    _feed: InputFeed
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _live_sessions: LiveSessions
    _closing: SessionClosing

    def check(self, now_ms: int, *, is_starting: bool = False) -> bool:
        """End the session if a limit is reached; return whether one is.

        Args:
            now_ms: The present.
            is_starting: Whether the session starts. Then no Live session is opened for the
                goodbye. Otherwise the check waits for an open one.
        """
        hit = self._allowance.hit(now_ms)
        if hit is None:
            return False
        turn, calls = self._turns.current, self._tool_calls
        has_called_tool = turn is not None and calls.has_called_tool(turn.number)
        if not self._allowance.must_end_session(
            has_open_calls=bool(calls), has_called_tool=has_called_tool
        ):
            return False
        self._live_sessions.leave_duplicating_session(now_ms)
        is_open = self._live_sessions.is_open
        if is_open or is_starting:
            self._feed.end_speech(now_ms)
            self._allowance.say_goodbye(hit, now_ms, may_speak=is_open)
            self._closing.close("limit_reached", now_ms)
        return True

    def stop(self, now_ms: int) -> None:
        """End the session because the operator has stopped all calls.

        The user reads a goodbye, and hears one if the model is free to say it. A reply in progress
        is not interrupted: the client plays what it has received.
        """
        if not self._closing.is_closing:
            turn = self._turns.current
            is_free = not self._tool_calls and (turn is None or not turn.has_reply)
            may_speak = is_free and self._live_sessions.is_open
            if may_speak:
                self._feed.end_speech(now_ms)
            self._allowance.report_stop(now_ms, may_speak=may_speak)
            self._closing.close("stopped", now_ms, awaits_reply=may_speak)
        self._closing.hurry(now_ms)
