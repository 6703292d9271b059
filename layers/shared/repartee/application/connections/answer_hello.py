"""Handles a hello: makes its connection the session's current one."""

from dataclasses import dataclass

from repartee.application.connections.admission import (
    InputNumbers,
    load_open_state,
    session_ended_error,
    superseded_error,
)
from repartee.domain.errors import BadInput
from repartee.domain.protocol.messages import Hello, HelloReceived, Numbered
from repartee.domain.session.state import Connected, SessionState
from repartee.ports.sessions import Appended, Mailbox, SessionStore


@dataclass(frozen=True, slots=True)
class Welcome:
    """The result of a hello.

    Attributes:
        next_seq: The number of the client's next message.
        replaced_connection_id: The connection that was current before; None if there was none.
    """

    state: SessionState
    next_seq: int
    replaced_connection_id: str | None


def answer_hello(
    session_id: str, numbered: Numbered, hello: Hello, *, mailbox: Mailbox, sessions: SessionStore
) -> Welcome:
    """Make the hello's connection current, and leave the hello for the session's worker.

    Connections are ordered by the time of their opening, so a late hello of an older connection
    does not replace a newer one.

    Raises:
        BadInput: The session is over, or a newer connection has said hello; nothing is stored.
        StoreUnavailable: A table failed; the client may say hello again.
    """
    connection = Connected(hello.connected_at_ms, numbered.connection_id)
    outcome = sessions.accept_hello(session_id, connection)
    if outcome is None or outcome.state.ended:
        raise session_ended_error()
    if outcome.state.current_connection_id != connection.connection_id:
        raise superseded_error()
    notice_ids = _leave_hello(session_id, numbered, hello, outcome.state, mailbox)
    try:
        # Read after the write: see ``deliver_notice``.
        state = load_open_state(sessions, session_id)
    except BadInput:
        mailbox.retract_message(session_id, numbered)
        mailbox.delete(session_id, (), notice_ids)
        raise
    next_seq = InputNumbers(mailbox, session_id).next_seq(state)
    return Welcome(state, next_seq, outcome.replaced_connection_id)


def _leave_hello(
    session_id: str, numbered: Numbered, hello: Hello, state: SessionState, mailbox: Mailbox
) -> tuple[str, ...]:
    """Put the hello under its number, or leave a notice if the number is not free."""
    is_free = state.cursor < numbered.seq <= state.max_input_seq
    if is_free and mailbox.append(session_id, numbered) is not Appended.TAKEN:
        return ()
    notice = HelloReceived(hello, numbered.connection_id)
    return (mailbox.notify(session_id, notice, now_ms=numbered.received_at_ms),)
