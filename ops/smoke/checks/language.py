"""Tests whether Gemini Live accepts and follows a regional language tag."""

import re
from dataclasses import replace

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import INSTRUCTION, CheckContext
from ops.smoke.observed_session import Answer, refused_with
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model_profiles import LiveModelProfile

TAG = "es-419"
_GREETING = "Hello."
_SPANISH = re.compile(r"[¿¡]|\b(?:hola|buen[oa]s|puedo|ayudar\w*|gracias)\b", re.IGNORECASE)


async def findings(context: CheckContext) -> list[Finding]:
    """Greet two sessions: one gets the tag as ``languageCode``, one in its instruction.

    Raises:
        LiveSetupFailed: The session without the code was refused.
    """
    reply_s = context.limits.reply_s
    coding = replace(context.config(), language=TAG)
    try:
        async with context.open_session(coding, sends_language_code=True) as live:
            coded = await live.ask(_GREETING, reply_s)
    except LiveSetupFailed as error:
        coded = Answer(trouble=refused_with(error))
    async with context.open_session(context.config(f"{INSTRUCTION} Speak {TAG}.")) as live:
        return judge(coded, await live.ask(_GREETING, reply_s), context.profile)


def _is_spanish(answer: Answer) -> bool:
    return bool(_SPANISH.search(answer.said))


def judge(coded: Answer, named: Answer, profile: LiveModelProfile) -> list[Finding]:
    """Judge the answers for the language settings."""
    return [
        noted(f"languageCode {TAG}", coded.seen, _code_means(coded, profile)),
        judged(
            f"{TAG} named in the instruction alone",
            _is_spanish(named),
            named.seen,
            "regional tags work as a preference and as Language"
            if _is_spanish(named)
            else "the model does not speak this language: choose another Language",
        ),
    ]


def _code_means(coded: Answer, profile: LiveModelProfile) -> str:
    if coded.trouble:
        if profile.takes_language_code:
            return "the model's profile is wrong in takes_language_code"
        return "the worker sends no languageCode to this model, so nothing is refused"
    effect = "is followed" if _is_spanish(coded) else "changes nothing"
    return f"it is accepted and {effect}; the worker names the language in the instruction"
