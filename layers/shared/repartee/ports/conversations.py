"""Ports of conversations: reading them, committing turns, writing summaries."""

from collections.abc import Sequence
from typing import Protocol

from repartee.domain.conversation.conversation import Conversation, Memory, Turn
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.session.state import TurnAmendment, TurnCommit


class ConversationReader(Protocol):
    """Reads conversations.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def load_memory(self, user_id: str, conversation_id: str, *, max_characters: int) -> Memory:
        """Return header, profile and the newest turns that the summary does not cover.

        The cost does not depend on the conversation's length. A conversation that does not exist
        yet is returned empty, with ``version`` 0.

        Args:
            user_id: The user who must own the conversation.
            conversation_id: The conversation's id.
            max_characters: Room for the turns, counted as ``prompt_characters`` does. The newest
                turn is returned at any length. With 0, no turn is read.
        """
        ...

    def load_header(self, user_id: str, conversation_id: str) -> Conversation | None:
        """Return the header with its summary, None if the user has no such conversation."""
        ...

    def list_conversations(
        self, user_id: str, *, limit: int, before: str | None = None
    ) -> Sequence[Conversation]:
        """Return the user's conversations without summaries, the newest id first.

        With ``before``, the ids sort before it. A conversation with that id need not exist.
        """
        ...

    def list_turns(
        self, user_id: str, conversation_id: str, *, after: int, limit: int
    ) -> Sequence[Turn] | None:
        """Return turns numbered above ``after`` in order; None for no conversation of the user."""
        ...


class ConversationWriter(Protocol):
    """Writes conversations, for the one worker that holds the lease.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def commit_turn(self, commit: TurnCommit) -> None:
        """Write the turn, the header, the session's cursor and the usage, all or nothing.

        Committing the same turn again is no error and changes nothing.

        Raises:
            LeaseLost: The session's epoch has moved on.
            ConversationTaken: Another session is the conversation's live one.
            UserErased: The user's tombstone is set, or the conversation's: ``ConversationErased``.
            ItemTooLarge: The turn is larger than a store takes; ``turn_bounds`` keeps it below.
        """
        ...

    def amend_turn(self, amendment: TurnAmendment) -> bool:
        """Correct the transcripts in a committed turn of the session; may be repeated.

        A conversation without a title gets one. Nothing else of the turn changes.

        Returns:
            False if the turn no longer exists, or belongs to another session: nothing changed.

        Raises:
            LeaseLost: The session's epoch has moved on.
            UserErased: The user's tombstone is set.
        """
        ...


class SummaryWriter(Protocol):
    """Writes rolling summaries; the turns that they cover stay.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def fold_summary(self, fold: SummaryFold) -> bool:
        """Replace the summary that the new one was made from.

        Returns:
            False if the conversation has another summary now: nothing was written.

        Raises:
            UserErased: The user's tombstone is set.
            ItemTooLarge: The summary is larger than a store takes.
        """
        ...
