"""The text that asks the live model to greet a user who has said nothing yet."""

from repartee.domain.conversation.conversation import Memory
from repartee.domain.text.languages import language_name

_GREET = (
    "(The call has begun and the user has said nothing yet. Call no tool. "
    "Say this greeting in {language}, then wait: {greeting})"
)
_WELCOME_BACK = (
    "(The user is back and has said nothing yet. Call no tool. "
    "Welcome the user back in {language}. Say it in the manner of this greeting, then wait: "
    "{greeting})"
)


def greeting_cue(greeting: str, memory: Memory, language: str) -> str:
    """Return the cue for the greeting, or for a welcome back if the user has spoken before.

    Args:
        greeting: The words of the greeting, in any language.
        memory: The conversation so far.
        language: BCP 47 tag of the language to greet in.
    """
    has_spoken = memory.conversation.summary or any(turn.heard for turn in memory.turns)
    text = _WELCOME_BACK if has_spoken else _GREET
    return text.format(language=language_name(language), greeting=greeting)
