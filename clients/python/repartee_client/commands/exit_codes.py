"""The exit codes of ``repartee``."""

DONE = 0
FAILED = 1
"""The server refused or cannot be reached, or there was no answer; standard error says why."""
UNUSABLE = 2
"""An argument, the token, a file or a sound device cannot be used, or nothing was confirmed."""
INTERRUPTED = 130
"""Ctrl-C."""
