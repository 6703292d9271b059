"""Counts of tokens, and bills that add a cost to them."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens by direction and modality, summed over every ``usageMetadata`` of a turn."""

    text_in: int = 0
    audio_in: int = 0
    text_out: int = 0
    audio_out: int = 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            self.text_in + other.text_in,
            self.audio_in + other.audio_in,
            self.text_out + other.text_out,
            self.audio_out + other.audio_out,
        )

    def __sub__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            self.text_in - other.text_in,
            self.audio_in - other.audio_in,
            self.text_out - other.text_out,
            self.audio_out - other.audio_out,
        )

    @property
    def tokens_in(self) -> int:
        """The input tokens of all modalities."""
        return self.text_in + self.audio_in

    @property
    def tokens_out(self) -> int:
        """The output tokens of all modalities."""
        return self.text_out + self.audio_out


@dataclass(frozen=True, slots=True)
class Bill:
    """Tokens used by one or more models, and their cost."""

    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: Decimal = Decimal(0)

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(self.usage + other.usage, self.cost_usd + other.cost_usd)

    def __sub__(self, other: "Bill") -> "Bill":
        return Bill(self.usage - other.usage, self.cost_usd - other.cost_usd)

    def __bool__(self) -> bool:
        return self != Bill()
