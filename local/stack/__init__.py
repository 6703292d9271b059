"""The local stack: counterparts of everything that AWS and Gemini run, started together."""

from local.stack.options import PREWARM, PROJECT, Addresses, StackOptions
from local.stack.running import Stack, new_run_directory, write_addresses
from local.stack.starter import START_ERRORS, running_stack

__all__ = [
    "PREWARM",
    "PROJECT",
    "START_ERRORS",
    "Addresses",
    "Stack",
    "StackOptions",
    "new_run_directory",
    "running_stack",
    "write_addresses",
]
