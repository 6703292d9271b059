"""Which port is whose, and whether it is free."""

import contextlib
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields

DEFAULT_BASE = 8_700


def base_of(environment: Mapping[str, str]) -> int:
    """Read REPARTEE_PORT_BASE.

    Raises:
        ValueError: It is no number that leaves room for nine ports.
    """
    text = environment.get("REPARTEE_PORT_BASE", str(DEFAULT_BASE))
    if not text.isdecimal() or not 1_024 <= int(text) <= 65_526:
        raise ValueError(f"REPARTEE_PORT_BASE is {text!r}: use a number from 1024 to 65526")
    return int(text)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class PortInUseError(RuntimeError):
    """Another program listens on a port that the stack needs."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The stack's ports. Function runtimes call the Lambda host on further ones, free just then."""

    websocket: int
    http: int
    connections: int
    lambdas: int
    dynamodb: int
    aws: int
    gemini: int
    issuer: int

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """The fixed layout; base + 4 is kept free."""
        return cls(base, base + 1, base + 2, base + 3, base + 5, base + 6, base + 7, base + 8)

    @classmethod
    def free(cls) -> "Ports":
        """Ports that nobody uses now.

        They lie below the range that systems hand to outgoing connections, so that none is taken
        by chance between now and the moment its program listens.
        """
        while True:
            ports = cls.from_base(secrets.choice(range(10_000, 32_000, 9)))
            with contextlib.suppress(PortInUseError):
                ports.check()
                return ports

    def check(self) -> None:
        """See that every port is free.

        Raises:
            PortInUseError: Names the port, what wants it, and the way out.
        """
        for field in fields(self):
            port: int = getattr(self, field.name)
            # DynamoDB Local listens on every interface and cannot be told otherwise.
            host = "" if field.name == "dynamodb" else "127.0.0.1"
            try:
                socket.create_server((host, port)).close()
            except OSError as error:
                raise PortInUseError(
                    f"port {port} is in use, and {_PURPOSES[field.name]} needs it. Stop what holds "
                    "it, or set REPARTEE_PORT_BASE to the first of nine free ports."
                ) from error


_PURPOSES = {
    "websocket": "the WebSocket API",
    "http": "the HTTP API",
    "connections": "the @connections API",
    "lambdas": "the Lambda host",
    "dynamodb": "DynamoDB",
    "aws": "MiniStack (Secrets Manager, SQS)",
    "gemini": "the Gemini simulator",
    "issuer": "the token issuer",
}
