"""How much of a turn is remembered, so that one runaway reply cannot stop a conversation.

A turn is one item, and a store refuses items that are too large: the commit would fail, and so
would its replay, for ever. So texts are cut where the turn is recorded, and the turn says so.
"""

from dataclasses import replace

from repartee.domain.conversation.conversation import ToolCall, Turn
from repartee.domain.text.cuts import truncate_text

# A character takes up to 4 bytes, so these come to at most 180,000 bytes. An hour of speech is
# about 50,000 characters; nobody is heard or told so much in one turn.
MAX_SPOKEN_CHARACTERS = 15_000
MAX_CALLS_CHARACTERS = 15_000
# With the names of their attributes some 35,000 bytes each.
MAX_CALLS = 200
MAX_SKIPPED = 600
CUT_MARK = " […]"


def shorten_turn(turn: Turn) -> Turn:
    """Return the turn as it can be kept; ``is_shortened`` where that is less than there was."""
    kept = replace(
        turn,
        heard=_cut(turn.heard, MAX_SPOKEN_CHARACTERS),
        said=_cut(turn.said, MAX_SPOKEN_CHARACTERS),
        tool_calls=_cut_calls(turn.tool_calls),
        skipped=turn.skipped[:MAX_SKIPPED],
    )
    return kept if kept == turn else replace(kept, is_shortened=True)


def _cut(text: str, most: int) -> str:
    """Cut from the end; without room for the mark nothing is left."""
    if len(text) <= most:
        return text
    return truncate_text(text, most - len(CUT_MARK)) + CUT_MARK if most >= len(CUT_MARK) else ""


def _cut_calls(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """Share the room among the calls in their order: answers first, they are told again."""
    left = MAX_CALLS_CHARACTERS
    shares = []
    for call in calls[:MAX_CALLS]:
        answer = _cut(call.answer, left)
        left -= len(answer)
        shares.append(answer)
    kept = []
    for call, answer in zip(calls, shares, strict=False):
        name = _cut(call.name, left)
        arguments_json = _cut(call.arguments_json, left - len(name))
        left -= len(name) + len(arguments_json)
        kept.append(replace(call, name=name, arguments_json=arguments_json, answer=answer))
    return tuple(kept)
