"""Asks the real Gemini Live what becomes of a regional language tag."""

import re
from dataclasses import dataclass, replace

from local.smoke.finding import Finding
from local.smoke.setting import INSTRUCTION, Setting
from local.smoke.talk import Talk, is_over, refused_with, text
from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live import Role
from repartee.domain.live_models import LiveModelProfile

TAG = "es-419"
_SPANISH = re.compile(r"[¿¡]|\b(?:hola|buen[oa]s|puedo|ayudar\w*|gracias)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Greeting:
    """How a session answered a greeting.

    Attributes:
        said: Its words.
        trouble: Why there are none.
    """

    said: str = ""
    trouble: str = ""

    @property
    def is_spanish(self) -> bool:
        """Whether it was answered in the language that was asked for."""
        return bool(_SPANISH.search(self.said))

    @property
    def seen(self) -> str:
        """The answer in words."""
        return self.trouble or self.said or "no words"


async def findings(setting: Setting) -> list[Finding]:
    """Greet two sessions: the tag is sent as ``languageCode``, or named in the instruction.

    Raises:
        LiveSetupFailed: The session without the code was refused.
    """
    reply_s = setting.patience.reply_s
    coding = replace(setting.config(), language=TAG)
    try:
        async with setting.talk(coding, sends_language_code=True) as talk:
            coded = await _greet(talk, reply_s)
    except LiveSetupFailed as error:
        coded = Greeting(trouble=refused_with(error))
    async with setting.talk(setting.config(f"{INSTRUCTION} Speak {TAG}.")) as talk:
        return judge(coded, await _greet(talk, reply_s), setting.profile)


async def _greet(talk: Talk, reply_s: float) -> Greeting:
    await talk.session.send_text("Hello.")
    await talk.until(is_over, reply_s)
    return Greeting(text(talk.events, Role.MODEL), talk.trouble)


def judge(coded: Greeting, named: Greeting, profile: LiveModelProfile) -> list[Finding]:
    """Say what the answers mean for languages."""
    return [
        Finding(f"languageCode {TAG}", None, coded.seen, _code_means(coded, profile)),
        Finding(
            f"{TAG} named in the instruction alone",
            named.is_spanish,
            named.seen,
            "regional tags work as preferences and as Language"
            if named.is_spanish
            else "the language of the instruction is not spoken: choose a Language that is",
        ),
    ]


def _code_means(coded: Greeting, profile: LiveModelProfile) -> str:
    if coded.trouble:
        if profile.takes_language_code:
            return "the profile expects otherwise: takes_language_code is wrong for this model"
        return "the worker sends no languageCode to this model, so nothing is refused"
    effect = "is followed" if coded.is_spanish else "changes nothing"
    return f"it is taken and {effect}; the worker names the language in the instruction"
