"""Tests whether a text makes the model greet before it has heard anything."""

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import NEW_USER, CheckContext
from ops.smoke.observed_session import is_audio, is_over, text
from repartee.domain.live.greeting_cue import greeting_cue
from repartee.domain.live.model import Role

GREETING = "Front desk, good morning. How can I help you?"


async def findings(context: CheckContext) -> list[Finding]:
    """Open a session with the product's configuration, send the cue first, and listen.

    Raises:
        LiveSetupFailed: The session was refused.
    """
    cue = greeting_cue(GREETING, NEW_USER, context.language)
    async with context.open_session(context.product_config()) as live:
        answer = await live.ask(cue, context.limits.reply_s)
        is_spoken = any(is_audio(event) for event in live.events)
        is_completed = any(is_over(event) for event in live.events)
        said = text(live.events, Role.MODEL)
    return [
        judged(
            "a text before any input makes the model greet aloud",
            is_spoken,
            answer.seen if said or not is_spoken else "with sound, without a transcript",
            "" if is_spoken else "with this model a persona with speaks_first greets no user",
        ),
        judged("the greeting's turn is completed", is_completed, "yes" if is_completed else "no"),
        noted("the greeting is said word for word", "yes" if said == GREETING else "no"),
    ]
