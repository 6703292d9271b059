"""Limits the size of a stored turn, so that one endless reply cannot block a conversation.

A turn is one item, and a store refuses items that are too large. The commit of such a turn would
fail, and so would each replay. Therefore its texts are cut, and the turn is marked as shortened.
"""

from dataclasses import replace

from repartee.domain.conversation.conversation import ToolCall, Turn
from repartee.domain.text.cuts import truncate_text

# A character takes up to 4 bytes, so heard, said and calls take at most 180,000 bytes. An hour of
# speech has about 50,000 characters, much more than a turn.
MAX_SPOKEN_CHARACTERS = 15_000
MAX_CALLS_CHARACTERS = 15_000
# Together with attribute names these take about 35,000 bytes each.
MAX_CALLS = 200
MAX_SKIPPED = 600
CUT_MARK = " […]"


def shorten_turn(turn: Turn) -> Turn:
    """Return the turn within its limits; ``is_shortened`` is set if something was cut."""
    kept = replace(
        turn,
        heard=_cut(turn.heard, MAX_SPOKEN_CHARACTERS),
        said=_cut(turn.said, MAX_SPOKEN_CHARACTERS),
        tool_calls=_cut_calls(turn.tool_calls),
        skipped=turn.skipped[:MAX_SKIPPED],
    )
    return kept if kept == turn else replace(kept, is_shortened=True)


def _cut(text: str, most: int) -> str:
    """Cut from the end and add the mark; return "" if the mark does not fit."""
    if len(text) <= most:
        return text
    return truncate_text(text, most - len(CUT_MARK)) + CUT_MARK if most >= len(CUT_MARK) else ""


def _cut_calls(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """Share the space among the calls in order, answers first, because later prompts use them."""
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
