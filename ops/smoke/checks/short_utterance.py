"""Asks the real Gemini Live whether it hears a short utterance right after its own reply."""

import asyncio
from dataclasses import dataclass

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckContext
from ops.smoke.observed_session import ObservedSession, is_over, is_reaction_to_input
from repartee.domain.audio import OUTPUT_RATE_HZ, duration_ms
from repartee.domain.live.model import LiveAudio
from repartee.domain.live.profiles import LiveModelProfile
from repartee.domain.session.upkeep.utterance_retry import UNHEARD_AFTER_MS
from repartee_client.recordings import Recording

_REACTION_S = 0.3


@dataclass(frozen=True, slots=True)
class Observed:
    """How the utterance was heard.

    Attributes:
        sign_ms: From its end to the first sign of having been heard; None: no sign.
        trouble: Why the check could not be made; "" where it was.
    """

    reaction_ms: int | None = None
    trouble: str = ""


async def findings(setting: CheckContext, utterance: Recording) -> list[Finding]:
    """Have the model say something, and speak right after it.

    Raises:
        LiveSetupFailed: The session was refused.
    """
    async with setting.talk(setting.config()) as talk:
        observed = await _observe(talk, utterance, setting.profile, setting.patience.reply_s)
    return [judge(observed, round(utterance.duration_ms))]


async def _observe(
    talk: ObservedSession, utterance: Recording, profile: LiveModelProfile, reply_s: float
) -> Observed:
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    await talk.session.send_text("Hello.")
    if await talk.until(is_over, reply_s) is None:
        return Observed(trouble=talk.trouble or "no first reply")
    spoken = (one for one in talk.arrived if isinstance(one.event, LiveAudio))
    first_s = next((one.at_s for one in spoken), begun_s)
    size_bytes = sum(len(event.pcm) for event in talk.events if isinstance(event, LiveAudio))
    reply_ends_s = first_s + duration_ms(size_bytes, OUTPUT_RATE_HZ) / 1_000
    # A client plays the reply in real time; the user speaks when it is over.
    await asyncio.sleep(max(0, reply_ends_s - loop.time()) + _REACTION_S)
    since = len(talk.arrived)
    ended_s = await talk.speak(utterance)
    await talk.end_speech(profile)
    sign = await talk.until(is_reaction_to_input, reply_s, since)
    if sign is None:
        return Observed(trouble=talk.trouble)
    await talk.until(is_over, reply_s, since)
    return Observed(reaction_ms=max(0, round((sign.at_s - ended_s) * 1_000)))


def judge(observed: Observed, length_ms: int) -> Finding:
    """Say what that means for short answers such as yes and no."""
    name = f"an utterance of {length_ms} ms right after a reply"
    if observed.trouble:
        return judged(name, False, observed.trouble, "this could not be tried; try again")
    if observed.reaction_ms is None:
        return noted(
            name,
            "no sign of having been heard",
            "the worker offers a marked utterance once more; have clients mark speech, and try "
            "TurnDetection=client, which does without Gemini's detector",
        )
    if observed.reaction_ms > UNHEARD_AFTER_MS:
        return noted(
            name,
            f"first sign after {observed.reaction_ms} ms",
            f"the worker offers it again after {UNHEARD_AFTER_MS} ms, and drops what it brings "
            "twice; try TurnDetection=client",
        )
    return judged(name, True, f"first sign after {observed.reaction_ms} ms", "nothing to set")
