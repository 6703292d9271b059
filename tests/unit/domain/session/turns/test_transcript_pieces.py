"""The text that a piece of a transcript adds."""

import pytest

from repartee.domain.session.turns.transcript_pieces import new_transcript_text

pytestmark = pytest.mark.unit


def joined(*pieces: str, may_double: bool = False) -> str:
    known = last = ""
    for piece in pieces:
        known += new_transcript_text(known, last, piece, may_double=may_double)
        last = piece
    return known.strip()


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["Hello ", "there."], "Hello there."),
        (["Hel", "lo"], "Hello"),
        ([" Good", " morning", "."], "Good morning."),
        (["hello my name is robert"] * 2, "hello my name is robert"),
        (["hello my name is robert"] * 3, "hello my name is robert"),
        (["hello", "hello "], "hello"),
        (["hello ", "hello"], "hello"),
        (["Hello.", "hello"], "Hello."),
        (["hello", "Hello!"], "hello!"),
        ([" hello", " hello"], "hello"),
        (["hello", "hello my name", "hello my name is robert"], "hello my name is robert"),
        (["hello ", "hello my name"], "hello my name"),
        (["Good", " morning everybody", " morning everybody"], "Good morning everybody"),
        (["one moment, ", "please wait, ", "please wait, "], "one moment, please wait,"),
        (["おはようございます", "おはようございます"], "おはようございます"),
        (["予約を", "予約をお願いします"], "予約をお願いします"),
        (["no no"], "no no"),
        (["yes. yes."], "yes. yes."),
        (["yes. yes."] * 2, "yes. yes."),
        (["no", " no"], "no no"),
        (["no", " no", " no"], "no no no"),
        (["no", " no problem"], "no no problem"),
        (["no ", "no problem"], "no no problem"),
        (["call ", "5", "5", "5"], "call 555"),
        (["Hello", " "], "Hello"),
        (["متى تفتحون؟", "متى تفتحون"], "متى تفتحون؟"),
        (["متى تفتحون", "متى تفتحون؟"], "متى تفتحون؟"),
        (["\u200fمتى تفتحون", "متى تفتحون"], "\u200fمتى تفتحون"),
        (["आप कब खुलते हैं।", "आप कब खुलते हैं?"], "आप कब खुलते हैं।"),
        (["Πότε ανοίγετε;", "Πότε ανοίγετε"], "Πότε ανοίγετε;"),
        (["¿Cuándo abren?", "cuándo abren"], "¿Cuándo abren?"),
        (["好的。", "好的\uff0c我想预约"], "好的。我想预约"),
        (["네, 예약이요", "네 예약이요"], "네, 예약이요"),
        (["Cafe\u0301 olé", "Café ole\u0301 dos"], "Cafe\u0301 olé dos"),
        (["Straße ist zu", "STRASSE ist zu, oder"], "Straße ist zu, oder"),
        (["at 3 p.m. please", "At 3 pm, please"], "at 3 p.m. please"),
        (["I don't know", "I don\u2019t know why"], "I don't know why"),
        (["Hello — ", "Hello there friend"], "Hello — there friend"),
        (["Hello my", "Hello  my name"], "Hello my name"),
        (["...", "Hello"], "...Hello"),
    ],
)
def test_each_word_is_there_as_often_as_it_was_said(pieces: list[str], text: str):
    assert joined(*pieces) == text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([" no", " no"], "no no"),
        (["no ", "no "], "no no"),
        (["5", "5", "5"], "555"),
        (["no", "no"], "no"),
        (["hello my name"] * 2, "hello my name"),
    ],
)
def test_a_short_word_with_a_leading_space_may_have_been_said_twice(pieces: list[str], text: str):
    assert joined(*pieces, may_double=True) == text
