"""Decides which connection may send to a session, and under which numbers."""

from dataclasses import dataclass

from repartee.domain.errors import BadInput
from repartee.domain.protocol.messages import Numbered
from repartee.domain.protocol.recent_input import InputTaken, NumberUse
from repartee.domain.session.input.order import too_far_ahead_text
from repartee.domain.session.state import Connected, ConnectionStanding, SessionState
from repartee.ports.sessions import Appended, Mailbox, SessionStore


def session_ended_error() -> BadInput:
    """Return the error for a message to a session that has ended."""
    return BadInput("session_ended", "this session is over: get a ticket for a new one")


def superseded_error() -> BadInput:
    """Return the error for a connection that a newer one of its session has replaced."""
    return BadInput(
        "superseded_connection",
        "a newer connection of this session said hello, so this one is closed and its messages "
        "are not kept: do not reconnect automatically",
    )


def surplus_connection_error() -> BadInput:
    """Return the error for a connection that makes room for a newer one of its session."""
    return BadInput(
        "superseded_connection",
        "this session has too many connections, so this one is closed for a newer one: do not "
        "reconnect automatically",
    )


def load_open_state(sessions: SessionStore, session_id: str) -> SessionState:
    """Return the state of a session that has not ended.

    Raises:
        BadInput: The session has ended.
        StoreUnavailable: The table failed.
    """
    state = sessions.load(session_id)
    if state is None or state.ended:
        raise session_ended_error()
    return state


def connection_problem(state: SessionState, connection: Connected) -> BadInput | None:
    """Return the error if this connection may only send a hello, None if it may send anything."""
    match state.standing_of(connection):
        case ConnectionStanding.SUPERSEDED:
            return superseded_error()
        case ConnectionStanding.BEFORE_HELLO:
            text = "this connection has not sent hello: send it and wait for ready"
            return BadInput("hello_first", text, retryable=True)
        case ConnectionStanding.CURRENT:
            return None


@dataclass(frozen=True, slots=True)
class InputNumbers:
    """The numbers of one session's messages; each method may raise ``StoreUnavailable``."""

    _mailbox: Mailbox
    _session_id: str

    def next_seq(self, state: SessionState) -> int:
        """Return the number after the highest one that is taken.

        Messages above the cursor stay in the mailbox until the cursor passes them.
        """
        highest = self._mailbox.highest_seq(self._session_id, up_to=state.max_input_seq)
        return max(state.cursor, highest) + 1

    def is_any_unread(self, state: SessionState) -> bool:
        """Return whether the mailbox holds messages that no committed turn has consumed."""
        return self.next_seq(state) > state.cursor + 1

    def use_of(self, numbered: Numbered, appended: Appended, state: SessionState) -> NumberUse:
        """Return how a message's number is used, after the message was put into the mailbox.

        ``REPEATED`` is also the result for a message that is alone under its number.

        Raises:
            BadInput: The number cannot be used.
        """
        seq = numbered.seq
        if seq > state.max_input_seq:
            raise BadInput(
                "seq_too_far",
                too_far_ahead_text(seq),
                retryable=True,
                next_seq=self.next_seq(state),
            )
        use = NumberUse.ANOTHER if appended is Appended.TAKEN else NumberUse.REPEATED
        if seq <= state.cursor and appended is Appended.KEPT:
            recent = (state.taken or InputTaken()).recent
            use = recent.use_of(seq, numbered.message)
        if use is NumberUse.ANOTHER:
            next_seq = self.next_seq(state)
            raise BadInput(
                "seq_taken",
                f"the number {seq} is taken by another message: send this message again with the "
                f"number {next_seq}, and continue from there",
                next_seq=next_seq,
            )
        return use
