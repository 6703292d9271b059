from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from repartee.domain.desk import DeskHours, OpeningHours, Slot, weekday_hours
from repartee.domain.speakable import speakable_day, speakable_slot, speakable_time

pytestmark = pytest.mark.unit

LONDON = ZoneInfo("Europe/London")
FRIDAY = date(2026, 11, 27)


def test_a_weekday_has_sixteen_half_hours_between_nine_and_five():
    slots = weekday_hours(LONDON).slots(FRIDAY)

    assert slots[0] == Slot(FRIDAY, time(9))
    assert slots[-1] == Slot(FRIDAY, time(16, 30))
    assert len(slots) == 16


def test_there_are_no_slots_on_a_day_on_which_the_desk_is_closed():
    assert weekday_hours(LONDON).slots(date(2026, 11, 28)) == ()
    assert weekday_hours(LONDON).on(date(2026, 11, 29)) is None


def test_a_slot_that_would_end_after_closing_is_not_offered():
    morning = OpeningHours(time(9), time(10, 30))
    hours = DeskHours(week=(morning,) * 7, slot_minutes=40, zone=LONDON)

    assert [slot.start for slot in hours.slots(FRIDAY)] == [time(9), time(9, 40)]


def test_only_slots_that_have_not_begun_are_open():
    now = datetime(2026, 11, 27, 15, 0, tzinfo=LONDON)

    assert weekday_hours(LONDON).open_slots(FRIDAY, now)[0].start == time(15, 30)


def test_the_present_is_compared_in_the_desks_own_zone():
    tokyo = weekday_hours(ZoneInfo("Asia/Tokyo"))
    now = datetime(2026, 11, 27, 3, 15, tzinfo=LONDON)

    assert tokyo.open_slots(FRIDAY, now)[0].start == time(12, 30)


NIGHT = OpeningHours(time(0), time(4))


def test_where_clocks_are_put_forward_the_missing_hour_has_no_slots():
    hours = DeskHours(week=(NIGHT,) * 7, slot_minutes=30, zone=LONDON)

    starts = [slot.start for slot in hours.slots(date(2026, 3, 29))]

    assert starts[:3] == [time(0), time(0, 30), time(2)]
    assert len(starts) == 6


@pytest.mark.parametrize(("fold", "first"), [(0, time(1, 30)), (1, time(2))])
def test_where_clocks_are_put_back_a_slot_of_the_doubled_hour_is_the_first_one(fold, first):
    hours = DeskHours(week=(NIGHT,) * 7, slot_minutes=30, zone=LONDON)
    now = datetime(2026, 10, 25, 1, 15, fold=fold, tzinfo=LONDON)

    assert hours.open_slots(date(2026, 10, 25), now)[0].start == first


@pytest.mark.parametrize(("year", "open_slots"), [(1, 0), (9999, 8)])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_the_calendar_have_slots_like_other_days(year, open_slots, zone):
    hours = DeskHours(week=(NIGHT,) * 7, slot_minutes=30, zone=ZoneInfo(zone))
    now = datetime(2026, 11, 27, 15, 0, tzinfo=LONDON)

    assert len(hours.open_slots(date(year, 1, 1), now)) == open_slots


@pytest.mark.parametrize(
    ("day", "spoken"),
    [
        (date(2026, 11, 1), "Sunday the 1st of November"),
        (date(2026, 12, 2), "Wednesday the 2nd of December"),
        (date(2026, 12, 3), "Thursday the 3rd of December"),
        (date(2026, 12, 11), "Friday the 11th of December"),
        (date(2026, 12, 12), "Saturday the 12th of December"),
        (date(2026, 12, 13), "Sunday the 13th of December"),
        (date(2026, 12, 22), "Tuesday the 22nd of December"),
        (FRIDAY, "Friday the 27th of November"),
    ],
)
def test_days_are_said_as_people_say_them(day, spoken):
    assert speakable_day(day) == spoken


@pytest.mark.parametrize(
    ("moment", "spoken"),
    [
        (time(0), "midnight"),
        (time(0, 30), "12:30 a.m."),
        (time(9), "9 a.m."),
        (time(12), "noon"),
        (time(12, 30), "12:30 p.m."),
        (time(15, 5), "3:05 p.m."),
    ],
)
def test_times_are_said_as_people_say_them(moment, spoken):
    assert speakable_time(moment) == spoken


def test_a_slot_is_said_with_its_day_and_time():
    assert speakable_slot(Slot(FRIDAY, time(15))) == "Friday the 27th of November at 3 p.m."
