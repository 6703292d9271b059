"""Decides which connection may send to a session, and under which numbers."""

from dataclasses import dataclass

from repartee.domain.errors import BadInput
from repartee.domain.protocol.messages import Numbered
from repartee.domain.protocol.recent_input import InputTaken, NumberUse
from repartee.domain.session.input.order import too_far_ahead_text
from repartee.domain.session.state import Connected, ConnectionStanding, SessionState
from repartee.ports.sessions import Appended, Mailbox, SessionStore


def session_ended_error() -> BadInput:
    """Return the error for a message to a session that is closed for good."""
    return BadInput("session_ended", "this session is over: get a ticket for a new one")


def superseded_error() -> BadInput:
    """Return the error for a connection that a newer one of its session has replaced."""
    return BadInput(
        "superseded_connection",
        "a newer connection of this session said hello: this one is closed, and nothing that it "
        "sends is kept; do not come back by yourself",
    )


def surplus_connection_error() -> BadInput:
    """Return the error for a connection that makes room for a newer one of its session."""
    return BadInput(
        "superseded_connection",
        "this session has as many connections as it may have, so that this one, which is not the "
        "current one, is closed for a newer one; do not come back by yourself",
    )


def load_open_state(sessions: SessionStore, session_id: str) -> SessionState:
    """Return the state of a session that goes on.

    Raises:
        BadInput: It is over.
        StoreUnavailable: The table failed.
    """
    state = sessions.load(session_id)
    if state is None or state.ended:
        raise session_ended_error()
    return state


def connection_problem(state: SessionState, connection: Connected) -> BadInput | None:
    """Return the error where this connection may send a hello only, None where it may send all."""
    match state.standing_of(connection):
        case ConnectionStanding.SUPERSEDED:
            return superseded_error()
        case ConnectionStanding.UNGREETED:
            text = "no hello came over this connection yet: send it, and wait for ready"
            return BadInput("hello_first", text, retryable=True)
        case ConnectionStanding.CURRENT:
            return None


@dataclass(frozen=True, slots=True)
class InputNumbers:
    """The numbers of one session's messages; each method may raise ``StoreUnavailable``."""

    _mailbox: Mailbox
    _session_id: str

    def next_seq(self, state: SessionState) -> int:
        """Return the number that comes after all that are taken.

        What is above the cursor lies in the mailbox until the cursor passes it.
        """
        highest = self._mailbox.highest_seq(self._session_id, up_to=state.max_input_seq)
        return max(state.cursor, highest) + 1

    def is_any_unread(self, state: SessionState) -> bool:
        """Tell whether the mailbox holds what no committed turn has consumed."""
        return self.next_seq(state) > state.cursor + 1

    def use_of(self, numbered: Numbered, appended: Appended, state: SessionState) -> NumberUse:
        """Return what a message's number stands for, once the message is in the mailbox.

        ``REPEATED`` also stands for a message that has this number to itself.

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
                f"the number {seq} is taken by another message: the next number is {next_seq}; "
                "send this message again with it, and number on from there",
                next_seq=next_seq,
            )
        return use
