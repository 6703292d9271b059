"""Which web pages may open a connection: browsers name theirs in ``Origin``, others need not."""

from collections.abc import Sequence
from dataclasses import dataclass

from repartee.domain.errors import ReparteeError


class OriginRefused(ReparteeError):
    """The connection comes from a page that is not allowed, or does not say where from.

    Attributes:
        reason: One of ``origin_missing``, ``origin_not_allowed``.
    """

    def __init__(self, reason: str):
        super().__init__(f"origin refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OriginPolicy:
    """The allow-list. CORS does not cover WebSockets, so the server has to look itself.

    Attributes:
        allowed: Origins as browsers write them: scheme, host, and a port unless it is the default.
        allow_missing: Whether clients without an ``Origin`` may connect, as programs do.
    """

    allowed: tuple[str, ...] = ()
    allow_missing: bool = True

    def check(self, origins: Sequence[str]) -> None:
        """Pass when every given origin is on the list; letter case does not matter.

        Raises:
            OriginRefused: One is not on the list, or none is given and one must be.
        """
        if not origins:
            if not self.allow_missing:
                raise OriginRefused("origin_missing")
            return
        listed = {origin.lower() for origin in self.allowed}
        if any(origin.lower() not in listed for origin in origins):
            raise OriginRefused("origin_not_allowed")
