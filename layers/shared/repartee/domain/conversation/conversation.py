"""A conversation's header, turns and title, and the memory that a worker loads."""

from dataclasses import dataclass, field
from decimal import Decimal

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.text.characters import is_visible
from repartee.domain.text.cuts import truncate_text
from repartee.domain.text.words import words_of
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus, arguments_hash
from repartee.domain.users.notes import Note
from repartee.domain.users.preferences import Profile

# Limits the size of the header. A user who opens more sessions of one conversation, and commits no
# turn in any, loses unfinished turns of the oldest ones.
MAX_SUPERSEDED = 20
MAX_TITLE_WORDS = 8
MAX_TITLE_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class SkippedInput:
    """A range of messages, both ends included, that never arrived or that no model understood."""

    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call of a turn.

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
        """The hash that distinguishes calls with the same key."""
        return arguments_hash(self.name, self.arguments_json)


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored turn: one piece of user input and the reply to it.

    Attributes:
        number: The turn's number in the conversation, from 1.
        heard: Gemini's transcript of the user. It can be wrong, so it is marked as unverified
            wherever it is shown.
        said: Transcript of the reply that was played.
        said_is_approximate: The user interrupted the reply; ``said`` ends about where it was cut.
        is_shortened: The turn exceeded its limits; each text that was cut ends with a mark.
        first_audio_ms: Time from the end of the input to the first audio posted, None if either is
            missing.
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
        """The tools' answers whose words the reply does not contain."""
        said = words_of(self.said)
        answers = (call.answer for call in self.tool_calls)
        return tuple(answer for answer in answers if answer and words_of(answer) not in said)

    @property
    def talk_ms(self) -> int:
        """The length of the turn."""
        return max(0, self.ended_at_ms - self.started_at_ms)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation's header.

    Attributes:
        turn_count: Number of committed turns; the next turn has the number after it.
        summary: Summary of the turns up to ``summary_through``.
        live_session_id: The session that owns the conversation, None before the first one.
        version: Incremented by each commit, and by nothing else.
        superseded_session_ids: Earlier owners since the last commit of the current owner, oldest
            first. They may still commit unfinished turns, so the current owner ends them before it
            starts.
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
    """The data that a worker needs to continue a conversation.

    Attributes:
        turns: The newest turns that the summary does not cover, oldest first.
    """

    conversation: Conversation
    profile: Profile
    turns: tuple[Turn, ...]
    notes: tuple[Note, ...] = ()


def title_from(heard: str) -> str:
    """Return a title made of the first words of ``heard``, or "" if it has no visible character.

    A shortened title ends with an ellipsis, which counts towards ``MAX_TITLE_CHARACTERS``.
    """
    whole = " ".join(heard.split())
    if not is_visible(whole):
        return ""
    title = " ".join(whole.split(" ")[:MAX_TITLE_WORDS])
    if title == whole and len(title) <= MAX_TITLE_CHARACTERS:
        return title
    return truncate_text(title, MAX_TITLE_CHARACTERS - 1).rstrip(" ,.;:!?、。") + "…"
