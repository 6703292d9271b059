"""Tests whether Gemini Live hears a short utterance right after its own reply."""

import asyncio
from dataclasses import dataclass

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckContext
from ops.smoke.observed_session import ObservedSession, is_over, is_reaction_to_input
from repartee.domain.audio import OUTPUT_RATE_HZ, duration_ms
from repartee.domain.live.model import LiveAudio
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.session.upkeep.utterance_retry import UNHEARD_AFTER_MS
from repartee_client.recordings import Recording

_REACTION_S = 0.3


@dataclass(frozen=True, slots=True)
class Observed:
    """The model's reaction to the utterance.

    Attributes:
        reaction_ms: The time from the end of the utterance to the first reaction; None: none.
        trouble: Why the check could not be made; "" if it was made.
    """

    reaction_ms: int | None = None
    trouble: str = ""


async def findings(context: CheckContext, utterance: Recording) -> list[Finding]:
    """Let the model speak, and speak right after it.

    Raises:
        LiveSetupFailed: The session was refused.
    """
    async with context.open_session(context.config()) as live:
        observed = await _observe(live, utterance, context.profile, context.limits.reply_s)
    return [judge(observed, round(utterance.duration_ms))]


async def _observe(
    live: ObservedSession, utterance: Recording, profile: LiveModelProfile, reply_s: float
) -> Observed:
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    await live.session.send_text("Hello.")
    if await live.until(is_over, reply_s) is None:
        return Observed(trouble=live.trouble or "no first reply")
    spoken = (one for one in live.arrived if isinstance(one.event, LiveAudio))
    first_s = next((one.at_s for one in spoken), begun_s)
    size_bytes = sum(len(event.pcm) for event in live.events if isinstance(event, LiveAudio))
    reply_ends_s = first_s + duration_ms(size_bytes, OUTPUT_RATE_HZ) / 1_000
    # A client plays the reply in real time; the user speaks when it is over.
    await asyncio.sleep(max(0, reply_ends_s - loop.time()) + _REACTION_S)
    since = len(live.arrived)
    ended_s = await live.speak(utterance)
    await live.end_speech(profile)
    reaction = await live.until(is_reaction_to_input, reply_s, since)
    if reaction is None:
        return Observed(trouble=live.trouble)
    await live.until(is_over, reply_s, since)
    return Observed(reaction_ms=max(0, round((reaction.at_s - ended_s) * 1_000)))


def judge(observed: Observed, length_ms: int) -> Finding:
    """Judge the reaction for short answers such as yes and no."""
    name = f"an utterance of {length_ms} ms right after a reply"
    if observed.trouble:
        return judged(name, False, observed.trouble, "the test could not be made; try again")
    if observed.reaction_ms is None:
        return noted(
            name,
            "no reaction",
            "the worker sends a marked utterance once more; let clients mark speech, and try "
            "TurnDetection=client, which does not use Gemini's detector",
        )
    if observed.reaction_ms > UNHEARD_AFTER_MS:
        return noted(
            name,
            f"first reaction after {observed.reaction_ms} ms",
            f"the worker sends it again after {UNHEARD_AFTER_MS} ms, and drops a duplicate reply; "
            "try TurnDetection=client",
        )
    return judged(name, True, f"first reaction after {observed.reaction_ms} ms", "nothing to set")
