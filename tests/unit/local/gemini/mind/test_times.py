from datetime import date, datetime, time

import pytest

from local.gemini.mind.times import find_when, humanise, parse_when, speak_date, speak_time

pytestmark = pytest.mark.unit

SUNDAY = datetime.fromisoformat("2026-11-22T17:30")
WEDNESDAY = datetime.fromisoformat("2026-11-25T10:00")


@pytest.mark.parametrize(
    ("heard", "day", "at"),
    [
        ("i'd like to see the doctor on friday at three in the afternoon", (11, 27), (15, 0)),
        ("book an appointment on friday at three", (11, 27), (15, 0)),
        ("on monday at nine in the morning", (11, 23), (9, 0)),
        ("tuesday at half past ten", (11, 24), (10, 30)),
        ("tomorrow at quarter to five", (11, 23), (16, 45)),
        ("the day after tomorrow at eleven thirty", (11, 24), (11, 30)),
        ("wednesday at ten o'clock", (11, 25), (10, 0)),
        ("thursday at for", (11, 26), (16, 0)),
        ("on monday and to me in the morning", (11, 23), (10, 0)),
        ("on friday at him in the morning", (11, 27), (10, 0)),
        ("on wednesday and floor in the afternoon", (11, 25), (16, 0)),
        ("the twenty seventh of november at 2:30 p.m.", (11, 27), (14, 30)),
        ("december the third at 9 am", (12, 3), (9, 0)),
        ("2026-11-30 at 09:00", (11, 30), (9, 0)),
        ("no not monday, tuesday at noon", (11, 24), (12, 0)),
        ("thursday at seven in the evening", (11, 26), (19, 0)),
    ],
)
def test_a_day_and_an_hour_are_read_as_people_say_them(heard, day, at):
    when = parse_when(heard)
    assert when.on(SUNDAY) == date(2026, *day)
    assert when.at == time(*at)


def test_todays_weekday_means_today_only_while_the_hour_is_to_come():
    assert parse_when("wednesday at three").on(WEDNESDAY) == date(2026, 11, 25)
    assert parse_when("wednesday at nine").on(WEDNESDAY) == date(2026, 12, 2)
    assert parse_when("next wednesday at three").on(WEDNESDAY) == date(2026, 12, 2)


@pytest.mark.parametrize("text", ["", "i would like to come", "three people for dinner"])
def test_text_without_a_time_gives_none(text):
    when = parse_when(text)
    assert when.on(SUNDAY) is None
    assert when.at is None


def test_a_day_that_the_calendar_lacks_is_no_day():
    assert parse_when("february the 30th").on(SUNDAY) is None
    assert parse_when("2026-02-30").on(SUNDAY) is None


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 27), "Friday the 27th of November"),
        (date(2026, 12, 1), "Tuesday the 1st of December"),
        (date(2026, 12, 12), "Saturday the 12th of December"),
        (date(2026, 12, 22), "Tuesday the 22nd of December"),
    ],
)
def test_dates_are_said_with_their_ordinal(day, said):
    assert speak_date(day) == said


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
    assert parse_when(text).on(SUNDAY) == day


def test_times_are_said_on_the_twelve_hour_clock():
    assert [speak_time(time(*at)) for at in [(15, 0), (9, 30), (12, 0), (0, 5)]] == [
        "3 p.m.",
        "9:30 a.m.",
        "12 p.m.",
        "12:05 a.m.",
    ]


def test_iso_dates_and_times_become_speakable_where_they_stand():
    assert (
        humanise("Booked: 2026-11-27T15:00 and Friday, 2026-11-27 from 9:30, not 99:99.")
        == "Booked: Friday the 27th of November at 3 p.m. and Friday the 27th of November "
        "from 9:30 a.m., not 99:99."
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it is on Friday the 27th of November at 3 p.m.", "Friday the 27th of November at 3 p.m."),
        ("come on 2026-11-27 at 15:00", "Friday the 27th of November at 3 p.m."),
        ("for 3 p.m. on Monday", "Monday at 3 p.m."),
        ("on Friday at three in the afternoon, then", "Friday at three in the afternoon"),
        ("on November 27 at 10 o'clock", "November 27 at 10 o'clock"),
        ("nothing of the kind", None),
    ],
)
def test_a_day_with_its_hour_is_found_in_what_was_said(text, found):
    assert find_when(text) == found
