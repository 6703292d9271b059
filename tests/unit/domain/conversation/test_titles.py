"""A conversation's title is the first words that were heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.conversation.conversation import (
    MAX_TITLE_CHARACTERS,
    MAX_TITLE_WORDS,
    title_from,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("heard", "title"),
    [
        ("", ""),
        ("\u200b \ufe0f", ""),
        ("hello  my name\nis robert", "hello my name is robert"),
        ("one two three four five six seven eight", "one two three four five six seven eight"),
        (
            "one two three four five six seven eight, nine",
            "one two three four five six seven eight…",
        ),
        ("y" * MAX_TITLE_CHARACTERS, "y" * MAX_TITLE_CHARACTERS),
        ("y" * (MAX_TITLE_CHARACTERS + 1), "y" * (MAX_TITLE_CHARACTERS - 1) + "…"),
        (f"{'y' * 58} zz", f"{'y' * 58}…"),
    ],
)
def test_few_words_stay_and_more_are_cut_with_an_ellipsis(heard: str, title: str):
    assert title_from(heard) == title


@given(st.text())
def test_no_title_is_longer_than_its_bounds(heard: str):
    title = title_from(heard)
    assert len(title) <= MAX_TITLE_CHARACTERS
    assert len(title.split()) <= MAX_TITLE_WORDS
