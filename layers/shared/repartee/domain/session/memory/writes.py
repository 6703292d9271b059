"""Collects the work for the tables lane. No other module makes such work."""

from repartee.domain.conversation.conversation import Turn
from repartee.domain.session.effects import (
    AmendTurn,
    AskForSummary,
    CommitTurn,
    DeleteInput,
    EndGreeting,
    ReadSummary,
    ReadUsage,
    SavePreferences,
    SetConnection,
    SetUndelivered,
    TableEffect,
)
from repartee.domain.session.state import UndeliveredTurn
from repartee.domain.users.preferences import PreferenceChanges


class TableWrites:
    """The queue to the tables; work is done in the order of the calls."""

    def __init__(self) -> None:
        self._work: list[TableEffect] = []

    def commit(self, commit: CommitTurn) -> None:
        """Write a turn to memory."""
        self._work.append(commit)

    def amend(self, turn: Turn) -> None:
        """Correct the user's transcript of a committed turn."""
        self._work.append(AmendTurn(turn))

    def set_connection(
        self,
        connection_id: str | None,
        *,
        marks_speech: bool = False,
        features: tuple[str, ...] = (),
    ) -> None:
        """Record the session's current connection."""
        self._work.append(SetConnection(connection_id, marks_speech, features))

    def set_undelivered(self, turns: tuple[UndeliveredTurn, ...]) -> None:
        """Record which committed turns the client has not fully received."""
        self._work.append(SetUndelivered(turns))

    def end_greeting(self) -> None:
        """Record that the agent's greeting is over in this session."""
        self._work.append(EndGreeting())

    def save_preferences(
        self, changes: PreferenceChanges, replaces: PreferenceChanges | None = None
    ) -> None:
        """Store preferences; with ``replaces``, only if these are still the stored values."""
        self._work.append(SavePreferences(changes, replaces))

    def delete_messages(self, *seqs: int) -> None:
        """Delete numbered messages from the mailbox."""
        self._work.append(DeleteInput(seqs, ()))

    def delete_notice(self, notice_id: str) -> None:
        """Delete a notice from the mailbox."""
        self._work.append(DeleteInput((), (notice_id,)))

    def ask_for_summary(self) -> None:
        """Request a summary of the conversation's oldest turns."""
        self._work.append(AskForSummary())

    def read_summary(self) -> None:
        """Read the summary, which may be newer."""
        self._work.append(ReadSummary())

    def read_usage(self) -> None:
        """Read the user's usage of today."""
        self._work.append(ReadUsage())

    def take_work(self) -> tuple[TableEffect, ...]:
        """Return the work since the last call, in order."""
        if not self._work:
            return ()
        work, self._work = tuple(self._work), []
        return work
