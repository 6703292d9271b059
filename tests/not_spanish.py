"""Finds words of English and of a front desk in replies that must be Spanish."""

import re

# Frequent English words that are not Spanish words too, and the Spanish words of appointments.
_WRONG = re.compile(
    r"\b(?:the|and|or|of|to|for|from|with|at|on|in|is|are|was|it|you|your|my|i|we|this|that|what"
    r"|when|which|how|have|not|will|can|do|would|could|please|sorry|hello|goodbye|thanks?|moment"
    r"|book(?:ed|ings?)?|free|slots?|open|closed|table|times?|today|tomorrow|monday|tuesday"
    r"|wednesday|thursday|friday|saturday|sunday|november|december|pm|am|desk|appointments?|caller"
    r"|citas?|recepción|médico|doctor|consulta|turnos?)\b",
    re.IGNORECASE,
)


def words_that_are_not_spanish(text: str) -> set[str]:
    """Return the English words and the words of appointments in a text."""
    return set(_WRONG.findall(text))
