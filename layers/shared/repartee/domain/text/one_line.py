"""Texts of others as they are told to a model among lines of our own."""


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, so that it cannot pass for the lines after its own."""
    return " ".join(text.split())
