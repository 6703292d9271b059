from dataclasses import replace

from repartee.domain.conversation.conversation import MAX_SUPERSEDED, Conversation
from repartee.domain.errors import ConnectionRefused
from repartee.domain.session.state import (
    NO_CONNECTION,
    ActiveSession,
    ConnectionOpening,
    OpenedConnection,
    SessionState,
)
from tests.fakes.tables import ACTIVE_SESSION_LIFETIME_MS, FakeTables


class FakeOpeningStore:
    """Spent tickets and the items of an opening, in memory."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables

    def open(self, opening: ConnectionOpening) -> OpenedConnection:
        tables = self._tables
        with tables.lock:
            header = tables.conversations.get((opening.user_id, opening.conversation_id))
            live = header.live_session_id if header is not None else None
            state = tables.states.get(opening.session_id)
            self._refuse(opening, state, live)
            tables.spent_tickets.add(opening.ticket_id)
            tables.connections[opening.connection_id] = opening
            tables.openings[opening.user_id, opening.connection_id] = opening.session_id
            tables.opened_in[opening.session_id] = opening.conversation_id
            tables.active_sessions[opening.user_id, opening.session_id] = ActiveSession(
                opening.connection_id,
                opening.opened_at_ms,
                # A table stores this time in whole seconds.
                opening.opened_at_ms // 1000 * 1000 + ACTIVE_SESSION_LIFETIME_MS,
            )
            if state is not None:
                surplus = opening.surplus_connections(state)
                stay = [one for one in state.open_connections if one not in surplus]
                known = (*stay, opening.connection_id)
                tables.states[opening.session_id] = replace(state, open_connections=known)
                return OpenedConnection(is_new_session=False, surplus_connection_ids=surplus)
            tables.states[opening.session_id] = SessionState(
                opening.session_id,
                opening.user_id,
                opening.conversation_id,
                None,
                newest_hello=NO_CONNECTION,
                open_connections=(opening.connection_id,),
            )
            if header is not None:
                tables.renew_header(opening.user_id, opening.conversation_id, opening.opened_at_ms)
            else:
                tables.expire(
                    ("header", opening.user_id, opening.conversation_id),
                    tables.retention.header_ends_at_s(opening.opened_at_ms),
                )
                header = Conversation(
                    opening.user_id,
                    opening.conversation_id,
                    title="",
                    created_at_ms=opening.opened_at_ms,
                    updated_at_ms=opening.opened_at_ms,
                )
            superseded = header.superseded_session_ids
            left = tables.states.get(live) if live is not None else None
            if left is not None and not left.ended:
                superseded = (*superseded, left.session_id)[-MAX_SUPERSEDED:]
            tables.conversations[opening.user_id, opening.conversation_id] = replace(
                header, live_session_id=opening.session_id, superseded_session_ids=superseded
            )
            if live is not None:
                tables.active_sessions.pop((opening.user_id, live), None)
            return OpenedConnection(is_new_session=True, superseded_session_id=live)

    def _refuse(
        self, opening: ConnectionOpening, state: SessionState | None, live: str | None
    ) -> None:
        if state is not None and state.user_id != opening.user_id:
            raise ConnectionRefused(403, "session_of_another_user")
        if self._tables.is_erased(opening.user_id):
            raise ConnectionRefused(403, "user_erased")
        if (opening.user_id, opening.conversation_id) in self._tables.erasures:
            raise ConnectionRefused(403, "conversation_erased")
        if state is not None and state.ended:
            raise ConnectionRefused(409, "session_ended")
        if state is not None and live != opening.session_id:
            raise ConnectionRefused(409, "superseded")
        if state is None and live == opening.session_id:
            raise ConnectionRefused(409, "session_ended")
        active = self._tables.active(opening.user_id, opening.opened_at_ms)
        is_counted = state is not None and opening.session_id in active
        if not is_counted and len(active.keys() - {live}) >= opening.max_sessions:
            raise ConnectionRefused(429, "too_many_sessions")
        if opening.ticket_id in self._tables.spent_tickets:
            raise ConnectionRefused(403, "ticket_spent")
