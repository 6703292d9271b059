"""The ports of the stack: their layout, and checks that they are free."""

import argparse
import contextlib
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

DEFAULT_BASE = 8_700
# Below the range that systems use for outgoing connections, so that no connection takes one of
# these ports before a program listens there.
_FIRST, _BEYOND = 10_000, 32_000
_WIDTH, _KEPT_FREE = 10, 4


def port_base_from(environment: Mapping[str, str]) -> int:
    """Read REPARTEE_PORT_BASE.

    Raises:
        ValueError: It is not a number that leaves room for ten ports.
    """
    text = environment.get("REPARTEE_PORT_BASE", str(DEFAULT_BASE))
    if not text.isdecimal() or not 1_024 <= int(text) <= 65_525:
        raise ValueError(f"REPARTEE_PORT_BASE is {text!r}: use a number from 1024 to 65525")
    return int(text)


def port_base_or_exit(parser: argparse.ArgumentParser) -> int:
    """Read REPARTEE_PORT_BASE; a value that cannot be used ends the program with status 2."""
    try:
        return port_base_from(os.environ)
    except ValueError as error:
        parser.error(str(error))


def free_port() -> int:
    """Return a port that is free at every address now."""
    while True:
        port = secrets.choice(range(_FIRST, _BEYOND))
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port


class PortInUseError(RuntimeError):
    """Another program listens on a port that the stack needs."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The stack's ports. The Lambda host opens a further free port for each function runtime."""

    websocket: int
    http: int
    connections: int
    lambdas: int
    dynamodb: int
    aws: int
    gemini: int
    issuer: int
    observer: int

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """Return the fixed layout, which leaves one of ten ports free."""
        return cls(*(base + offset for offset in range(_WIDTH) if offset != _KEPT_FREE))

    @classmethod
    @contextlib.contextmanager
    def reserved(cls) -> Iterator["Ports"]:
        """Reserve free ports until the context ends.

        Programs take seconds until they listen. The reserving process therefore listens at the
        free port of the layout, which keeps other processes from reserving the same ports.
        """
        while True:
            base = secrets.choice(range(_FIRST, _BEYOND, _WIDTH))
            ports = cls.from_base(base)
            try:
                mark = socket.create_server(("127.0.0.1", base + _KEPT_FREE))
            except OSError:
                continue
            with mark:
                try:
                    ports.check()
                except PortInUseError:
                    continue
                yield ports
                return

    def check(self) -> None:
        """Check that every port is free.

        Raises:
            PortInUseError: A port is in use; the message names its purpose and the remedy.
        """
        for field in fields(self):
            port: int = getattr(self, field.name)
            # DynamoDB Local listens on every interface and has no option to change that.
            host = "" if field.name == "dynamodb" else "127.0.0.1"
            try:
                socket.create_server((host, port)).close()
            except OSError as error:
                raise PortInUseError(
                    f"port {port} is in use, and {_PURPOSES[field.name]} needs it. Stop that "
                    "program, or set REPARTEE_PORT_BASE to the first of ten free ports."
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
    "observer": "the observer",
}
