"""Refusals of the desk's tools: limits, closed days, nights, moves, distant days."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import WEEKDAYS, DeskRules, OpeningHours
from repartee.domain.users.notes import Note
from tests.fakes.desk import FakeDesk
from tests.fakes.notes import FakeNotes
from tests.fakes.tool_stores import call_tool, fake_tool_stores, tool_context

pytestmark = pytest.mark.unit

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=LONDON)
NOW_MS = int(NOW.timestamp() * 1000)
FRIDAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)
CHRISTMAS = date(2026, 12, 25)
WEEK = dict.fromkeys(WEEKDAYS, OpeningHours(time(9), time(17)))


@pytest.fixture
def desk() -> FakeDesk:
    return _desk()


def _desk(**fields: Any) -> FakeDesk:
    rules = {"week": WEEK, "slot_minutes": 60, "time_zone": LONDON, "closed": ("12-25",), **fields}
    return FakeDesk(DeskRules(**rules))


def _call(
    desk: FakeDesk, name: str, user_id: str = "ann", /, now: datetime = NOW, **arguments: object
) -> dict[str, Any]:
    return call_tool(name, arguments, tool_context(user_id, now), desk=desk, notes=NOTES)


NOTES = FakeNotes()


def _book(desk: FakeDesk, day: object, at: str, user: str = "ann", **more: Any) -> dict[str, Any]:
    return _call(desk, "book", user, date=f"{day}", time=at, **more)


def _move(desk: FakeDesk, old: str, new: str, user: str = "ann", **more: Any) -> dict[str, Any]:
    (old_date, old_time), (new_date, new_time) = old.split(" "), new.split(" ")
    arguments: dict[str, Any] = {
        "old_date": old_date,
        "old_time": old_time,
        "new_date": new_date,
        "new_time": new_time,
    }
    return _call(desk, "move_booking", user, **arguments, **more)


def _held(desk: FakeDesk, user: str = "ann") -> list[str]:
    return [f"{one.slot.day} {one.slot.start:%H:%M}" for one in desk.bookings(user)]


TEN, ELEVEN = "2026-11-28 10:00", "2026-11-28 11:00"


def test_a_move_onto_ones_other_appointment_is_refused_and_both_stay(desk: FakeDesk) -> None:
    _book(desk, SATURDAY, "10:00", reason="eyes")
    _book(desk, SATURDAY, "11:00", reason="teeth")

    result = _move(desk, TEN, ELEVEN)

    assert (result["status"], result["reason"]) == ("refused", "own_booking")
    assert result["message"].startswith("The caller has another appointment at that time already.")
    assert result["spoken"] == "Saturday the 28th of November at 11 a.m."
    assert [one.reason for one in desk.bookings("ann")] == ["eyes", "teeth"]


def test_a_repeated_move_says_the_same_and_an_invented_one_is_refused(desk: FakeDesk) -> None:
    _book(desk, SATURDAY, "10:00", reason="eyes")
    first = _move(desk, TEN, ELEVEN)

    assert _move(desk, TEN, ELEVEN) == first
    # There is an appointment at eleven, but none was moved there from twelve.
    invented = _move(desk, "2026-11-28 12:00", ELEVEN)
    assert (invented["status"], invented["reason"]) == ("refused", "no_such_booking")
    assert _move(desk, ELEVEN, ELEVEN)["message"] == "It is there already."
    assert _held(desk) == [ELEVEN]


@pytest.mark.parametrize(
    ("new", "reason", "why"),
    [
        (
            "2026-12-25 10:00",
            "closed",
            "On Friday the 25th of December, the front desk is closed.",
        ),
        (
            "2026-11-26 10:00",
            "in_the_past",
            "Thursday the 26th of November 2026 is in the past.",
        ),
        ("2026-11-27 10:00", "in_the_past", "That time is in the past."),
        (
            "2026-11-29 08:00",
            "no_such_slot",
            "That time cannot be booked. Offer one or two of the free times.",
        ),
        (
            "2062-12-06 10:00",
            "too_far_ahead",
            "Wednesday the 6th of December 2062 is too far ahead; the last day that can be booked "
            "is Saturday the 27th of November 2027.",
        ),
        ("9999-12-31 10:00", "too_far_ahead", "Friday the 31st of December 9999 is too far ahead"),
        ("0001-01-01 10:00", "in_the_past", "Monday the 1st of January 1 is in the past."),
    ],
)
def test_booking_moving_and_looking_say_why_nothing_can_be_booked(
    desk: FakeDesk, new: str, reason: str, why: str
) -> None:
    _book(desk, SATURDAY, "10:00")
    day, at = new.split(" ")

    for result in (_book(desk, day, at), _move(desk, TEN, new)):
        assert (result["status"], result["reason"]) == ("refused", reason)
        assert result["message"].startswith(why)
    free = _call(desk, "free_slots", date=day)
    assert bool(free["free"]) is ("That time" in why)
    assert free["free"] or (free["message"].startswith(why) and free["reason"] == reason)
    assert _held(desk) == [TEN]


def test_an_appointment_that_has_begun_is_neither_moved_nor_cancelled(desk: FakeDesk) -> None:
    desk.book("ann", Slot(FRIDAY, time(10)), reason="", booked_at_ms=NOW_MS - 3_600_000)

    for result in (
        _move(desk, "2026-11-27 10:00", TEN),
        _call(desk, "cancel_booking", date="2026-11-27", time="10:00"),
    ):
        assert (result["status"], result["reason"]) == ("refused", "in_the_past")
    assert _held(desk) == ["2026-11-27 10:00"]
    assert _call(desk, "my_bookings")["bookings"] == []


def test_a_second_cancellation_finds_nothing(desk: FakeDesk) -> None:
    _book(desk, SATURDAY, "10:00")
    cancel: dict[str, Any] = {"date": "2026-11-28", "time": "10:00"}

    assert _call(desk, "cancel_booking", **cancel)["status"] == "done"
    assert _call(desk, "cancel_booking", **cancel)["reason"] == "no_such_booking"
    assert _move(desk, TEN, ELEVEN)["reason"] == "no_such_booking"


def test_a_slot_that_the_caller_has_for_another_reason_is_left_and_said(desk: FakeDesk) -> None:
    _book(desk, SATURDAY, "10:00", reason="eyes")

    again = _book(desk, SATURDAY, "10:00", reason="teeth")

    assert again["message"] == "The caller has this appointment already, and it is unchanged."
    assert (again["status"], again["reason"]) == ("done", "eyes")


def test_one_caller_does_not_fill_a_day(desk: FakeDesk) -> None:
    results = [_book(desk, SATURDAY, f"{hour:02d}:00") for hour in range(9, 17)]

    assert [one["status"] for one in results] == ["done"] * 3 + ["refused"] * 5
    assert {one["reason"] for one in results[3:]} == {"too_many_that_day"}
    assert results[3]["message"] == (
        "The caller has 3 appointments on Saturday the 28th of November already, which is the "
        "limit. Offer to look at another day."
    )
    assert _book(desk, SATURDAY, "16:00", user="ben")["status"] == "done"
    _book(desk, "2026-11-29", "09:00")
    assert _move(desk, "2026-11-29 09:00", "2026-11-28 15:00")["reason"] == "too_many_that_day"


def test_one_caller_holds_so_many_appointments_ahead_and_then_cancels_one() -> None:
    desk = _desk(max_bookings=2)
    for day in (28, 29):
        _book(desk, f"2026-11-{day}", "10:00")

    refused = _book(desk, "2026-11-30", "10:00")

    assert (refused["reason"], refused["limit"]) == ("too_many_bookings", 2)
    assert refused["message"] == (
        "The caller has 2 appointments ahead already, which is the limit. "
        "Offer to cancel or move one."
    )
    later = datetime(2026, 11, 28, 10, 30, tzinfo=LONDON)
    booked = {"date": "2026-11-30", "time": "10:00"}
    assert _call(desk, "book", now=later, **booked)["status"] == "done"


NIGHTS = {"friday": OpeningHours(time(22), time(2)), "sunday": OpeningHours(time(18), time(0))}


@pytest.mark.parametrize(
    ("day", "message", "opens", "closes"),
    [
        ("2026-11-27", "Open from 10 p.m. to 2 a.m. the next day", "22:00", "02:00"),
        ("2026-11-28", "Open from midnight to 2 a.m.", "00:00", "02:00"),
        ("2026-11-29", "Open from 6 p.m. to midnight", "18:00", "00:00"),
    ],
)
def test_hours_over_midnight_are_said_for_both_days(
    day: str, message: str, opens: str, closes: str
) -> None:
    result = _call(_desk(week=NIGHTS), "opening_hours", date=day)

    assert (result["message"], result["opens"], result["closes"]) == (message, opens, closes)


def test_a_night_and_the_day_after_it_are_said_together() -> None:
    desk = _desk(week=NIGHTS | {"saturday": OpeningHours(time(9), time(17))})

    result = _call(desk, "opening_hours", date="2026-11-28")

    assert result["message"] == "Open from midnight to 2 a.m. and from 9 a.m. to 5 p.m."


def test_a_slot_after_midnight_is_found_booked_moved_and_cancelled_on_its_own_date() -> None:
    desk = _desk(week=NIGHTS)

    free = _call(desk, "free_slots", date="2026-11-28")["free"]
    assert [one["time"] for one in free] == ["00:00", "01:00"]
    booked = _book(desk, SATURDAY, "01:00")
    assert booked["spoken"] == "Saturday the 28th of November at 1 a.m."
    assert _book(desk, FRIDAY, "01:00")["reason"] == "in_the_past"
    assert _move(desk, "2026-11-28 01:00", "2026-11-27 23:00")["status"] == "done"
    assert _move(desk, "2026-11-27 23:00", "2026-11-28 00:00")["status"] == "done"
    cancelled = _call(desk, "cancel_booking", date="2026-11-28", time="00:00")
    assert cancelled["status"] == "done"


def test_a_closed_day_is_said_as_closed(desk: FakeDesk) -> None:
    assert _call(desk, "opening_hours", date="2026-12-25")["message"] == "Closed all day."
    assert _call(desk, "opening_hours", date="2062-12-25")["spoken"].endswith(" 2062")


def test_the_year_is_said_wherever_a_day_is_twelve_months_away() -> None:
    desk = _desk(horizon_days=800)
    far = "Thursday the 2nd of December 2027"

    assert _book(desk, "2027-12-02", "10:00")["spoken"] == f"{far} at 10 a.m."
    (mine,) = _call(desk, "my_bookings")["bookings"]
    assert mine["spoken"] == f"{far} at 10 a.m."
    moved = _move(desk, "2027-12-02 10:00", "2027-12-02 11:00")
    assert (moved["spoken"], moved["from"]["spoken"]) == (f"{far} at 11 a.m.", f"{far} at 10 a.m.")
    cancelled = _call(desk, "cancel_booking", date="2027-12-02", time="11:00")
    assert cancelled["spoken"] == f"{far} at 11 a.m."
    for name in ("opening_hours", "free_slots"):
        assert _call(desk, name, date="2027-12-02")["spoken"] == far


@pytest.mark.parametrize("day", ["0001-01-01", "0999-12-31", "9999-12-31"])
def test_any_day_of_the_calendar_is_answered_as_it_has_to_be_written(
    desk: FakeDesk, day: str
) -> None:
    for name in ("opening_hours", "free_slots"):
        assert _call(desk, name, date=day)["date"] == day


def test_the_day_on_which_something_was_noted_is_the_desks_and_says_its_year(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = datetime(2025, 7, 1, 23, 30, tzinfo=ZoneInfo("UTC"))
    old = Note("n1", "Likes mornings.", int(late.timestamp() * 1000))
    monkeypatch.setattr(NOTES, "newest", lambda _user, limit: [old][:limit])

    (note,) = _call(desk, "recall_notes")["notes"]

    assert note["since"] == "Wednesday the 2nd of July 2025"


def test_which_appointment_is_meant_is_asked_before_one_is_changed(desk: FakeDesk) -> None:
    made = make_tools(fake_tool_stores(desk=desk), tool_context("ann", NOW))
    tools = {tool.name: tool for tool in made}

    for name in ("cancel_booking", "move_booking"):
        assert "call my_bookings first" in tools[name].description
        assert "ask which one when several are possible" in tools[name].description
