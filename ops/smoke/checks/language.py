"""Asks the real Gemini Live what becomes of a regional language tag."""

import re
from dataclasses import replace

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import INSTRUCTION, CheckContext
from ops.smoke.observed_session import Answer, refused_with
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.profiles import LiveModelProfile

TAG = "es-419"
_GREETING = "Hello."
_SPANISH = re.compile(r"[¿¡]|\b(?:hola|buen[oa]s|puedo|ayudar\w*|gracias)\b", re.IGNORECASE)


async def findings(setting: CheckContext) -> list[Finding]:
    """Greet two sessions: the tag is sent as ``languageCode``, or named in the instruction.

    Raises:
        LiveSetupFailed: The session without the code was refused.
    """
    reply_s = setting.patience.reply_s
    coding = replace(setting.config(), language=TAG)
    try:
        async with setting.talk(coding, sends_language_code=True) as talk:
            coded = await talk.ask(_GREETING, reply_s)
    except LiveSetupFailed as error:
        coded = Answer(trouble=refused_with(error))
    async with setting.talk(setting.config(f"{INSTRUCTION} Speak {TAG}.")) as talk:
        return judge(coded, await talk.ask(_GREETING, reply_s), setting.profile)


def _is_spanish(answer: Answer) -> bool:
    return bool(_SPANISH.search(answer.said))


def judge(coded: Answer, named: Answer, profile: LiveModelProfile) -> list[Finding]:
    """Say what the answers mean for languages."""
    return [
        noted(f"languageCode {TAG}", coded.seen, _code_means(coded, profile)),
        judged(
            f"{TAG} named in the instruction alone",
            _is_spanish(named),
            named.seen,
            "regional tags work as preferences and as Language"
            if _is_spanish(named)
            else "the language of the instruction is not spoken: choose a Language that is",
        ),
    ]


def _code_means(coded: Answer, profile: LiveModelProfile) -> str:
    if coded.trouble:
        if profile.takes_language_code:
            return "the profile expects otherwise: takes_language_code is wrong for this model"
        return "the worker sends no languageCode to this model, so nothing is refused"
    effect = "is followed" if _is_spanish(coded) else "changes nothing"
    return f"it is taken and {effect}; the worker names the language in the instruction"
