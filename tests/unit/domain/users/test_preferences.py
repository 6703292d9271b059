import pytest

from repartee.domain.live.model_profiles import FALLBACK_PROFILE
from repartee.domain.text.languages import language_name
from repartee.domain.users.preferences import (
    MAX_STYLE_CHARACTERS,
    PreferenceChanges,
    PreferenceRefused,
)
from repartee.domain.users.preferences import checked_changes as checked_for

pytestmark = pytest.mark.unit

LANGUAGES, VOICES = FALLBACK_PROFILE.languages, FALLBACK_PROFILE.voices


def checked_changes(**wanted: str) -> PreferenceChanges:
    return checked_for(FALLBACK_PROFILE, **wanted)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("es-es", "es-ES"), (" HI-in ", "hi-IN"), ("en", "en-US"), ("ES", "es-US")],
)
def test_a_language_is_kept_as_a_tag_that_the_model_lists(written: str, canonical: str) -> None:
    assert checked_changes(language=written) == PreferenceChanges(language=canonical)


@pytest.mark.parametrize(
    "language",
    [
        *("Spanish", "e", "es_ES", "es-ES; drop", "xx-XX", "en-US-u-ca", "   ", "-"),
        *("es-419", "en-ZZ", "de-XX", "ru-Cyrl-RU"),
        # Digits and letters that only look, or fold, like those of a tag.
        *("es-\u0664\u0661\u0669", "en-u\u212a", "en-u\u017f"),
    ],
)
def test_an_unavailable_language_is_refused_by_field(language: str) -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_changes(language=language)
    assert refused.value.field == "language"


@pytest.mark.parametrize(("language", "tags"), [("es-419", "es-US, es-ES"), ("de-AT", "de-DE")])
def test_an_unknown_region_is_answered_with_the_tags_of_its_language(
    language: str, tags: str
) -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_changes(language=language)
    assert refused.value.advice.endswith(f"choose one of {tags}")


@pytest.mark.parametrize("language", ["tlh", "Spanish"])
def test_an_unknown_language_is_answered_with_all_there_are(language: str) -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_changes(language=language)
    assert refused.value.advice.endswith(f"choose one of {', '.join(LANGUAGES)}")


@pytest.mark.parametrize(
    ("tag", "read_as"), [("es-419", "es-US"), ("EN-gb", "en-GB"), ("xx", None)]
)
def test_a_stored_tag_is_read_as_itself_or_as_its_languages_default(
    tag: str, read_as: str | None
) -> None:
    assert FALLBACK_PROFILE.spoken_tag(tag) == read_as


def test_every_language_has_a_name_that_a_model_understands() -> None:
    for tags in LANGUAGES.values():
        assert all(language_name(tag).endswith(f" ({tag})") for tag in tags)
    assert language_name("es-US") == "Spanish (es-US)"
    assert language_name("tlh") == "tlh"


def test_every_voice_is_known_however_it_is_spelled() -> None:
    assert len(set(VOICES)) == 30
    for voice in VOICES:
        assert checked_changes(voice=voice.upper()) == PreferenceChanges(voice=voice)


def test_an_unknown_voice_is_answered_with_those_there_are() -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_changes(voice="Robert")
    assert refused.value.field == "voice"
    assert all(voice in refused.value.advice for voice in VOICES)


@pytest.mark.parametrize("language", ["es-419", "es_ES", "ES_es"])
def test_a_refused_region_is_answered_with_the_tags_of_that_language(language: str) -> None:
    with pytest.raises(PreferenceRefused, match="language") as refused:
        checked_changes(language=language)
    assert refused.value.advice.endswith("choose one of es-US, es-ES")


def test_a_style_is_one_line_within_its_limit() -> None:
    assert checked_changes(style="slowly\n and  kindly ").style == "slowly and kindly"
    assert checked_changes(style="x" * MAX_STYLE_CHARACTERS).style == "x" * MAX_STYLE_CHARACTERS
    with pytest.raises(PreferenceRefused, match="style") as refused:
        checked_changes(style="x" * (MAX_STYLE_CHARACTERS + 1))
    assert "201" in refused.value.advice
    assert "200" in refused.value.advice


def test_a_style_with_unreadable_characters_is_refused_by_field() -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_changes(style="kindly\x07")
    assert refused.value.field == "style"
    assert "leave it out" in refused.value.advice


@pytest.mark.parametrize("joiner", ["\u200d", "\u200c"])
def test_a_style_may_join_letters_and_emoji(joiner: str) -> None:
    style = f"like family \U0001f469{joiner}\U0001f467"
    assert checked_changes(style=style).style == style


def test_a_style_in_which_nothing_can_be_seen_goes_back_to_the_default() -> None:
    assert checked_changes(style="\u200b \u200d") == PreferenceChanges(style="")


def test_nothing_asked_for_is_no_change_and_empty_text_is_one() -> None:
    assert not checked_changes()
    assert checked_changes(voice="") == PreferenceChanges(voice="")
    assert checked_changes(voice="")
