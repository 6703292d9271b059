"""Writes a session's turns, connection and preferences to the tables."""

from repartee.application.serving.session_ports import SessionPorts
from repartee.domain.conversation.conversation import Turn
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.effects import (
    AmendTurn,
    CommitTurn,
    DeleteInput,
    EndGreeting,
    SavePreferences,
    SetConnection,
    SetUndelivered,
    TableWrite,
)
from repartee.domain.session.state import SessionState, TurnAmendment, TurnCommit


class SessionWrites:
    """Makes the writes of one lease, in the thread of the caller.

    Args:
        state: The session's state at the start of the lease.
        ports: The tables.
        grace_ms: How long a session waits for a client that has gone.
    """

    def __init__(self, state: SessionState, ports: SessionPorts, grace_ms: int):
        self._state = state
        self._ports = ports
        self._grace_ms = grace_ms
        self._connection_id = state.connection_id

    def write(self, effect: TableWrite, taken: InputTaken | None = None) -> None:
        """Make one write, without retries.

        Args:
            effect: The write.
            taken: The input that is taken so far, only for ``CommitTurn``.

        Raises:
            ConversationTaken: Another session continues the conversation.
            LeaseLost: Another worker has the session.
            StoreUnavailable: The table failed beyond the retries; the write may be tried again.
            UserErased: The user's data is erased.
        """
        state, ports = self._state, self._ports
        match effect:
            case CommitTurn():
                self._commit(effect, taken)
            case AmendTurn(turn=turn):
                self._amend(turn)
            case SetConnection(connection_id=connection_id):
                ports.sessions.set_connection(
                    state.session_id,
                    epoch=state.epoch,
                    connection_id=connection_id,
                    marks_speech=effect.marks_speech,
                    features=effect.features,
                )
                self._save_connection(connection_id)
            case SetUndelivered(turns=turns):
                ports.sessions.set_undelivered(state.session_id, epoch=state.epoch, turns=turns)
            case EndGreeting():
                ports.sessions.end_greeting(state.session_id, epoch=state.epoch)
            case SavePreferences(changes=changes, replaces=replaces):
                ports.profiles.change(state.user_id, changes, replaces)
            case DeleteInput(seqs=seqs, notice_ids=notice_ids):
                ports.mailbox.delete(state.session_id, seqs, notice_ids)

    def _commit(self, effect: CommitTurn, taken: InputTaken | None) -> None:
        state, ports = self._state, self._ports
        commit = TurnCommit(
            user_id=state.user_id,
            conversation_id=state.conversation_id,
            session_id=state.session_id,
            epoch=state.epoch,
            turn=effect.turn,
            cursor=effect.cursor,
            committed_at_ms=ports.clock.now_ms(),
            pending_calls=effect.pending_calls,
            undelivered=effect.undelivered,
            core_bill=effect.core_bill,
            taken=taken,
        )
        ports.writer.commit_turn(commit)
        ports.budget.add(commit.uncounted_bill.cost_usd, session_id=state.session_id)

    def _amend(self, turn: Turn) -> None:
        state, ports = self._state, self._ports
        ports.writer.amend_turn(
            TurnAmendment(state.user_id, state.conversation_id, state.session_id, state.epoch, turn)
        )
        fields = {"session_id": state.session_id, "turn": turn.number, "epoch": state.epoch}
        ports.log.info("turn amended", extra=fields)

    def _save_connection(self, connection_id: str | None) -> None:
        # A client that vanished frees its slot after the grace period, even if its $disconnect
        # never arrives.
        lost = self._connection_id
        if connection_id is None and lost is not None:
            self._ports.connections.set_session_expiry(
                self._state.user_id,
                self._state.session_id,
                connection_id=lost,
                expires_at_ms=self._ports.clock.now_ms() + self._grace_ms,
            )
        self._connection_id = connection_id
