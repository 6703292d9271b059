"""The texts of the memory benchmark, equal for all memories. It needs only the standard library."""

import random

_WORDS = (
    *("appointment", "doctor", "friday", "monday", "morning", "afternoon", "please", "could"),
    *("would", "like", "see", "move", "cancel", "tomorrow", "next", "week", "three", "four"),
    *("half", "past", "after", "before", "lunch", "work", "school", "daughter", "knee", "back"),
    *("pain", "better", "earlier", "later", "number", "address", "insurance", "card", "form"),
    *("bring", "results", "blood", "test", "check", "call", "again", "name", "spell", "street"),
    *("parking", "train", "early", "late", "free", "slot", "nothing", "everything", "thank"),
    *("sorry", "wait", "moment", "maybe", "prefer", "usually", "never", "always", "remember"),
    *("forgot", "winter", "holiday"),
)
_HEARD_WORDS = 11
_SAID_WORDS = 16


def phrases(number: int) -> tuple[str, str]:
    """Return the two texts of a turn: about 65 and 95 characters, different for each turn."""
    chooser = random.Random(number)  # noqa: S311 - nothing secret
    heard = " ".join(chooser.choices(_WORDS, k=_HEARD_WORDS))
    said = " ".join(chooser.choices(_WORDS, k=_SAID_WORDS))
    return heard, f"{said.capitalize()}."
