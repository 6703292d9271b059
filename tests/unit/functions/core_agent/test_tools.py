import json
from datetime import date, datetime, time
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from repartee.application.answers.tool_run_recorder import ToolRunRecorder
from repartee.domain.errors import StoreUnavailable
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.tools.core_calls import BegunTool
from repartee.ports.front_desk import Desk
from tests.fakes.clock import FakeClock
from tests.fakes.desk import FakeDesk
from tests.fakes.tool_stores import call_tool, fake_tool_stores, tool_context

pytestmark = pytest.mark.unit

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=LONDON)
TODAY = date(2026, 11, 27)
MONDAY = date(2026, 11, 30)
SATURDAY = date(2026, 11, 28)
BOOKED_AT_MS = int(NOW.timestamp() * 1000)


class OutOfReach:
    """A desk whose table is down."""

    def __getattr__(self, _name):
        def fail(*_args, **_kwargs):
            raise StoreUnavailable("down")

        return fail


@pytest.fixture
def desk():
    hours = OpeningHours(time(9), time(17))
    return FakeDesk({TODAY: hours, MONDAY: hours}, LONDON)


def _call(desk: Desk, name: str, user_id: str = "robert", /, **arguments: object) -> dict[str, Any]:
    return call_tool(name, arguments, tool_context(user_id, NOW), desk=desk)


def test_opening_hours_are_given_for_machines_and_for_speaking(desk):
    result = _call(desk, "opening_hours", date="2026-11-30")

    assert result["status"] == "done"
    assert result["message"] == "Open from 9 a.m. to 5 p.m."
    assert (result["opens"], result["closes"]) == ("09:00", "17:00")


def test_a_day_without_hours_is_shown_as_closed(desk):
    result = _call(desk, "opening_hours", date="2026-11-28")

    assert result == {
        "status": "done",
        "message": "Closed all day.",
        "date": "2026-11-28",
        "spoken": "Saturday the 28th of November",
        "open": False,
    }


def test_free_slots_leave_out_what_is_booked_and_what_has_begun(desk):
    desk.book("david", Slot(TODAY, time(12)), reason="", booked_at_ms=BOOKED_AT_MS)

    free = _call(desk, "free_slots", date="2026-11-27")["free"]

    assert [slot["time"] for slot in free] == ["11:00", "13:00", "14:00", "15:00", "16:00"]
    assert free[0]["spoken"] == "11 a.m."


def test_booking_holds_the_slot_for_the_caller(desk):
    result = _call(desk, "book", date="2026-11-30", time="15:00", reason=" check-up ")

    assert result == {
        "status": "done",
        "message": "Booked.",
        "date": "2026-11-30",
        "time": "15:00",
        "spoken": "Monday the 30th of November at 3 p.m.",
        "reason": "check-up",
    }
    assert [booking.slot for booking in desk.bookings("robert")] == [Slot(MONDAY, time(15))]


def test_booking_twice_holds_one_slot_and_says_the_same(desk):
    first = _call(desk, "book", date="2026-11-30", time="15:00")

    assert _call(desk, "book", date="2026-11-30", time="15:00") == first
    assert len(desk.bookings("robert")) == 1


def test_a_slot_that_somebody_has_is_refused_with_what_is_free_instead(desk):
    _call(desk, "book", "david", date="2026-11-30", time="15:00")

    result = _call(desk, "book", date="2026-11-30", time="15:00")

    assert (result["status"], result["reason"]) == ("refused", "slot_taken")
    assert "15:00" not in [slot["time"] for slot in result["free"]]
    assert "16:00" in [slot["time"] for slot in result["free"]]


@pytest.mark.parametrize(
    ("day", "start", "reason"),
    [
        ("2026-11-27", "10:00", "in_the_past"),
        ("2026-11-30", "18:00", "no_such_slot"),
        ("2026-11-28", "10:00", "closed"),
    ],
)
def test_the_past_and_closed_hours_cannot_be_booked(desk, day, start, reason):
    result = _call(desk, "book", date=day, time=start)

    assert (result["status"], result["reason"]) == ("refused", reason)
    assert desk.bookings("robert") == []


def test_my_appointments_are_the_callers_own_and_lie_ahead(desk):
    early = int(datetime(2026, 11, 27, 8, tzinfo=LONDON).timestamp() * 1000)
    desk.book("robert", Slot(TODAY, time(9)), reason="", booked_at_ms=early)
    desk.book("robert", Slot(MONDAY, time(15)), reason="", booked_at_ms=early)
    desk.book("david", Slot(MONDAY, time(16)), reason="", booked_at_ms=early)

    appointments = _call(desk, "my_bookings")["bookings"]

    assert [item["spoken"] for item in appointments] == ["Monday the 30th of November at 3 p.m."]


def test_having_no_appointment_is_said(desk):
    result = _call(desk, "my_bookings")

    assert result["message"] == "The caller has no appointment."


def test_cancelling_gives_the_slot_back(desk):
    _call(desk, "book", date="2026-11-30", time="15:00")

    assert _call(desk, "cancel_booking", date="2026-11-30", time="15:00")["status"] == "done"
    assert Slot(MONDAY, time(15)) in desk.free_slots(MONDAY, now=NOW)


def test_another_users_appointment_cannot_be_cancelled(desk):
    _call(desk, "book", "david", date="2026-11-30", time="15:00")

    result = _call(desk, "cancel_booking", date="2026-11-30", time="15:00")

    assert (result["status"], result["reason"]) == ("refused", "no_such_booking")
    assert len(desk.bookings("david")) == 1


def _move(desk: Desk, new_time: str, user_id: str = "robert") -> dict[str, Any]:
    return _call(
        desk,
        "move_booking",
        user_id,
        old_date="2026-11-30",
        old_time="15:00",
        new_date="2026-11-30",
        new_time=new_time,
    )


def test_moving_keeps_the_reason_and_gives_the_old_slot_back(desk):
    _call(desk, "book", date="2026-11-30", time="15:00", reason="check-up")

    result = _move(desk, "16:00")

    assert (result["status"], result["time"], result["reason"]) == ("done", "16:00", "check-up")
    assert [booking.slot.start for booking in desk.bookings("robert")] == [time(16)]


def test_moving_twice_moves_once(desk):
    _call(desk, "book", date="2026-11-30", time="15:00")
    _move(desk, "16:00")

    assert _move(desk, "16:00")["status"] == "done"
    assert [booking.slot.start for booking in desk.bookings("robert")] == [time(16)]


def test_an_appointment_stays_when_the_new_time_is_taken(desk):
    _call(desk, "book", date="2026-11-30", time="15:00")
    _call(desk, "book", "david", date="2026-11-30", time="16:00")

    assert _move(desk, "16:00")["reason"] == "slot_taken"
    assert [booking.slot.start for booking in desk.bookings("robert")] == [time(15)]


def test_an_appointment_that_the_caller_does_not_have_cannot_be_moved(desk):
    _call(desk, "book", "david", date="2026-11-30", time="15:00")

    assert _move(desk, "16:00")["reason"] == "no_such_booking"
    assert [booking.slot.start for booking in desk.bookings("david")] == [time(15)]


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"date": "Friday", "time": "15:00"}, "date: write the date as YYYY-MM-DD"),
        ({"date": "2026-02-30", "time": "15:00"}, "date: there is no 2026-02-30"),
        ({"date": "2026-11-30", "time": "3 pm"}, "time: write the time as HH:MM"),
        ({"date": "2026-11-30"}, "time: Field required"),
        ({"date": 20261130, "time": "15:00"}, "date: write the date as YYYY-MM-DD"),
    ],
)
def test_bad_arguments_are_answered_with_how_to_mend_them(desk, arguments, advice):
    result = _call(desk, "book", **arguments)

    assert result["status"] == "invalid"
    assert advice in result["message"]


def test_a_user_id_among_the_arguments_is_refused_and_changes_nothing(desk):
    result = _call(desk, "book", date="2026-11-30", time="15:00", user_id="david")

    assert result["status"] == "invalid"
    assert desk.bookings("david") == desk.bookings("robert") == []


def test_no_tool_offers_the_model_an_id_to_fill_in(desk):
    for tool in make_tools(fake_tool_stores(desk=desk), tool_context("robert", NOW)):
        for name in tool.arguments.model_fields:
            assert not {"id", "user"} & set(name.split("_"))


# A call of each tool that changes data.
CHANGING_CALLS = [
    ("book", {"date": "2026-11-30", "time": "15:00", "reason": "check-up"}),
    ("cancel_booking", {"date": "2026-11-27", "time": "12:00"}),
    (
        "move_booking",
        {
            "old_date": "2026-11-27",
            "old_time": "12:00",
            "new_date": "2026-11-30",
            "new_time": "09:00",
        },
    ),
    ("remember_note", {"text": "Likes mornings."}),
    ("forget_note", {"note": "Likes tea."}),
]


@pytest.mark.parametrize(("name", "arguments"), CHANGING_CALLS)
def test_a_begun_tool_is_noted_with_its_exact_arguments(desk, name, arguments):
    """The model of a repeated turn gets the order to make exactly the noted call once more."""
    noted: list[BegunTool] = []
    desk.book("robert", Slot(TODAY, time(12)), reason="", booked_at_ms=BOOKED_AT_MS)
    made = make_tools(fake_tool_stores(desk=desk), tool_context("robert", NOW))
    tools = {tool.name: tool for tool in ToolRunRecorder(FakeClock(), noted.append).record(made)}
    assert noted == []

    tools[name].call(arguments)
    (first,) = noted
    tools[name].call(json.loads(first.arguments_json))

    assert noted == [first, first]
    assert json.loads(first.arguments_json) == arguments


def test_every_tool_that_may_change_something_is_among_those_that_are_called_again(desk):
    tools = make_tools(fake_tool_stores(desk=desk), tool_context("robert", NOW))

    assert {tool.name for tool in tools if not tool.is_read_only} == {
        name for name, _ in CHANGING_CALLS
    }


def test_the_model_learns_that_the_desk_is_out_of_reach():
    result = _call(cast("Desk", OutOfReach()), "free_slots", date="2026-11-30")

    assert result["status"] == "failed"
    assert "Say so" in result["message"]
