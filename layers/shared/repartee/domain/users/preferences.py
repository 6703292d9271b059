"""A user's preferences for language, voice and style, and the check of their values."""

from dataclasses import asdict, dataclass, field, replace

from repartee.domain.cost.limits import OwnLimits
from repartee.domain.errors import ReparteeError
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.text.characters import TextRefused, checked_line

MAX_STYLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Profile:
    """A user's preferences; None where the deployment's default applies.

    Attributes:
        style: A few words on how to speak, such as "slowly and formally".
        erased_at_ms: The tombstone: when the user asked to be erased.
        limits: Limits that an operator set for this user; the product only reads them.
    """

    user_id: str
    language: str | None = None
    voice: str | None = None
    style: str | None = None
    erased_at_ms: int | None = None
    limits: OwnLimits = field(default_factory=OwnLimits)


class PreferenceRefused(ReparteeError):
    """A preference is invalid.

    Attributes:
        field: ``language``, ``voice`` or ``style``.
        advice: The fault and the correction, for a person or a model.
    """

    def __init__(self, field: str, advice: str):
        super().__init__(f"{field} refused")
        self.field = field
        self.advice = advice


@dataclass(frozen=True, slots=True)
class PreferenceChanges:
    """New values of preferences: None keeps one, "" resets it to the deployment's default."""

    language: str | None = None
    voice: str | None = None
    style: str | None = None

    def __bool__(self) -> bool:
        return bool(self.named())

    def named(self) -> dict[str, str]:
        """Return the new values by preference, without the preferences that stay."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def applied_to(self, profile: Profile) -> Profile:
        """Return the profile with these changes."""
        return replace(
            profile,
            language=_changed(self.language, profile.language),
            voice=_changed(self.voice, profile.voice),
            style=_changed(self.style, profile.style),
        )


def _changed(wanted: str | None, before: str | None) -> str | None:
    return before if wanted is None else wanted or None


def checked_changes(
    model: LiveModelProfile,
    *,
    language: str | None = None,
    voice: str | None = None,
    style: str | None = None,
) -> PreferenceChanges:
    """Return checked changes, spelled as in the live model's profile.

    A language without a region becomes the default tag of that language.

    Raises:
        PreferenceRefused: The model has no such language or voice, or the style is invalid.
    """
    return PreferenceChanges(
        language and checked_language(model, language.strip()),
        voice and checked_voice(model, voice.strip()),
        style if style is None else _style(style),
    )


def checked_language(model: LiveModelProfile, tag: str) -> str:
    """Return a BCP 47 tag as the live model's profile lists it.

    Raises:
        PreferenceRefused: The profile does not list it.
    """
    listed = model.listed_tag(tag)
    if listed is None:
        tags = model.languages.get(tag.replace("_", "-").partition("-")[0].lower())
        known = ", ".join(tags or model.languages)
        raise PreferenceRefused(
            "language", f"this language is not available; choose one of {known}"
        )
    return listed


def checked_voice(model: LiveModelProfile, name: str) -> str:
    """Return the name of a voice as the live model's profile lists it.

    Raises:
        PreferenceRefused: The profile does not list it.
    """
    voice = next((one for one in model.voices if one.lower() == name.lower()), None)
    if voice is None:
        known = ", ".join(model.voices)
        raise PreferenceRefused("voice", f"this voice is not available; choose one of {known}")
    return voice


def stale_preferences(model: LiveModelProfile, profile: Profile) -> PreferenceChanges:
    """Return the changes to a stored profile whose language or voice the live model lacks.

    A language becomes the default tag of that language, or the deployment's default if the model
    does not speak it; a voice becomes the deployment's default.
    """
    language, voice = profile.language, profile.voice
    return PreferenceChanges(
        language=(model.spoken_tag(language) or "")
        if language and model.listed_tag(language) is None
        else None,
        voice="" if voice and voice not in model.voices else None,
    )


def _style(style: str) -> str:
    # The style becomes a sentence of the model's instruction, so it must be one line.
    try:
        line = checked_line(style)
    except TextRefused as refused:
        raise PreferenceRefused("style", str(refused)) from None
    if len(line) > MAX_STYLE_CHARACTERS:
        limit = f"{len(line)} characters, and {MAX_STYLE_CHARACTERS} are allowed"
        raise PreferenceRefused("style", f"the style has {limit}: use fewer words")
    return line
