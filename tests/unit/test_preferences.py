import pytest

from repartee.domain.preferences import (
    MAX_STYLE_CHARACTERS,
    VOICES,
    PreferenceChanges,
    PreferenceRefused,
    checked_changes,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("es-es", "es-ES"), (" HI-in ", "hi-IN"), ("en", "en"), ("ru-CYRL-ru", "ru-Cyrl-RU")],
)
def test_a_language_is_kept_in_the_usual_spelling(written: str, canonical: str) -> None:
    assert checked_changes(language=written) == PreferenceChanges(language=canonical)


@pytest.mark.parametrize(
    "language",
    [
        *("Spanish", "e", "es_ES", "es-ES; drop", "xx-XX", "en-US-u-ca", "   "),
        # Digits and letters that only look, or fold, like those of a tag.
        *("es-\u0664\u0661\u0669", "en-u\u212a", "en-u\u017f"),
    ],
)
def test_what_is_no_language_here_is_refused_by_field(language: str) -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_changes(language=language)
    assert refused.value.field == "language"


def test_every_voice_is_known_however_it_is_spelled() -> None:
    assert len(set(VOICES)) == 30
    for voice in VOICES:
        assert checked_changes(voice=voice.upper()) == PreferenceChanges(voice=voice)


def test_an_unknown_voice_is_answered_with_those_there_are() -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_changes(voice="Robert")
    assert refused.value.field == "voice"
    assert all(voice in refused.value.advice for voice in VOICES)


def test_a_style_is_one_line_within_its_limit() -> None:
    assert checked_changes(style="slowly\n and  kindly ").style == "slowly and kindly"
    assert checked_changes(style="x" * MAX_STYLE_CHARACTERS).style == "x" * MAX_STYLE_CHARACTERS
    with pytest.raises(PreferenceRefused, match="style") as refused:
        checked_changes(style="x" * (MAX_STYLE_CHARACTERS + 1))
    assert "201" in refused.value.advice
    assert "200" in refused.value.advice


def test_a_style_with_signs_that_nobody_can_read_is_refused_by_field() -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_changes(style="kindly\x07")
    assert refused.value.field == "style"
    assert "cannot be printed" in refused.value.advice


def test_nothing_asked_for_is_no_change_and_empty_text_is_one() -> None:
    assert not checked_changes()
    assert checked_changes(voice="") == PreferenceChanges(voice="")
    assert checked_changes(voice="")
