"""Makes the faults of API Gateway on purpose, repeatable from a seed."""

import random
from collections import Counter
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

MAX_DELAY_MS = 2_000


class ChaosSettings(BaseModel):
    """The kinds of faults and their probabilities, from 0 to 1.

    Args:
        seed: Decides each fault, together with the number of the connection and of the event.
        delay_probability: A message waits up to ``max_delay_ms`` before its function is called,
            so that later messages overtake it.
        max_delay_ms: The longest delay, 0 to 2000.
        duplicate_probability: A message reaches its function twice.
        drop_disconnect_probability: ``$disconnect`` is never delivered.
        throttle_probability: A post to a connection is refused with 429.
        connections_before: The number of connections to leave out of the count, so that earlier
            connections do not change the decisions of a seed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    delay_probability: float = Field(0.0, ge=0, le=1)
    max_delay_ms: int = Field(MAX_DELAY_MS, ge=0, le=MAX_DELAY_MS)
    duplicate_probability: float = Field(0.0, ge=0, le=1)
    drop_disconnect_probability: float = Field(0.0, ge=0, le=1)
    throttle_probability: float = Field(0.0, ge=0, le=1)
    connections_before: int = Field(0, ge=0)


@dataclass(slots=True)
class _Delivered:
    highest: int = 0
    numbers: set[int] = field(default_factory=set)


@dataclass(slots=True)
class GatewayChaos:
    """Decides faults; ``settings`` may be replaced while the gateway runs.

    Attributes:
        happened: The number of faults so far: ``reordered``, ``duplicated``, ``disconnect_lost``,
            ``post_refused``. A delay without overtaking does not count.
    """

    settings: ChaosSettings
    happened: Counter[str] = field(default_factory=Counter)
    _delivered: dict[int, _Delivered] = field(default_factory=dict)

    def deliveries_s(self, connection_number: int, message_number: int) -> tuple[float, ...]:
        """Return the delay of each delivery of a message: one or two of them."""
        chance = self._chance("message", connection_number, message_number)
        # All random numbers are drawn each time, so that one probability does not affect the
        # decisions of another.
        draws = [(chance.random(), chance.random()) for _ in range(2)]
        duplicated = chance.random() < self.settings.duplicate_probability
        longest_s = self.settings.max_delay_ms / 1000
        delays = tuple(
            how_much * longest_s if whether < self.settings.delay_probability else 0.0
            for whether, how_much in draws
        )
        return delays if duplicated else delays[:1]

    def delivered(self, connection_number: int, message_number: int) -> None:
        """Record that a message goes to its function now."""
        seen = self._delivered.setdefault(connection_number, _Delivered())
        if message_number in seen.numbers:
            self.happened["duplicated"] += 1
        elif message_number < seen.highest:
            self.happened["reordered"] += 1
        seen.numbers.add(message_number)
        seen.highest = max(seen.highest, message_number)

    def drops_disconnect(self, connection_number: int) -> bool:
        """Return whether the function does not get the end of a connection."""
        chance = self._chance("disconnect", connection_number, 0)
        is_lost = chance.random() < self.settings.drop_disconnect_probability
        self.happened["disconnect_lost"] += is_lost
        return is_lost

    def throttles(self, connection_number: int, post_number: int) -> bool:
        """Return whether a post is refused."""
        chance = self._chance("post", connection_number, post_number)
        is_refused = chance.random() < self.settings.throttle_probability
        self.happened["post_refused"] += is_refused
        return is_refused

    def _chance(self, kind: str, connection_number: int, number: int) -> random.Random:
        counted = connection_number - self.settings.connections_before
        return random.Random(f"{self.settings.seed}/{kind}/{counted}/{number}")  # noqa: S311 - repeatable
