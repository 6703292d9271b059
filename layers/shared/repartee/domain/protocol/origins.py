"""The allow-list of web pages that may open a connection.

Browsers send the page's origin in the header ``Origin``; other clients need not send it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from repartee.domain.errors import ReparteeError


class OriginRefused(ReparteeError):
    """The connection's ``Origin`` is not on the allow-list, or is missing.

    Attributes:
        reason: One of ``origin_missing``, ``origin_not_allowed``.
    """

    def __init__(self, reason: str):
        super().__init__(f"origin refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OriginPolicy:
    """The allow-list. CORS does not cover WebSockets, so the server must check the header.

    Attributes:
        allowed: Origins as browsers write them: scheme, host, and a port unless it is the default.
        allow_missing: Whether clients that send no ``Origin``, such as programs, may connect.
    """

    allowed: tuple[str, ...] = ()
    allow_missing: bool = True

    def check(self, origins: Sequence[str]) -> None:
        """Check that every given origin is on the list; letter case does not matter.

        Raises:
            OriginRefused: An origin is not on the list, or a required origin is missing.
        """
        if not origins:
            if not self.allow_missing:
                raise OriginRefused("origin_missing")
            return
        listed = {origin.lower() for origin in self.allowed}
        if any(origin.lower() not in listed for origin in origins):
            raise OriginRefused("origin_not_allowed")
