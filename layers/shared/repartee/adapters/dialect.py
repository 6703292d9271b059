"""Chooses the dialect of all connections; the functions get its parser and its encoder here."""

from repartee.adapters.wire.encoding import encode
from repartee.adapters.wire.version import FEATURES
from repartee.ports.clients import MessageParser

__all__ = ["FEATURES", "encode", "parser"]


def parser() -> MessageParser:
    """Return the parser. Its import takes time and memory, and only ``message`` needs it."""
    from repartee.adapters.wire.parsing import parse

    return parse
