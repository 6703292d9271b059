"""Asks an operator before something is changed."""

from collections.abc import Callable

from ops.settings import DeployError

type Ask = Callable[[str], str]


def is_confirmed(ask: Ask, question: str) -> bool:
    """Return whether the operator answers yes.

    Args:
        ask: Shows a prompt and returns the line that the operator typed.
        question: The question, with its question mark.

    Raises:
        DeployError: There is no terminal.
    """
    try:
        return ask(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        raise DeployError("there is no terminal to confirm this on; use --yes") from None
