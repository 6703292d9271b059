"""Phrases: which words they fit, and which part of the user's words their brackets hold."""

import time

import pytest

from local.gemini.mind.phrases import MAX_WORDS, compile_phrase, read_utterance

pytestmark = pytest.mark.unit

GROUPS = {"day": "monday|friday", "tail": "thanks"}
SHORT_FORMS = {"can't": "can not", "-'d": " would", "-n't": " not"}


def found(phrase: str, text: str) -> str | None:
    """Return the part of a text that a phrase's brackets hold, "" without brackets."""
    heard = read_utterance(text, SHORT_FORMS, frozenset({"um", "please"}))
    match = compile_phrase(phrase, GROUPS).search(heard.plain)
    return match and (heard.captured(match) if match.re.groups else "")


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("order", "Where is my ORDER?"),
        ("order|parcel", "My parcel..."),
        ("cancel*", "I am cancelling it"),
        ("my|the| order", "Order!"),
        ("call_off|cancel it", "Please call it off, I mean: call off it."),
        ("where ... order", "Where on earth is it, my order?"),
        (". help .", "Hello. Um, help, please!"),
        ("on <day>", "On Friday"),
        ("i would like", "I\N{RIGHT SINGLE QUOTATION MARK}d like"),
        ("can not come", "I can't come."),
        ("do not", "Don't!"),
        ("see dr smith", "I see Dr. Smith."),
        ("mediodía", "a mediodia"),
        ("नाम (*)", "मेरा नाम आशा है।"),
    ],
)
def test_a_phrase_fits(phrase: str, text: str) -> None:
    assert found(phrase, text) is not None


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("order", "reorder, orders"),
        ("where ... order", "Where is it? My order is late."),
        ("where ... order", f"where {'very ' * 9}order"),
        (". help .", "Can you help me?"),
        ("on <day>", "on Sunday"),
        ("word99", " ".join(f"word{number}" for number in range(99, 999)).partition(" ")[2]),
        ("last", f"{'word ' * MAX_WORDS}last"),
    ],
)
def test_a_phrase_does_not_fit(phrase: str, text: str) -> None:
    assert found(phrase, text) is None


@pytest.mark.parametrize(
    ("phrase", "text", "part"),
    [
        ("that (...)", "Remember that I don't like tea, thanks.", "I don't like tea"),
        ("that (...)", "Remember that I see Dr. Smith. Bye.", "I see Dr. Smith"),
        ("from (...) to", "from Friday, at 4:00 p.m., to Monday", "Friday, at 4:00 p.m."),
        ("(see the *)", "I want to see the Dentist soon", "see the Dentist"),
        ("to (for|at ...)", "to at ten", "at ten"),
        ("is (*)", "My name is Ann-Marie.", "Ann-Marie"),
    ],
)
def test_the_brackets_hold_the_users_own_words(phrase: str, text: str, part: str) -> None:
    assert found(phrase, text) == part


@pytest.mark.parametrize(
    "phrase", [r"\border\b", "(a+)+$", "a [b]", "a{9}", "(a", "a)", "a ... b ... c ... d"]
)
def test_another_text_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="is no phrase"):
        compile_phrase(phrase, GROUPS)


def test_no_phrase_takes_long_on_a_long_text() -> None:
    started_s = time.monotonic()
    assert found("a ... a (...) b", "a " * 20_000) is None
    assert found("*| ... *| *| *| (...) b", "a " * 20_000) is None
    assert time.monotonic() - started_s < 10
