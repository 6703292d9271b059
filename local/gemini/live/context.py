"""The context of one session and its cost.

Gemini bills the whole session context again on every turn, old audio included (Google staff in the
developer forum, thread 140340; users' sums of per-turn usage matched the bill within 3 %).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

AUDIO_TOKENS_PER_S = 25  # price pages: 0.018 USD a minute at 12 USD per million tokens
CHARS_PER_TOKEN = 4
INPUT_BYTES_PER_S = 32_000
OUTPUT_BYTES_PER_S = 48_000

type Modality = Literal["TEXT", "AUDIO"]
type Role = Literal["user", "model", "tool", "call"]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of the context.

    Attributes:
        role: The source; a tool call of the model has the role ``call``.
        text: The text; "" for audio without recognized words.
        modality: The modality by which the entry is billed.
        audio_s: The length of audio.
    """

    role: Role
    text: str
    modality: Modality = "TEXT"
    audio_s: float = 0.0

    @property
    def tokens(self) -> int:
        """The tokens that each turn bills for the entry."""
        return audio_tokens(self.audio_s) if self.modality == "AUDIO" else text_tokens(self.text)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one turn, by modality."""

    prompt: dict[str, int]
    response: dict[str, int]

    @property
    def prompt_tokens(self) -> int:
        return sum(self.prompt.values())

    @property
    def response_tokens(self) -> int:
        return sum(self.response.values())

    def as_wire(self) -> dict[str, object]:
        """Return the usage as the Live API's ``usageMetadata``."""
        return {
            "promptTokenCount": self.prompt_tokens,
            "responseTokenCount": self.response_tokens,
            "totalTokenCount": self.prompt_tokens + self.response_tokens,
            "promptTokensDetails": _details(self.prompt),
            "responseTokensDetails": _details(self.response),
        }


def text_tokens(text: str) -> int:
    """Return the tokens of a text: one for four characters, rounded up."""
    return -(-len(text) // CHARS_PER_TOKEN)


def audio_tokens(seconds: float) -> int:
    """Return the tokens of audio: 25 a second, rounded."""
    return round(seconds * AUDIO_TOKENS_PER_S)


@dataclass(slots=True)
class Context:
    """The session's context; compression may drop items, but not the instruction and the tools."""

    instruction: str = ""
    declarations: str = ""
    items: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        self.items.append(item)

    def prompt_tokens(self) -> dict[str, int]:
        """Return the tokens that the next turn bills as input, by modality."""
        total: Counter[str] = Counter(
            TEXT=text_tokens(self.instruction) + text_tokens(self.declarations)
        )
        for item in self.items:
            total[item.modality] += item.tokens
        return {modality: count for modality, count in total.items() if count}

    def slide(self, trigger_tokens: int, target_tokens: int) -> int:
        """Drop the oldest items if the context exceeds the trigger; return their number."""
        size = sum(self.prompt_tokens().values())
        if size <= trigger_tokens:
            return 0
        dropped = 0
        while self.items and size > target_tokens:
            size -= self.items.pop(0).tokens
            dropped += 1
        return dropped


def _details(counts: dict[str, int]) -> list[dict[str, object]]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items()]


def bill(context: Context, response: Iterable[Item]) -> Usage:
    """Return the usage of a turn: the whole context as input, and the response."""
    said: Counter[str] = Counter()
    for item in response:
        said[item.modality] += item.tokens
    return Usage(context.prompt_tokens(), {name: count for name, count in said.items() if count})
