"""The local stack: counterparts of everything that AWS and Gemini run, started together."""

from local.stack.options import PREWARM, PROJECT, Addresses, StackOptions
from local.stack.run_folders import LOCAL, new_run_directory, remove_old_runs
from local.stack.running import Stack, published
from local.stack.starter import START_ERRORS, running_stack

__all__ = [
    "LOCAL",
    "PREWARM",
    "PROJECT",
    "START_ERRORS",
    "Addresses",
    "Stack",
    "StackOptions",
    "new_run_directory",
    "published",
    "remove_old_runs",
    "running_stack",
]
