"""Days and times as callers say them and as a recogniser writes them."""

import re
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_agent.spoken_forms import spoken_forms
from local.gemini.mind.languages import languages
from repartee.domain.front_desk.bookings import Slot

pytestmark = pytest.mark.unit

SUNDAY = datetime.fromisoformat("2026-11-22T17:30")
WEDNESDAY = datetime.fromisoformat("2026-11-25T10:00")
read = languages()["en"].read_when


@pytest.mark.parametrize(
    ("heard", "day", "at"),
    [
        ("i'd like to see the doctor on friday at three in the afternoon", (11, 27), (15, 0)),
        ("I'd like to see the doctor on Friday at 3 in the afternoon.", (11, 27), (15, 0)),
        ("book an appointment on friday at three", (11, 27), (15, 0)),
        ("I would like to book an appointment on Thursday at 4:00.", (11, 26), (16, 0)),
        ("Thursday, 4 PM, please.", (11, 26), (16, 0)),
        ("4 p.m. on Monday", (11, 23), (16, 0)),
        ("Four o'clock on Thursday.", (11, 26), (16, 0)),
        ("Monday at 10.", (11, 23), (10, 0)),
        ("Monday at 11 o'clock in the morning.", (11, 23), (11, 0)),
        ("on monday at nine in the morning", (11, 23), (9, 0)),
        ("tuesday at half past ten", (11, 24), (10, 30)),
        ("Tuesday at half-past 10.", (11, 24), (10, 30)),
        ("Tuesday at half two, please", (11, 24), (14, 30)),
        ("tomorrow at quarter to five", (11, 23), (16, 45)),
        ("Tomorrow at a quarter to one.", (11, 23), (12, 45)),
        ("Tomorrow at 20 to 4.", (11, 23), (15, 40)),
        ("tomorrow at ten to four", (11, 23), (15, 50)),
        ("Tomorrow at ten past four.", (11, 23), (16, 10)),
        ("the day after tomorrow at eleven thirty", (11, 24), (11, 30)),
        ("Tuesday at ten-thirty", (11, 24), (10, 30)),
        ("Tuesday at four oh five", (11, 24), (16, 5)),
        ("wednesday at ten o'clock", (11, 25), (10, 0)),
        ("the twenty seventh of november at 2:30 p.m.", (11, 27), (14, 30)),
        ("The twenty-seventh of November at 14:30.", (11, 27), (14, 30)),
        ("december the third at 9 am", (12, 3), (9, 0)),
        ("The 3rd of December at 4.", (12, 3), (16, 0)),
        ("at 9:30 a.m. on Thursday, the 3rd of December", (12, 3), (9, 30)),
        ("December 3rd at 10:30 a.m.", (12, 3), (10, 30)),
        ("Dec. 3 at 10:30", (12, 3), (10, 30)),
        ("on the third at nine", (12, 3), (9, 0)),
        ("2026-11-30 at 09:00", (11, 30), (9, 0)),
        ("2026-11-30T04:00", (11, 30), (4, 0)),
        ("no not monday, tuesday at noon", (11, 24), (12, 0)),
        ("not tomorrow, Monday the 30th at 9", (11, 30), (9, 0)),
        ("thursday at seven in the evening", (11, 26), (19, 0)),
        ("To-morrow at 10.", (11, 23), (10, 0)),
        ("Good morning, I'd like to come on Friday at three.", (11, 27), (15, 0)),
        ("Tonight at 8.", (11, 22), (20, 0)),
        ("A table for 4 on Saturday at 7:30 p.m.", (11, 28), (19, 30)),
        ("from three to four on Friday", (11, 27), (15, 0)),
    ],
)
def test_a_day_and_a_time_are_read_as_people_say_them(heard, day, at):
    when = read(heard)
    assert when.on(SUNDAY) == date(2026, *day)
    assert when.at == time(*at)


@pytest.mark.parametrize(
    ("heard", "day"),
    [
        ("this Friday", (11, 27)),
        ("next Thursday", (11, 26)),
        ("Thursday next week", (11, 26)),
        ("next week on Thursday", (11, 26)),
        ("in two weeks", (12, 6)),
        ("today after tomorrow", (11, 24)),
        ("in a week", (11, 29)),
        ("in 10 days", (12, 2)),
        ("in a fortnight", (12, 6)),
        ("a week from Monday", (11, 30)),
        ("two weeks from tomorrow", (12, 7)),
        ("this afternoon", (11, 22)),
        ("on Monday or, no, the 1st of December", (12, 1)),
        ("12/13", (12, 13)),
        ("12/12", (12, 12)),
        ("26/11", (11, 26)),
    ],
)
def test_a_day_is_read_without_a_time(heard, day):
    assert (read(heard).on(SUNDAY), read(heard).at) == (date(2026, *day), None)


@pytest.mark.parametrize(
    ("heard", "day"),
    [
        ("wednesday", (11, 25)),
        ("wednesday at three", (11, 25)),
        ("wednesday at nine", (12, 2)),
        ("next wednesday at three", (12, 2)),
        ("Wednesday next week", (12, 2)),
        ("next Thursday", (11, 26)),
        ("Thursday next week", (12, 3)),
        ("a week from Wednesday", (12, 2)),
    ],
)
def test_todays_weekday_includes_today_while_the_time_is_to_come(heard, day):
    assert read(heard).on(WEDNESDAY) == date(2026, *day)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i would like to come",
        "three people for dinner",
        "May I come in?",
        "12/3",
        "for the first time",
        "It is for about four people.",
        "next week",
        "Oh, I see.",
        "One is the first free appointment.",
        "One moment, please.",
    ],
)
def test_text_without_one_day_and_time_gives_none(text):
    when = read(text)
    assert when.on(SUNDAY) is None
    assert when.at is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("between 3 and 5", "afternoon"),
        ("Between three and five p.m.", "afternoon"),
        ("after 3", "afternoon"),
        ("Sometime before 11.", "morning"),
        ("after 7 p.m.", "evening"),
        ("in the morning", "morning"),
        ("Good morning.", None),
        ("at 10 a.m.", "morning"),
    ],
)
def test_a_range_gives_a_part_of_the_day_and_no_time(text, part):
    assert read(text).part == part
    assert (read(text).at is None) == ("at" not in text)


@pytest.mark.parametrize(
    ("text", "at"), [("Four.", (16, 0)), ("Friday. 10, please", (10, 0)), ("11:30", (11, 30))]
)
def test_a_sentence_of_one_number_is_a_time(text, at):
    assert read(text).at == time(*at)


def test_a_day_that_the_calendar_lacks_is_no_day():
    assert read("february the 30th").on(SUNDAY) is None
    assert read("2026-02-30").on(SUNDAY) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("on the 6th of December 2062 at 3 p.m.", date(2062, 12, 6)),
        ("on December 6th, 2062", date(2062, 12, 6)),
        ("on the 6th of December at 3 p.m.", date(2026, 12, 6)),
        ("on the 30th of February 2027", None),
    ],
)
def test_a_day_with_a_year_is_that_one_day(text, day):
    assert read(text).on(SUNDAY) == day


@pytest.mark.parametrize(
    ("heard", "at"),
    [
        ("on Thursday at for", (16, 0)),
        ("on Thursday at two", (14, 0)),
        ("three of clock on Thursday", (15, 0)),
        ("Thursday at too o clock", (14, 0)),
        ("Thursday yet for", (16, 0)),
        ("On firstly at half past two", (14, 30)),
        ("Yes, first, the at four is fine", (16, 0)),
        ("Thursday have a pass to you", (14, 30)),
        ("Thursday at half-pest two", (14, 30)),
        ("Thursday at three, thirty", (15, 30)),
        ("Thursday at three a block", (15, 0)),
        ("Thursday is yet to come", None),
        ("I have passed two exams on Thursday", None),
        ("half past for on Thursday", (16, 30)),
    ],
)
def test_a_time_is_read_from_words_of_the_same_sound(heard, at):
    assert (read(heard).on(SUNDAY), read(heard).at) == (date(2026, 11, 26), at and time(*at))


_PIECES = re.findall(
    r"\S+",
    """next the of in at from to past after between and on , . : - / a.m. p.m. o'clock half quarter
    minutes noon midnight week weeks day days today tomorrow evening Monday May first twentieth
    zero 0 3 12 24 31 99 4:00 3rd 1999 2026-11-31 9999999999 mañana y media las शाम बजे""",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=12), st.sampled_from(["en", "es", "hi"]))
def test_any_words_are_read_without_an_error(pieces: list[str], language: str):
    text = " ".join(pieces)
    languages()[language].read_when(text).on(SUNDAY)
    languages()[language].read_number(text)


@given(
    st.sampled_from(["en-US", "es-ES", "hi-IN"]),
    st.integers(min_value=-30, max_value=800),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
)
def test_each_slot_that_the_product_says_is_understood(language: str, days: int, at: time):
    slot = Slot(SUNDAY.date() + timedelta(days), at)
    spoken = spoken_forms(language).slot(slot, SUNDAY.date())
    when = languages()[language[:2]].read_when(spoken)
    assert (when.on(SUNDAY), when.at) == (slot.day, slot.start), spoken
