"""Checks at the real Gemini Live that it takes every voice and language that users may choose."""

from collections.abc import Sequence
from dataclasses import replace

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckContext
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import LiveConfig
from repartee.domain.live.profiles import profile_of
from repartee.ports.live_model import LiveModel


async def findings(setting: CheckContext) -> list[Finding]:
    """Open a session for each, one after the other, and close it; nothing is said.

    Raises:
        LiveSetupFailed: Not even the usual voice is taken, so nothing can be learned of the others.
    """
    live, wanted = setting.open_live(profile_of), setting.config()
    await _open(live, wanted)
    profile = setting.profile
    voices = [await _refused(live, replace(wanted, voice=one), one) for one in profile.voices]
    tags = [tag for tags in profile.languages.values() for tag in tags]
    if not profile.takes_language_code:
        named = "languages are named in the instruction alone"
        return [_found("voices", voices), noted(named, ", ".join(tags))]
    languages = [await _refused(live, replace(wanted, language=one), one) for one in tags]
    return [_found("voices", voices), _found("languages", languages)]


def _found(kind: str, refusals: Sequence[str | None]) -> Finding:
    refused = [one for one in refusals if one is not None]
    return judged(
        f"all {len(refusals)} {kind} are taken at set-up",
        not refused,
        "; ".join(refused) or "none refused",
        "calls of users who choose one of these end with `refused`" if refused else "",
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
