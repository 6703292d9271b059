"""Tests whether Gemini Live accepts every voice and language that users may choose."""

from collections.abc import Sequence
from dataclasses import replace

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckContext
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import LiveConfig
from repartee.domain.live.model_profiles import profile_of
from repartee.ports.live_model import LiveModel


async def findings(context: CheckContext) -> list[Finding]:
    """Open and close one session after the other, without any speech.

    Raises:
        LiveSetupFailed: The default voice is refused, so the others cannot be tested.
    """
    live, wanted = context.open_live(profile_of), context.config()
    await _open(live, wanted)
    profile = context.profile
    voices = [await _refused(live, replace(wanted, voice=voice), voice) for voice in profile.voices]
    tags = [tag for tags in profile.languages.values() for tag in tags]
    if not profile.takes_language_code:
        named = "languages are named only in the instruction"
        return [_found("voices", voices), noted(named, ", ".join(tags))]
    languages = [await _refused(live, replace(wanted, language=tag), tag) for tag in tags]
    return [_found("voices", voices), _found("languages", languages)]


def _found(kind: str, refusals: Sequence[str | None]) -> Finding:
    refused = [refusal for refusal in refusals if refusal is not None]
    return judged(
        f"all {len(refusals)} {kind} are accepted",
        not refused,
        "; ".join(refused) or "none refused",
        "sessions of users who choose one of these end with `refused`" if refused else "",
    )


async def _refused(live: LiveModel, wanted: LiveConfig, name: str) -> str | None:
    try:
        await _open(live, wanted)
    except LiveSetupFailed as error:
        return f"{name}: {error}"
    return None


async def _open(live: LiveModel, wanted: LiveConfig) -> None:
    session = await live.open(wanted)
    await session.close()
