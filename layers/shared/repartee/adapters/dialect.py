"""Chooses the dialect of all connections; the functions get its parser and its encoder here."""

from repartee.adapters.wire.encoding import encode
from repartee.adapters.wire.parsing import parse
from repartee.adapters.wire.version import FEATURES

__all__ = ["FEATURES", "encode", "parse"]
