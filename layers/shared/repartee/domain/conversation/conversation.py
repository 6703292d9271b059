"""What a conversation remembers: its header, its turns and its user's preferences."""

from dataclasses import dataclass, field
from decimal import Decimal

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.text.characters import is_visible
from repartee.domain.text.cuts import truncate_text
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus, arguments_hash
from repartee.domain.users.notes import Note
from repartee.domain.users.preferences import Profile

# Whoever opens more sessions of one conversation, and says nothing in any, loses what was begun in
# the first of them; a header must not grow for ever.
MAX_SUPERSEDED = 20
MAX_TITLE_WORDS = 8
MAX_TITLE_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class SkippedInput:
    """Input that never arrived, or that no model would hear, by the client's numbers, inclusive."""

    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call that a turn made.

    Attributes:
        arguments_json: The model's arguments, as JSON text.
    """

    key: ToolCallKey
    name: str
    arguments_json: str
    status: ToolCallStatus
    answer: str

    @property
    def arguments_hash(self) -> str:
        """What tells it from another call at its place."""
        return arguments_hash(self.name, self.arguments_json)


@dataclass(frozen=True, slots=True)
class Turn:
    """One stretch of user input and the reply to it, as it is remembered.

    Attributes:
        number: Its place in the conversation, from 1.
        heard: Gemini's transcript of the user; it can be wrong, so it is marked unverified
            wherever it is shown.
        said: What the user was played.
        said_is_approximate: The reply was cut by barge-in; ``said`` ends about where it was cut.
        is_shortened: There was more than a turn may hold; a text that was cut ends with a mark.
        first_audio_ms: From the end of the input to the first audio posted, None without either.
    """

    number: int
    session_id: str
    started_at_ms: int
    ended_at_ms: int
    heard: str = ""
    said: str = ""
    said_is_approximate: bool = False
    skipped: tuple[SkippedInput, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    is_shortened: bool = False
    first_audio_ms: int | None = None
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: Decimal = Decimal(0)

    @property
    def unspoken_answers(self) -> tuple[str, ...]:
        """Tools' answers that the reply does not repeat."""
        answers = (call.answer for call in self.tool_calls)
        return tuple(answer for answer in answers if answer and answer not in self.said)

    @property
    def talk_ms(self) -> int:
        """How long it took from its begin to its end."""
        return max(0, self.ended_at_ms - self.started_at_ms)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation's header.

    Attributes:
        turn_count: Committed turns; the next turn's number is one more.
        summary: What the turns up to ``summary_through`` said, in short.
        live_session_id: The one session that may commit turns, None before the first.
        version: Raised by each commit, and by nothing else.
        superseded_session_ids: The sessions from which it was taken since its live session last
            committed, oldest first. They may still commit what they have begun, so the live
            session ends them before it begins.
    """

    user_id: str
    conversation_id: str
    title: str
    created_at_ms: int
    updated_at_ms: int
    turn_count: int = 0
    summary: str = ""
    summary_through: int = 0
    live_session_id: str | None = None
    version: int = 0
    superseded_session_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Memory:
    """All that a worker needs to take up a conversation.

    Attributes:
        turns: The newest that the summary does not cover, oldest first.
    """

    conversation: Conversation
    profile: Profile
    turns: tuple[Turn, ...]
    notes: tuple[Note, ...] = ()


def title_from(heard: str) -> str:
    """Return the first words of ``heard``, "" when nothing was heard.

    A cut title ends with an ellipsis; the ellipsis counts towards ``MAX_TITLE_CHARACTERS``.
    """
    whole = " ".join(heard.split())
    if not is_visible(whole):
        return ""
    title = " ".join(whole.split(" ")[:MAX_TITLE_WORDS])
    if title == whole and len(title) <= MAX_TITLE_CHARACTERS:
        return title
    return truncate_text(title, MAX_TITLE_CHARACTERS - 1).rstrip(" ,.;:!?、。") + "…"
