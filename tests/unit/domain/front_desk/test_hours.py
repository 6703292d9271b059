from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import WEEKDAYS, DeskRules, OpeningHours, default_rules
from repartee.domain.text.spoken_english import spoken_day, spoken_slot, spoken_time

pytestmark = pytest.mark.unit

LONDON = ZoneInfo("Europe/London")
FRIDAY = date(2026, 11, 27)
SATURDAY = date(2026, 11, 28)
SUNDAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=LONDON)


def _daily(hours: OpeningHours, slot_minutes: int = 30, zone: ZoneInfo = LONDON) -> DeskRules:
    return DeskRules(week=dict.fromkeys(WEEKDAYS, hours), slot_minutes=slot_minutes, time_zone=zone)


def test_a_weekday_has_sixteen_half_hours_between_nine_and_five():
    slots = default_rules(LONDON).slots(FRIDAY)

    assert slots[0] == Slot(FRIDAY, time(9))
    assert slots[-1] == Slot(FRIDAY, time(16, 30))
    assert len(slots) == 16


def test_there_are_no_slots_on_a_day_on_which_the_desk_is_closed():
    assert default_rules(LONDON).slots(date(2026, 11, 28)) == ()
    assert default_rules(LONDON).on(date(2026, 11, 29)) is None


def test_a_slot_that_would_end_after_closing_is_not_offered():
    morning = OpeningHours(time(9), time(10, 30))
    hours = _daily(morning, slot_minutes=40)

    assert [slot.start for slot in hours.slots(FRIDAY)] == [time(9), time(9, 40)]


def test_only_slots_that_have_not_begun_are_open():
    now = datetime(2026, 11, 27, 15, 0, tzinfo=LONDON)

    assert default_rules(LONDON).open_slots(FRIDAY, now)[0].start == time(15, 30)


def test_the_present_is_compared_in_the_desks_own_zone():
    tokyo = default_rules(ZoneInfo("Asia/Tokyo"))
    now = datetime(2026, 11, 27, 3, 15, tzinfo=LONDON)

    assert tokyo.open_slots(FRIDAY, now)[0].start == time(12, 30)


NIGHT = OpeningHours(time(0), time(4))


def test_when_clocks_go_forward_the_missing_hour_has_no_slots():
    hours = _daily(NIGHT)

    starts = [slot.start for slot in hours.slots(date(2026, 3, 29))]

    assert starts[:3] == [time(0), time(0, 30), time(2)]
    assert len(starts) == 6


@pytest.mark.parametrize(
    ("night_ends", "opens", "starts"),
    [
        ("01:30", "02:00", ["00:00", "00:30", "02:00", "02:30"]),
        ("01:00", "01:30", ["00:00", "00:30", "02:00", "02:30"]),
        ("01:15", "01:45", ["00:00", "00:30", "02:00", "02:30"]),
        ("02:00", "02:00", ["00:00", "00:30", "02:00", "02:30"]),
        ("00:15", "01:59", ["02:00", "02:30"]),
    ],
)
def test_hours_that_begin_or_end_in_the_missing_hour_do_so_when_clocks_go_forward(
    night_ends, opens, starts
):
    night = OpeningHours(time(22), time.fromisoformat(night_ends))
    morning = OpeningHours(time.fromisoformat(opens), time(3))
    rules = DeskRules(week={"saturday": night, "sunday": morning}, time_zone=LONDON)

    assert _starts(rules, date(2026, 3, 29)) == starts


@pytest.mark.parametrize(("fold", "first"), [(0, time(1, 30)), (1, time(2))])
def test_when_clocks_go_back_a_slot_of_the_repeated_hour_is_the_first_one(fold, first):
    hours = _daily(NIGHT)
    now = datetime(2026, 10, 25, 1, 15, fold=fold, tzinfo=LONDON)

    assert hours.open_slots(date(2026, 10, 25), now)[0].start == first


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_the_calendar_have_hours_and_nothing_to_book(day, zone):
    rules = _daily(OpeningHours(time(22), time(6)), zone=ZoneInfo(zone))

    assert rules.open_slots(day, NOW) == ()
    assert rules.on(day) == OpeningHours(time(22), time(6))
    assert rules.open_on(day)[-1] == rules.on(day)


def _starts(rules: DeskRules, day: date) -> list[str]:
    return [f"{slot.start:%H:%M}" for slot in rules.slots(day)]


def test_hours_until_midnight_have_slots_until_midnight():
    rules = DeskRules(
        week={"friday": OpeningHours(time(22, 30), time(0))}, slot_minutes=30, time_zone=LONDON
    )

    assert _starts(rules, FRIDAY) == ["22:30", "23:00", "23:30"]
    assert rules.slots(SATURDAY) == ()
    assert rules.open_on(SATURDAY) == ()


def test_slots_after_midnight_belong_to_the_date_on_which_they_start():
    night = OpeningHours(time(22), time(2))
    rules = DeskRules(week={"friday": night}, slot_minutes=60, time_zone=LONDON)

    assert _starts(rules, FRIDAY) == ["22:00", "23:00"]
    assert _starts(rules, SATURDAY) == ["00:00", "01:00"]
    assert rules.on(SATURDAY) is None
    assert rules.open_on(SATURDAY) == (OpeningHours(time(0), time(2)),)
    assert rules.obstacle(SATURDAY, NOW) is None
    assert rules.slots(SUNDAY) == ()


def test_a_night_and_the_hours_of_the_next_day_are_both_open():
    week = {"friday": OpeningHours(time(23), time(1)), "saturday": OpeningHours(time(9), time(10))}
    rules = DeskRules(week=week, time_zone=LONDON)

    assert _starts(rules, SATURDAY) == ["00:00", "00:30", "09:00", "09:30"]
    assert rules.open_on(SATURDAY) == (OpeningHours(time(0), time(1)), week["saturday"])


def test_a_slot_over_midnight_belongs_to_the_date_on_which_it_starts():
    night = OpeningHours(time(23), time(1))
    rules = DeskRules(week={"friday": night}, slot_minutes=45, time_zone=LONDON)

    assert _starts(rules, FRIDAY) == ["23:00", "23:45"]
    assert rules.slots(SATURDAY) == ()


def test_a_desk_that_closes_when_it_opens_is_open_round_the_clock():
    assert len(_daily(OpeningHours(time(9), time(9)), 60).slots(FRIDAY)) == 24


def test_a_slot_begins_when_the_one_before_it_has_ended_also_where_an_hour_is_missing():
    assert _starts(_daily(NIGHT, 40), date(2026, 3, 29)) == ["00:00", "00:40", "02:20", "03:00"]


clocks = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
changes = st.sampled_from(
    [
        ("Europe/London", date(2026, 3, 29)),
        ("Europe/London", date(2026, 10, 25)),
        ("America/New_York", date(2026, 11, 1)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
        ("America/Santiago", date(2026, 9, 6)),
        ("Africa/Cairo", date(2026, 4, 24)),
        ("Asia/Tokyo", FRIDAY),
    ]
)


@given(opens=clocks, closes=clocks, minutes=st.integers(5, 200), change=changes, data=st.data())
def test_slots_of_following_days_never_overlap_and_lie_within_the_hours(
    opens, closes, minutes, change, data
):
    zone, middle = ZoneInfo(change[0]), change[1]
    closed = data.draw(st.sampled_from([(), (f"{middle}",), (f"{middle}"[5:],)]))
    hours = OpeningHours(opens, closes)
    rules = DeskRules(
        week=dict.fromkeys(WEEKDAYS, hours), slot_minutes=minutes, time_zone=zone, closed=closed
    )
    days = [middle + timedelta(days=ahead) for ahead in (-1, 0, 1)]

    slots = [slot for day in days for slot in rules.slots(day)]

    begins = [datetime.combine(one.day, one.start, zone).timestamp() for one in slots]
    assert all(later - first >= minutes * 60 for first, later in pairwise(begins))
    assert slots == sorted(set(slots))
    for slot in slots:
        is_in = [one.opens <= slot.start for one in rules.open_on(slot.day)]
        assert any(is_in)
        assert f"{slot.day}" not in closed
        assert f"{slot.day}"[5:] not in closed


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
    assert spoken_day(day, date(2026, 11, 1)) == spoken


@pytest.mark.parametrize(
    ("day", "today", "year"),
    [
        (FRIDAY, FRIDAY, ""),
        (date(2026, 11, 26), FRIDAY, " 2026"),
        (date(2025, 11, 28), FRIDAY, " 2025"),
        (date(2027, 11, 26), FRIDAY, ""),
        (date(2027, 11, 27), FRIDAY, " 2027"),
        (date(2062, 12, 6), FRIDAY, " 2062"),
        (date(9999, 12, 31), FRIDAY, " 9999"),
        (date(2025, 2, 28), date(2024, 2, 29), ""),
        (date(2025, 3, 1), date(2024, 2, 29), " 2025"),
        (date(2028, 2, 29), date(2027, 3, 1), ""),
        (date(2028, 2, 29), date(2027, 2, 28), " 2028"),
    ],
)
def test_the_year_is_said_of_the_past_and_of_what_is_twelve_months_ahead(day, today, year):
    assert spoken_day(day, today).partition(" of ")[2].partition(" ")[2] == year.strip()


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
    assert spoken_time(moment) == spoken


def test_a_slot_is_said_with_its_day_and_time():
    spoken = spoken_slot(Slot(FRIDAY, time(15)), date(2024, 1, 1))

    assert spoken == "Friday the 27th of November 2026 at 3 p.m."
