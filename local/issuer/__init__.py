"""A small OpenID Connect issuer for one machine, which believes every name."""

from local.issuer.http_api import IssuerApi
from local.issuer.pages import Pages
from local.issuer.tokens import TokenIssuer

__all__ = ["IssuerApi", "Pages", "TokenIssuer"]
