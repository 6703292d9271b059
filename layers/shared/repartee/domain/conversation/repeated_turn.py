"""What the reasoning model is told when its turn was cut off and is being repeated."""

from collections.abc import Sequence

from repartee.domain.text.one_line import one_line
from repartee.domain.tools.core_calls import Attempt

_NOTE = """\
This turn was cut off and is being repeated: the caller has not heard its answer and may be \
understood in other words now. What was asked and done in it before is below. Do not do any of it \
a second time. Where it is what the caller wants now, answer as if it had just been done. Where no \
answer is given, the outcome is unknown: find it out first, by calling the same tool with exactly \
these arguments, which has no second effect. What it then no longer finds to cancel or to forget \
was cancelled or forgotten before the cut."""


def repeated_turn_note(attempts: Sequence[Attempt]) -> str:
    """Return what to add to the system text; "" when nothing was begun or answered."""
    lines = [line for attempt in attempts for line in _lines(attempt)]
    return "\n".join((_NOTE, *lines)) if lines else ""


def _lines(attempt: Attempt) -> list[str]:
    if not attempt.tools and attempt.answer is None:
        return []
    begun = "; ".join(f"{tool.name} {tool.arguments_json}" for tool in attempt.tools)
    answer = "none, the outcome is unknown" if attempt.answer is None else one_line(attempt.answer)
    return [
        f"- Asked: {one_line(attempt.question)}",
        f"  Begun: {begun or 'nothing that changes anything'}",
        f"  Answer: {answer}",
    ]
