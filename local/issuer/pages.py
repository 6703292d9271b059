"""The web pages that may sign users in, and read the answers of the issuer."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Pages:
    """The registered pages.

    Args:
        page_urls: The addresses of the stack's own page.
        allowed_origins: The origins of other pages; each of their addresses is registered.
    """

    page_urls: tuple[str, ...] = ()
    allowed_origins: frozenset[str] = frozenset()

    @property
    def origins(self) -> frozenset[str]:
        """The origins of all pages."""
        return self.allowed_origins | {_origin(url) for url in self.page_urls}

    def is_registered(self, address: str) -> bool:
        """Return whether users may be sent to this address."""
        # A fragment cannot be part of a redirect URI (RFC 6749, 3.1.2).
        if "#" in address:
            return False
        try:
            return address in self.page_urls or _origin(address) in self.allowed_origins
        except ValueError:
            return False


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
