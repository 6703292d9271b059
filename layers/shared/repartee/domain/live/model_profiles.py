"""Differences between Gemini's live models, as one profile per model.

The sources are public reports and copies of documentation, because nothing here was run against
Google. ``docs/assumptions.md`` names the check for each of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Self

ANY_LANGUAGE = "*"
"""As the last tag of a list: every language of the live model."""

_LANGUAGE_TAGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ar": ("ar-EG", "ar-XA"),
        "bn": ("bn-BD", "bn-IN"),
        "de": ("de-DE",),
        "en": ("en-US", "en-AU", "en-GB", "en-IN"),
        "es": ("es-US", "es-ES"),
        "fr": ("fr-FR", "fr-CA"),
        "hi": ("hi-IN",),
        "id": ("id-ID",),
        "it": ("it-IT",),
        "ja": ("ja-JP",),
        "ko": ("ko-KR",),
        "mr": ("mr-IN",),
        "nl": ("nl-NL",),
        "pl": ("pl-PL",),
        "pt": ("pt-BR",),
        "ro": ("ro-RO",),
        "ru": ("ru-RU",),
        "ta": ("ta-IN",),
        "te": ("te-IN",),
        "th": ("th-TH",),
        "tr": ("tr-TR",),
        "uk": ("uk-UA",),
        "vi": ("vi-VN",),
    }
)

_VOICES = (
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveModelProfile:
    """How one live model behaves where it matters to the product.

    The defaults are the most cautious choice. A model without a profile gets them.

    Attributes:
        silence_burst_ms: Length of the silence that is sent to the model at once after speech, so
            that its detector finds the end. 0 for a model that needs none.
        continues_silence: Whether more silence follows in real time until the model reacts.
        ends_speech_by_stream_end: Whether ``audioStreamEnd`` ends the user's speech.
        transcribes_after_speech: Whether the user's transcript comes only after the end of the
            speech. A transcript then shows that the model has found the end.
        sends_status: Whether ``interactionStatus`` states if more follows a completed turn.
        takes_language_code: Whether ``speechConfig.languageCode`` may be sent.
        takes_scheduling: Whether a tool response may carry ``scheduling``.
        takes_non_blocking_tools: Whether a tool may be declared ``NON_BLOCKING``.
        thinking_level: Value of ``thinkingLevel`` in the set-up; None omits it.
        languages: The tags that the model speaks, by language. The first one is the default.
        voices: The names of the prebuilt voices.
        output_rate_hz: The sample rate of the model's voice.
        context_tokens: How many tokens the context holds.
    """

    silence_burst_ms: int = 1_000
    continues_silence: bool = True
    ends_speech_by_stream_end: bool = False
    transcribes_after_speech: bool = False
    sends_status: bool = False
    takes_language_code: bool = False
    takes_scheduling: bool = False
    takes_non_blocking_tools: bool = False
    thinking_level: str | None = None
    # Google Cloud's page "Configure language and voice" of the Live API and the list of regional
    # tags in the Live API guide, both as stored on 2026-11-22.
    languages: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _LANGUAGE_TAGS)
    voices: tuple[str, ...] = _VOICES
    output_rate_hz: int = 24_000
    context_tokens: int = 131_072

    def listed_tag(self, tag: str) -> str | None:
        """Return a BCP 47 tag as the model lists it, None for a tag that it does not list.

        A language without a region is the default tag of that language.
        """
        wanted = tag.lower()
        language = wanted.partition("-")[0]
        tags = self.languages.get(language, ())
        if tags and wanted == language:
            return tags[0]
        return next((one for one in tags if one.lower() == wanted), None)

    def spoken_tag(self, tag: str) -> str | None:
        """Return the tag that the model speaks for ``tag``.

        That is the tag itself, or the default tag of its language where the model does not list
        it, as for ``en_US``. None for a language that the model does not speak.
        """
        return self.listed_tag(tag) or self.listed_tag(tag.replace("_", "-").partition("-")[0])

    def speaking(self, tags: tuple[str, ...]) -> Self:
        """Return the profile with these tags as its languages, in this order.

        Args:
            tags: Tags that the model lists. With ``ANY_LANGUAGE`` as the last one, the model's
                other tags follow.

        Raises:
            ValueError: The model does not list one of the tags.
        """
        every = [tag for listed in self.languages.values() for tag in listed]
        if unknown := [tag for tag in tags if tag not in (*every, ANY_LANGUAGE)]:
            raise ValueError(
                f"the live model does not speak {', '.join(unknown)}; it speaks {', '.join(every)}"
            )
        chosen: dict[str, list[str]] = {}
        for tag in dict.fromkeys([*tags, *every] if ANY_LANGUAGE in tags else tags):
            if tag != ANY_LANGUAGE:
                chosen.setdefault(tag.partition("-")[0], []).append(tag)
        return replace(self, languages={name: tuple(listed) for name, listed in chosen.items()})


FALLBACK_PROFILE = LiveModelProfile()

# openclaw/openclaw#152830: the detector needs audio after the speech; silence is enough.
_LIVE_3_8 = LiveModelProfile(
    transcribes_after_speech=True, takes_scheduling=True, takes_non_blocking_tools=True
)

_PROFILES = {
    "gemini-3.8-live": _LIVE_3_8,
    # openclaw/openclaw#152413: requires thinkingLevel and refuses scheduling.
    "gemini-3.8-live-extended-thinking": replace(
        _LIVE_3_8, sends_status=True, takes_scheduling=False, thinking_level="low"
    ),
    # The model's documentation page: tools are synchronous.
    "gemini-3.1-flash-live": LiveModelProfile(
        silence_burst_ms=0,
        continues_silence=False,
        ends_speech_by_stream_end=True,
        transcribes_after_speech=True,
    ),
    # googleapis/python-genai#1328 and #1987: audioStreamEnd alone does not always end the speech.
    "gemini-2.5-flash-native-audio": LiveModelProfile(
        takes_scheduling=True, takes_non_blocking_tools=True
    ),
}

# A dated or numbered version of a model behaves like the model.
_VERSION_SUFFIX = re.compile(r"(-preview)?(-\d+)*")


def known_profile_of(model: str) -> LiveModelProfile | None:
    """Return the profile of a live model by its name, None for an unknown model."""
    name = model.removeprefix("models/")
    for base, profile in _PROFILES.items():
        if name.startswith(base) and _VERSION_SUFFIX.fullmatch(name.removeprefix(base)):
            return profile
    return None


def profile_of(model: str) -> LiveModelProfile:
    """Return the profile of a live model by its name, ``FALLBACK_PROFILE`` for an unknown model."""
    return known_profile_of(model) or FALLBACK_PROFILE
