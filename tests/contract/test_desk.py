from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.book_appointment import book_appointment
from core_agent.tools.move_appointment import move_appointment
from repartee.adapters.desk_table import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.desk import (
    Booking,
    BookingUnknown,
    DeskHours,
    OpeningHours,
    Slot,
    SlotTaken,
    SlotUnknown,
)
from repartee.domain.errors import UserErased
from repartee.domain.tools import ToolContext, ToolResult, ToolStatus
from repartee.ports.desk import Desk
from tests.contract.scenes import all_at_once
from tests.contract.servers import DYNAMODB_LOCAL, MINISTACK, Servers, require
from tests.contract.stores import dynamodb_stores, fake_stores, tables
from tests.fakes.desk import FakeDesk
from tests.fakes.tables import FakeTables

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

ZONE = ZoneInfo("Europe/London")
FRIDAY = date(2026, 11, 27)
SATURDAY = date(2026, 11, 28)
NEXT_FRIDAY = date(2026, 12, 4)
THREE = Slot(FRIDAY, time(15))
NOW_MS = int(datetime(2026, 11, 27, 10, 30, tzinfo=ZONE).timestamp() * 1000)
OPEN = OpeningHours(time(9), time(17))
CALLERS = 20


@dataclass(frozen=True, slots=True)
class Business:
    """A desk, and what writes the tombstones of its users, with a Unix time in ms."""

    desk: Desk
    erase: Callable[[str, int], object]


@pytest.fixture(params=["fake", DYNAMODB_LOCAL, MINISTACK])
def business(request: pytest.FixtureRequest) -> Iterator[Business]:
    """A desk that is open on Fridays from 9 to 5, with slots of an hour."""
    if request.param == "fake":
        shared = FakeTables()
        fake = FakeDesk({FRIDAY: OPEN, NEXT_FRIDAY: OPEN}, ZONE, shared)
        yield Business(fake, fake_stores(shared).erase)
        return
    servers: Servers = request.getfixturevalue("servers")
    require(servers, request.param)
    client = servers.dynamodb(request.param)
    week = (None, None, None, None, OPEN, None, None)
    with tables(client) as names:
        hours = DeskHours(week, slot_minutes=60, zone=ZONE)
        # Its own table in a deployment; the keys are apart.
        desk = DeskTable(
            desk=DynamoTable(client, names.live),
            default_hours=hours,
            memory=DynamoTable(client, names.memory),
        )
        yield Business(desk, dynamodb_stores(client, names).erase)


@pytest.fixture
def desk(business: Business) -> Desk:
    return business.desk


def _book(desk: Desk, user_id: str, slot: Slot = THREE, reason: str = "") -> Booking:
    return desk.book(user_id, slot, reason=reason, booked_at_ms=NOW_MS)


def test_opening_hours_are_those_of_the_day(desk: Desk) -> None:
    assert desk.opening_hours(FRIDAY) == OPEN
    assert desk.opening_hours(SATURDAY) is None


def test_every_slot_of_an_open_day_is_free_at_first(desk: Desk) -> None:
    assert [slot.start.hour for slot in desk.free_slots(FRIDAY)] == [9, 10, 11, 12, 13, 14, 15, 16]
    assert list(desk.free_slots(SATURDAY)) == []


def test_a_booked_slot_is_not_free_on_that_day_only(desk: Desk) -> None:
    _book(desk, "ann")

    assert THREE not in desk.free_slots(FRIDAY)
    assert Slot(NEXT_FRIDAY, time(15)) in desk.free_slots(NEXT_FRIDAY)


def test_a_booking_is_returned_and_listed_as_it_was_made(desk: Desk) -> None:
    booking = _book(desk, "ann", reason="check-up")

    assert booking == Booking("ann", THREE, "check-up", NOW_MS)
    assert list(desk.bookings("ann")) == [booking]


def test_bookings_come_in_order_of_time_and_of_one_user_only(desk: Desk) -> None:
    slots = [Slot(NEXT_FRIDAY, time(9)), THREE, Slot(FRIDAY, time(11))]
    for slot in slots:
        _book(desk, "ann", slot)
    _book(desk, "ben", Slot(FRIDAY, time(12)))

    assert [booking.slot for booking in desk.bookings("ann")] == sorted(slots)
    assert list(desk.bookings("cleo")) == []


def test_booking_ones_own_slot_again_returns_the_first_booking(desk: Desk) -> None:
    first = _book(desk, "ann", reason="check-up")

    again = desk.book("ann", THREE, reason="something else", booked_at_ms=NOW_MS + 60_000)

    assert again == first
    assert list(desk.bookings("ann")) == [first]


def test_a_repetition_after_the_slot_began_returns_the_first_booking(desk: Desk) -> None:
    first = _book(desk, "ann")

    assert desk.book("ann", THREE, reason="", booked_at_ms=NOW_MS + 24 * 3_600_000) == first


def test_somebody_elses_slot_cannot_be_booked(desk: Desk) -> None:
    _book(desk, "ann")

    with pytest.raises(SlotTaken):
        _book(desk, "ben")

    assert list(desk.bookings("ben")) == []


@pytest.mark.parametrize(
    "slot",
    [
        Slot(FRIDAY, time(10)),
        Slot(FRIDAY, time(8)),
        Slot(FRIDAY, time(17)),
        Slot(FRIDAY, time(15, 10)),
        Slot(SATURDAY, time(11)),
    ],
    ids=["begun", "before opening", "at closing", "between slots", "closed day"],
)
def test_what_the_desk_does_not_offer_cannot_be_booked(desk: Desk, slot: Slot) -> None:
    with pytest.raises(SlotUnknown):
        _book(desk, "ann", slot)

    assert list(desk.bookings("ann")) == []


def test_a_cancelled_slot_is_free_for_others(desk: Desk) -> None:
    _book(desk, "ann")

    desk.cancel("ann", THREE)

    assert list(desk.bookings("ann")) == []
    assert _book(desk, "ben").user_id == "ben"


def test_only_ones_own_booking_can_be_cancelled(desk: Desk) -> None:
    booking = _book(desk, "ann")

    with pytest.raises(BookingUnknown):
        desk.cancel("ben", THREE)
    with pytest.raises(BookingUnknown):
        desk.cancel("ann", Slot(FRIDAY, time(16)))

    assert list(desk.bookings("ann")) == [booking]


def test_a_booking_is_cancelled_once(desk: Desk) -> None:
    _book(desk, "ann")
    desk.cancel("ann", THREE)

    with pytest.raises(BookingUnknown):
        desk.cancel("ann", THREE)


def test_of_many_who_want_the_same_slot_at_once_exactly_one_gets_it(desk: Desk) -> None:
    def book(number: int) -> str:
        try:
            return _book(desk, f"caller-{number:02d}").user_id
        except SlotTaken:
            return "taken"

    outcomes = all_at_once(CALLERS, book)

    winners = [outcome for outcome in outcomes if outcome != "taken"]
    assert len(winners) == 1
    assert outcomes.count("taken") == CALLERS - 1
    holders = [number for number in range(CALLERS) if desk.bookings(f"caller-{number:02d}")]
    assert [f"caller-{number:02d}" for number in holders] == winners


def test_of_fifty_callers_who_want_the_last_slot_one_has_it_and_the_others_hear_that_it_is_gone(
    desk: Desk,
) -> None:
    for slot in desk.free_slots(FRIDAY):
        if slot != THREE and slot.start > time(10, 30):
            _book(desk, "staff", slot)
    now = datetime.fromtimestamp(NOW_MS / 1000, ZONE)
    wanted = {"date": f"{FRIDAY}", "time": "15:00"}

    def book(number: int) -> ToolResult:
        context = ToolContext(f"caller-{number:02d}", f"conversation-{number:02d}", now)
        return book_appointment(desk, context).call(wanted)

    results = all_at_once(50, book)

    winners = [n for n, result in enumerate(results) if result.status is ToolStatus.DONE]
    assert len(winners) == 1
    losers = [result for n, result in enumerate(results) if n not in winners]
    assert {result.status for result in losers} == {ToolStatus.REFUSED}
    assert {result.fields["reason"] for result in losers} == {"slot_taken"}
    assert {result.message for result in losers} == {
        "Somebody else has that time. Offer to look at another day."
    }
    assert [n for n in range(50) if desk.bookings(f"caller-{n:02d}")] == winners
    assert all(slot.start < time(10, 30) for slot in desk.free_slots(FRIDAY))


def test_one_user_who_books_the_same_slot_many_times_at_once_holds_it_once(desk: Desk) -> None:
    outcomes = all_at_once(CALLERS, lambda _number: _book(desk, "ann"))

    assert set(outcomes) == {Booking("ann", THREE, "", NOW_MS)}
    assert len(desk.bookings("ann")) == 1


def test_nothing_is_booked_for_an_erased_user(business: Business) -> None:
    business.erase("ann", NOW_MS)

    with pytest.raises(UserErased):
        _book(business.desk, "ann")

    assert list(business.desk.bookings("ann")) == []
    assert THREE in business.desk.free_slots(FRIDAY)


def _move(desk: Desk, user_id: str, old: Slot, new: Slot) -> ToolResult:
    now = datetime.fromtimestamp(NOW_MS / 1000, ZONE)
    return move_appointment(desk, ToolContext(user_id, "conversation", now)).call(
        {
            "old_date": f"{old.day}",
            "old_time": f"{old.start:%H:%M}",
            "new_date": f"{new.day}",
            "new_time": f"{new.start:%H:%M}",
        }
    )


def _holders(desk: Desk, slot: Slot, users: Sequence[str]) -> list[str]:
    return [user for user in users if slot in [one.slot for one in desk.bookings(user)]]


@pytest.mark.parametrize("race", range(5))
def test_a_slot_given_back_while_another_books_it_is_theirs_or_free_and_never_both(
    desk: Desk, race: int
) -> None:
    _book(desk, "ann")

    def act(number: int) -> str:
        if number == 0:
            desk.cancel("ann", THREE)
            return "cancelled"
        try:
            return _book(desk, "ben").user_id
        except SlotTaken:
            return "taken"

    outcomes = all_at_once(2, act)

    assert outcomes[0] == "cancelled"
    booked = outcomes[1] == "ben"
    assert _holders(desk, THREE, ["ann", "ben"]) == (["ben"] if booked else [])
    assert (THREE in desk.free_slots(FRIDAY)) is not booked
    # Right afterwards whoever has it has it, and nobody else.
    if booked:
        with pytest.raises(BookingUnknown):
            desk.cancel("ann", THREE)
    assert _book(desk, "ben").user_id == "ben"
    with pytest.raises(SlotTaken):
        _book(desk, "ann")


def _move_or_book(desk: Desk, old: Slot, wanted: Slot, number: int) -> bool:
    """Ann, who is number 0, moves from ``old`` to three; another caller books ``wanted``."""
    if number == 0:
        return _move(desk, "ann", old, THREE).status is ToolStatus.DONE
    try:
        return _book(desk, f"caller-{number}", wanted).user_id == f"caller-{number}"
    except SlotTaken:
        return False


@pytest.mark.parametrize("race", range(5))
def test_of_one_who_moves_to_a_slot_and_others_who_book_it_one_has_it(
    desk: Desk, race: int
) -> None:
    old = Slot(FRIDAY, time(11))
    _book(desk, "ann", old)

    outcomes = all_at_once(4, partial(_move_or_book, desk, old, THREE))

    users = ["ann", "caller-1", "caller-2", "caller-3"]
    assert outcomes.count(True) == 1
    assert _holders(desk, THREE, users) == [users[outcomes.index(True)]]
    # Who moves has the new slot or keeps the old one; never both, never neither.
    has_moved = outcomes[0]
    assert [one.slot for one in desk.bookings("ann")] == [THREE if has_moved else old]
    assert (old in desk.free_slots(FRIDAY)) is has_moved


def test_two_who_move_to_each_others_slot_at_once_both_keep_their_own(desk: Desk) -> None:
    slots = [Slot(FRIDAY, time(11)), Slot(FRIDAY, time(12))]
    users = ["ann", "ben"]
    for user, slot in zip(users, slots, strict=True):
        _book(desk, user, slot)

    results = all_at_once(
        2, lambda number: _move(desk, users[number], slots[number], slots[1 - number])
    )

    assert {result.status for result in results} == {ToolStatus.REFUSED}
    for user, slot in zip(users, slots, strict=True):
        assert _holders(desk, slot, users) == [user]


def test_a_slot_left_by_a_move_is_bookable_by_one_of_those_who_wait_for_it(desk: Desk) -> None:
    old = Slot(FRIDAY, time(11))
    _book(desk, "ann", old)

    outcomes = all_at_once(4, partial(_move_or_book, desk, old, old))

    assert outcomes[0]
    winners = [f"caller-{number}" for number in (1, 2, 3) if outcomes[number]]
    assert len(winners) <= 1
    assert _holders(desk, old, ["ann", "caller-1", "caller-2", "caller-3"]) == winners
    assert (old in desk.free_slots(FRIDAY)) is (not winners)
    assert [one.slot for one in desk.bookings("ann")] == [THREE]
