"""The local stack: counterparts of everything that AWS and Gemini run, started together."""

from local.stack.options import PREWARM, PROJECT, Addresses, StackOptions
from local.stack.running import Stack, write_addresses
from local.stack.starter import START_ERRORS, running_stack

__all__ = [
    "PREWARM",
    "PROJECT",
    "START_ERRORS",
    "Addresses",
    "Stack",
    "StackOptions",
    "running_stack",
    "write_addresses",
]
