"""Limits the turns and the time of a session whose client has gone."""

from dataclasses import dataclass

from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.turns.ledger import TurnLedger


@dataclass(slots=True)
class ClientPresence:
    """Limits the turns that begin while the session has no connection.

    A turn costs money, so further input stays in the mailbox. It is answered when the client
    returns.
    """

    _settings: SessionSettings
    _client: ClientLink
    _turns: TurnLedger
    _first_turn: int | None = None

    def may_begin_turn(self, now_ms: int) -> bool:
        """Return whether another turn may begin."""
        if self._client.detached_at_ms is None:
            self._first_turn = None
            return True
        if self._first_turn is None:
            self._first_turn = self._turns.next_number
        begun = self._turns.next_number - self._first_turn
        return begun < self._settings.turns_without_listener and not self.is_gone(now_ms)

    def is_gone(self, now_ms: int) -> bool:
        """Return whether the client has been gone for the grace period."""
        gone_at_ms = self.gone_at_ms()
        return gone_at_ms is not None and now_ms >= gone_at_ms

    def gone_at_ms(self) -> int | None:
        """Return when the client's grace period ends, None while it is connected."""
        detached_at_ms = self._client.detached_at_ms
        return None if detached_at_ms is None else detached_at_ms + self._settings.grace_ms
