"""What users may settle about how they are spoken to, and which values there are."""

import re
from dataclasses import dataclass, replace

from repartee.domain.conversation import Profile
from repartee.domain.errors import ReparteeError

MAX_STYLE_CHARACTERS = 200

LANGUAGES = frozenset(
    [
        "ar",
        "bn",
        "de",
        "en",
        "es",
        "fr",
        "hi",
        "id",
        "it",
        "ja",
        "ko",
        "mr",
        "nl",
        "pl",
        "pt",
        "ro",
        "ru",
        "ta",
        "te",
        "th",
        "tr",
        "uk",
        "vi",
    ]
)
"""The languages that Gemini Live speaks, as the first part of a BCP 47 tag.

Source: the table of Google Cloud's page "Configure language and voice" of the Live API, as stored
on 2026-11-22. It names one or two regions for each; a region only says which accent is wanted.
"""

VOICES = (
    "Achernar",
    "Achird",
    "Algenib",
    "Algieba",
    "Alnilam",
    "Aoede",
    "Autonoe",
    "Callirrhoe",
    "Charon",
    "Despina",
    "Enceladus",
    "Erinome",
    "Fenrir",
    "Gacrux",
    "Iapetus",
    "Kore",
    "Laomedeia",
    "Leda",
    "Orus",
    "Puck",
    "Pulcherrima",
    "Rasalgethi",
    "Sadachbia",
    "Sadaltager",
    "Schedar",
    "Sulafat",
    "Umbriel",
    "Vindemiatrix",
    "Zephyr",
    "Zubenelgenubi",
)
"""Gemini Live's prebuilt voices, by the same page."""

# A language, a script and a region at most, as in zh-Hant-TW.
_LANGUAGE_TAG = re.compile(
    r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE | re.ASCII
)
_VOICE_BY_NAME = {voice.lower(): voice for voice in VOICES}


class PreferenceRefused(ReparteeError):
    """A preference cannot be had.

    Attributes:
        field: Which one: ``language``, ``voice`` or ``style``.
        advice: What is wrong and what to do, for a person or a model.
    """

    def __init__(self, field: str, advice: str):
        super().__init__(f"{field} refused")
        self.field = field
        self.advice = advice


@dataclass(frozen=True, slots=True)
class PreferenceChanges:
    """What becomes of each preference: None leaves it, "" goes back to the deployment's default."""

    language: str | None = None
    voice: str | None = None
    style: str | None = None

    def __bool__(self) -> bool:
        return any(one is not None for one in (self.language, self.voice, self.style))

    def applied_to(self, profile: Profile) -> Profile:
        """Return the profile as it is with these changes."""
        return replace(
            profile,
            language=_settled(self.language, profile.language),
            voice=_settled(self.voice, profile.voice),
            style=_settled(self.style, profile.style),
        )


def _settled(wanted: str | None, before: str | None) -> str | None:
    return before if wanted is None else wanted or None


def checked_changes(
    *, language: str | None = None, voice: str | None = None, style: str | None = None
) -> PreferenceChanges:
    """Return changes in their canonical spelling.

    Raises:
        PreferenceRefused: There is no such language or voice, or the style is too long.
    """
    return PreferenceChanges(
        language and _language(language.strip()),
        voice and _voice(voice.strip()),
        style if style is None else _style(style),
    )


def _language(tag: str) -> str:
    parts = _LANGUAGE_TAG.fullmatch(tag)
    if parts is None:
        advice = "write the language as a BCP 47 tag, such as en-US, es-ES or hi-IN"
        raise PreferenceRefused("language", advice)
    language, script, region = parts.groups()
    if language.lower() not in LANGUAGES:
        # Gemini may refuse for good to open a session in a language that it does not speak.
        known = ", ".join(sorted(LANGUAGES))
        raise PreferenceRefused(
            "language", f"this language is not spoken here; take one of {known}"
        )
    rest = (script and script.title(), region and region.upper())
    return "-".join((language.lower(), *filter(None, rest)))


def _voice(name: str) -> str:
    voice = _VOICE_BY_NAME.get(name.lower())
    if voice is None:
        raise PreferenceRefused("voice", f"there is no such voice; take one of {', '.join(VOICES)}")
    return voice


def _style(style: str) -> str:
    # One line, whatever it was: it becomes a sentence of the model's instruction.
    line = " ".join(style.split())
    if len(line) > MAX_STYLE_CHARACTERS:
        limit = f"{len(line)} characters, and {MAX_STYLE_CHARACTERS} are allowed"
        raise PreferenceRefused("style", f"this has {limit}: say it in fewer words")
    if not line.isprintable():
        raise PreferenceRefused("style", "leave out characters that cannot be printed")
    return line
