from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from repartee.domain.front_desk.bookings import Slot, TooManyBookings
from repartee.domain.front_desk.rules import (
    WEEKDAYS,
    DeskRules,
    Obstacle,
    OpeningHours,
    RulesRefused,
    checked_rules,
    default_rules,
)

pytestmark = pytest.mark.unit

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=LONDON)
FRIDAY = date(2026, 11, 27)
CHRISTMAS = date(2026, 12, 25)
OFFICE = {"opens": "09:00", "closes": "17:00"}
# All that version 0.1.0 wrote.
WRITTEN_BEFORE = {"week": {"monday": OFFICE}, "slot_minutes": 30, "time_zone": "Europe/London"}


def _rules(**fields: object) -> DeskRules:
    return checked_rules({**WRITTEN_BEFORE, **fields}, LONDON, unknown="forbid")


def _daily(opens: str, closes: str) -> dict[str, object]:
    return {name: {"opens": opens, "closes": closes} for name in WEEKDAYS}


def test_an_item_of_a_version_without_limits_has_the_default_limits():
    rules = _rules()

    assert rules.week == {"monday": OpeningHours(time(9), time(17))}
    defaults = default_rules(LONDON)
    for name in ("closed", "horizon_days", "max_bookings", "max_bookings_per_day"):
        assert getattr(rules, name) == getattr(defaults, name)


def test_rules_written_by_hand_are_read():
    rules = _rules(
        week={"monday": {"opens": "09:00:00", "closes": "17:00:00"}},
        slot_minutes="30",
        closed={"12-25"},
    )

    assert rules.model_dump() == _rules(closed=["12-25"]).model_dump()


def test_rules_are_read_as_they_were_written():
    rules = _rules(closed=["12-25", "2027-04-02"], horizon_days=60, week=_daily("22:00", "06:00"))

    assert checked_rules(rules.model_dump(mode="json"), LONDON, unknown="forbid") == rules


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"week": {"funday": OFFICE}}, "week.funday"),
        ({"week": {"monday": {"opens": "9:00", "closes": "17:00"}}}, "week.monday.opens: write a"),
        ({"week": {"monday": {"opens": "09:00", "closes": "24:00"}}}, "midnight is 00:00"),
        ({"week": {"monday": {"opens": 9, "closes": "17:00"}}}, "week.monday.opens: write a time"),
        ({"week": {"monday": {"opens": "09:00"}}}, "week.monday.closes: Field required"),
        ({"week": "always"}, "week: "),
        ({"week": _daily("09:00", "08:00") | {"monday": {"opens": "07:00", "closes": "08:00"}}},
         "monday must not open at 07:00, because the hours of sunday end at 08:00"),
        ({"slot_minutes": 0}, "slot_minutes: Input should be greater than or equal to 1"),
        ({"slot_minutes": 1_441}, "slot_minutes: Input should be less than or equal to 1440"),
        ({"slot_minutes": "half an hour"}, "slot_minutes: "),
        ({"closed": ["2026-02-29"]}, "closed.0: there is no 2026-02-29 in the calendar"),
        ({"closed": ["13-01"]}, "closed.0: there is no 13-01 in the calendar"),
        ({"closed": ["Christmas"]}, "closed.0: write a day as YYYY-MM-DD, or as MM-DD"),
        ({"closed": "12-25"}, "closed: "),
        ({"horizon_days": 0}, "horizon_days: Input should be greater than or equal to 1"),
        ({"horizon_days": 3_651}, "horizon_days: Input should be less than or equal to 3650"),
        ({"max_bookings": 0}, "max_bookings: "),
        ({"max_bookings_per_day": 101}, "max_bookings_per_day: "),
        ({"time_zone": "Mars/Phobos"}, "time_zone: invalid timezone: Mars/Phobos"),
        ({"time_zone": None}, "time_zone: "),
        ({"time_zone": "Europe/Berlin"}, "time_zone: it is Europe/Berlin, and the deployment's"),
        ({"opening": "09:00"}, "opening: "),
    ],
)  # fmt: skip
def test_wrong_rules_are_refused_with_their_field_and_what_is_wrong(fields, fault):
    with pytest.raises(RulesRefused) as refused:
        _rules(**fields)

    assert fault in str(refused.value)


def test_a_field_of_a_later_version_is_ignored_when_rules_are_read():
    assert checked_rules({**WRITTEN_BEFORE, "later": 1}, LONDON, unknown="ignore") == _rules()


def test_a_night_may_end_when_the_next_day_opens():
    assert _rules(week=_daily("08:00", "08:00")).slot_minutes == 30


@pytest.mark.parametrize(
    ("closed", "day", "is_closed"),
    [
        ("12-25", CHRISTMAS, True),
        ("12-25", date(2031, 12, 25), True),
        ("12-25", date(2026, 12, 24), False),
        ("2026-12-25", CHRISTMAS, True),
        ("2026-12-25", date(2031, 12, 25), False),
        ("02-29", date(2028, 2, 29), True),
        ("02-29", date(2027, 3, 1), False),
    ],
)
def test_nothing_can_be_booked_on_a_closed_day(closed, day, is_closed):
    rules = _rules(week=_daily("09:00", "17:00"), closed=[closed], horizon_days=3_650)

    assert rules.obstacle(day, NOW) is (Obstacle.CLOSED if is_closed else None)
    assert (rules.on(day) is None) is is_closed
    assert (rules.open_slots(day, NOW) == ()) is is_closed


def test_a_night_before_a_closed_day_ends_at_midnight_and_none_begins_on_it():
    rules = _rules(week=_daily("22:00", "02:00"), closed=["12-25"], slot_minutes=60)

    assert rules.on(date(2026, 12, 24)) == OpeningHours(time(22), time(0))
    assert rules.open_on(CHRISTMAS) == ()
    assert [slot.start.hour for slot in rules.slots(date(2026, 12, 26))] == [22, 23]


@pytest.mark.parametrize(
    ("day", "obstacle"),
    [
        (date(2026, 11, 26), Obstacle.PAST),
        (date.min, Obstacle.PAST),
        (FRIDAY, None),
        (date(2026, 12, 4), None),
        (date(2026, 12, 5), Obstacle.TOO_FAR),
        (date(2062, 12, 6), Obstacle.TOO_FAR),
        (date.max, Obstacle.TOO_FAR),
    ],
)
def test_a_day_can_be_booked_from_today_to_the_horizon(day, obstacle):
    rules = _rules(week=_daily("09:00", "17:00"), horizon_days=7)

    assert rules.obstacle(day, NOW) is obstacle
    assert (rules.open_slots(day, NOW) == ()) is (obstacle is not None)


def test_today_is_the_date_in_the_desks_zone():
    tokyo = default_rules(ZoneInfo("Asia/Tokyo"))
    late = datetime(2026, 11, 27, 16, tzinfo=LONDON)

    assert tokyo.today(late) == date(2026, 11, 28)
    assert tokyo.obstacle(FRIDAY, late) is Obstacle.PAST


def _slots(*hours: int, day: date = FRIDAY) -> list[Slot]:
    return [Slot(day, time(hour)) for hour in hours]


@pytest.mark.parametrize(
    ("held", "wanted", "instead_of", "limit"),
    [
        (_slots(9), Slot(FRIDAY, time(10)), None, None),
        (_slots(9, 10), Slot(FRIDAY, time(11)), None, (2, FRIDAY)),
        (_slots(9, 10), Slot(CHRISTMAS, time(11)), None, None),
        (_slots(9, 10) + _slots(9, day=CHRISTMAS), Slot(date(2027, 1, 8), time(9)),
         None, (3, None)),
        (_slots(9, 10), Slot(FRIDAY, time(11)), Slot(FRIDAY, time(9)), None),
        (_slots(9, 10) + _slots(9, day=CHRISTMAS), Slot(FRIDAY, time(11)),
         Slot(CHRISTMAS, time(9)), (2, FRIDAY)),
        # More than the limit, which was lowered since: a move makes it no worse.
        (_slots(9, 10, 11, 12), Slot(CHRISTMAS, time(9)), Slot(FRIDAY, time(9)), None),
        (_slots(9, 10, 11, 12), Slot(FRIDAY, time(13)), Slot(FRIDAY, time(9)), None),
    ],
)  # fmt: skip
def test_a_user_holds_no_more_than_the_limits(held, wanted, instead_of, limit):
    rules = _rules(max_bookings=3, max_bookings_per_day=2)

    if limit is None:
        rules.check_bookable(held, wanted, instead_of=instead_of)
        return
    with pytest.raises(TooManyBookings) as refused:
        rules.check_bookable(held, wanted, instead_of=instead_of)
    assert (refused.value.limit, refused.value.day) == limit


def test_the_default_rules_take_the_hours_of_the_persona():
    evening = OpeningHours(time(18), time(0))

    rules = default_rules(LONDON, {"friday": evening})

    assert rules.week == {"friday": evening}
