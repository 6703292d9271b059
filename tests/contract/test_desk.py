from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.front_desk.book import book
from core_agent.tools.front_desk.move_booking import move_booking
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.errors import UserErased
from repartee.domain.front_desk.bookings import (
    Booking,
    BookingUnknown,
    Slot,
    SlotAlreadyHeldByUser,
    SlotTaken,
    SlotUnknown,
    TooManyBookings,
)
from repartee.domain.front_desk.rules import DeskRules, OpeningHours
from repartee.domain.tools.tool import ToolResult, ToolStatus
from repartee.ports.front_desk import Desk
from tests.contract.scenes import all_at_once
from tests.contract.servers import DYNAMODB_LOCAL, MINISTACK, Servers, require
from tests.contract.stores import dynamodb_stores, fake_stores, tables
from tests.fakes.desk import FakeDesk
from tests.fakes.tables import FakeTables
from tests.fakes.tool_stores import fake_tool_stores, tool_context

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

ZONE = ZoneInfo("Europe/London")
FRIDAY = date(2026, 11, 27)
SATURDAY = date(2026, 11, 28)
NEXT_FRIDAY = date(2026, 12, 4)
THREE = Slot(FRIDAY, time(15))
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=ZONE)
NOW_MS = int(NOW.timestamp() * 1000)
OPEN = OpeningHours(time(9), time(17))
RULES = DeskRules(week={"friday": OPEN}, slot_minutes=60, time_zone=ZONE, max_bookings=4)
CALLERS = 20


@dataclass(frozen=True, slots=True)
class Business:
    """A desk, and functions that change its rules and write a user's tombstone, in Unix ms."""

    desk: Desk
    erase: Callable[[str, int], object]
    change: Callable[[DeskRules], object]


@pytest.fixture(params=["fake", DYNAMODB_LOCAL, MINISTACK])
def business(request: pytest.FixtureRequest) -> Iterator[Business]:
    """Return a desk that is open on Fridays from 9 to 5, with slots of an hour."""
    if request.param == "fake":
        shared = FakeTables()
        fake = FakeDesk(RULES, tables=shared)
        yield Business(fake, fake_stores(shared).erase, fake.write_rules)
        return
    servers: Servers = request.getfixturevalue("servers")
    require(servers, request.param)
    client = servers.dynamodb(request.param)
    with tables(client) as names:
        # A deployment has a separate table; the keys differ anyway.
        desk = DeskTable(
            desk=DynamoTable(client, names.live),
            default_rules=RULES,
            memory=DynamoTable(client, names.memory),
        )
        yield Business(desk, dynamodb_stores(client, names).erase, desk.write_rules)


@pytest.fixture
def desk(business: Business) -> Desk:
    return business.desk


def _book(desk: Desk, user_id: str, slot: Slot = THREE, reason: str = "") -> Booking:
    return desk.book(user_id, slot, reason=reason, booked_at_ms=NOW_MS)


def _free(desk: Desk, day: date) -> Sequence[Slot]:
    return desk.free_slots(day, now=datetime.combine(FRIDAY, time(0), ZONE))


def test_opening_hours_are_those_of_the_day(desk: Desk) -> None:
    assert desk.rules().on(FRIDAY) == OPEN
    assert desk.rules().on(SATURDAY) is None


def test_every_slot_of_an_open_day_is_free_at_first(desk: Desk) -> None:
    assert [slot.start.hour for slot in _free(desk, FRIDAY)] == [9, 10, 11, 12, 13, 14, 15, 16]
    assert list(_free(desk, SATURDAY)) == []


def test_a_booked_slot_is_taken_on_its_day_only(desk: Desk) -> None:
    _book(desk, "ann")

    assert THREE not in _free(desk, FRIDAY)
    assert Slot(NEXT_FRIDAY, time(15)) in _free(desk, NEXT_FRIDAY)


def test_a_booking_is_returned_and_listed_unchanged(desk: Desk) -> None:
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


def test_booking_the_same_slot_again_returns_the_first_booking(desk: Desk) -> None:
    first = _book(desk, "ann", reason="check-up")

    again = desk.book("ann", THREE, reason="something else", booked_at_ms=NOW_MS + 60_000)

    assert again == first
    assert list(desk.bookings("ann")) == [first]


def test_a_repetition_after_the_slot_began_returns_the_first_booking(desk: Desk) -> None:
    first = _book(desk, "ann")

    assert desk.book("ann", THREE, reason="", booked_at_ms=NOW_MS + 24 * 3_600_000) == first


def test_another_users_slot_cannot_be_booked(desk: Desk) -> None:
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
def test_a_slot_that_the_desk_does_not_offer_cannot_be_booked(desk: Desk, slot: Slot) -> None:
    with pytest.raises(SlotUnknown):
        _book(desk, "ann", slot)

    assert list(desk.bookings("ann")) == []


def test_a_cancelled_slot_is_free_for_others(desk: Desk) -> None:
    _book(desk, "ann")

    desk.cancel("ann", THREE)

    assert list(desk.bookings("ann")) == []
    assert _book(desk, "ben").user_id == "ben"


def test_only_the_users_own_booking_can_be_cancelled(desk: Desk) -> None:
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


def test_exactly_one_of_many_concurrent_users_gets_a_slot(desk: Desk) -> None:
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


def test_one_of_fifty_callers_gets_the_last_slot_and_the_others_are_refused(
    desk: Desk,
) -> None:
    for slot in _free(desk, FRIDAY):
        if slot != THREE and slot.start > time(10, 30):
            _book(desk, f"staff-{slot.start.hour}", slot)
    wanted = {"date": f"{FRIDAY}", "time": "15:00"}

    def book_as(number: int) -> ToolResult:
        context = tool_context(f"caller-{number:02d}", NOW)
        return book(fake_tool_stores(desk=desk), context).call(wanted)

    results = all_at_once(50, book_as)

    winners = [n for n, result in enumerate(results) if result.status is ToolStatus.DONE]
    assert len(winners) == 1
    losers = [result for n, result in enumerate(results) if n not in winners]
    assert {result.status for result in losers} == {ToolStatus.REFUSED}
    assert {result.fields["reason"] for result in losers} == {"slot_taken"}
    assert {result.message for result in losers} == {
        "Somebody else has that time. Offer to look at another day."
    }
    assert [n for n in range(50) if desk.bookings(f"caller-{n:02d}")] == winners
    assert all(slot.start < time(10, 30) for slot in _free(desk, FRIDAY))


def test_one_user_who_books_a_slot_many_times_at_once_holds_it_once(desk: Desk) -> None:
    outcomes = all_at_once(CALLERS, lambda _number: _book(desk, "ann"))

    assert set(outcomes) == {Booking("ann", THREE, "", NOW_MS)}
    assert len(desk.bookings("ann")) == 1


def test_nothing_is_booked_for_an_erased_user(business: Business) -> None:
    business.erase("ann", NOW_MS)

    with pytest.raises(UserErased):
        _book(business.desk, "ann")

    assert list(business.desk.bookings("ann")) == []
    assert THREE in _free(business.desk, FRIDAY)


def test_a_user_who_books_many_slots_at_once_gets_no_more_than_the_limit(desk: Desk) -> None:
    slots = [slot for day in (FRIDAY, NEXT_FRIDAY) for slot in _free(desk, day)][2:14]

    def book(number: int) -> str:
        try:
            return f"{_book(desk, 'ann', slots[number]).slot.day}"
        except TooManyBookings as refused:
            return f"at most {refused.limit} on {refused.day or 'all days'}"

    outcomes = all_at_once(len(slots), book)

    held = [booking.slot for booking in desk.bookings("ann")]
    assert len(held) == RULES.max_bookings
    assert max(sum(slot.day == day for slot in held) for day in (FRIDAY, NEXT_FRIDAY)) <= 3
    assert len([one for one in outcomes if one.startswith("at most")]) == len(slots) - len(held)
    assert list(desk.bookings("ben")) == []


def test_past_and_cancelled_bookings_do_not_count(desk: Desk) -> None:
    early_ms = NOW_MS - 2 * 3_600_000
    for hour in (9, 10, 11):
        desk.book("ann", Slot(FRIDAY, time(hour)), reason="", booked_at_ms=early_ms)
    with pytest.raises(TooManyBookings):
        desk.book("ann", THREE, reason="", booked_at_ms=early_ms)

    # At half past ten two of them have started.
    _book(desk, "ann", Slot(FRIDAY, time(12)))
    _book(desk, "ann", Slot(FRIDAY, time(13)))
    with pytest.raises(TooManyBookings):
        _book(desk, "ann")
    desk.cancel("ann", Slot(FRIDAY, time(13)))
    assert _book(desk, "ann").slot == THREE


def test_the_booking_limit_is_reported_before_a_taken_slot(desk: Desk) -> None:
    for hour in (11, 12, 13):
        _book(desk, "ann", Slot(FRIDAY, time(hour)))
    _book(desk, "ben")

    with pytest.raises(TooManyBookings):
        _book(desk, "ann")
    with pytest.raises(SlotTaken):
        desk.move("ann", ELEVEN, THREE, moved_at_ms=NOW_MS)
    assert len(desk.bookings("ann")) == 3


def test_an_existing_booking_is_returned_at_the_limit(desk: Desk) -> None:
    for hour in (11, 12, 13):
        _book(desk, "ann", Slot(FRIDAY, time(hour)))

    assert _book(desk, "ann", Slot(FRIDAY, time(12))).slot.start.hour == 12


@pytest.mark.parametrize(
    "slot",
    [Slot(date(2027, 11, 26), time(15)), Slot(date(2027, 12, 3), time(15))],
    ids=["a year ahead", "beyond the horizon"],
)
def test_only_days_up_to_the_horizon_can_be_booked(desk: Desk, slot: Slot) -> None:
    if slot.day <= desk.rules().last_day(NOW):
        assert _book(desk, "ann", slot).slot == slot
        return
    with pytest.raises(SlotUnknown):
        _book(desk, "ann", slot)
    assert list(desk.bookings("ann")) == []


ELEVEN, TWELVE = Slot(FRIDAY, time(11)), Slot(FRIDAY, time(12))


def test_a_move_keeps_the_reason_and_frees_the_old_slot(desk: Desk) -> None:
    _book(desk, "ann", ELEVEN, reason="check-up")

    moved = desk.move("ann", ELEVEN, Slot(NEXT_FRIDAY, time(9)), moved_at_ms=NOW_MS + 1)

    assert moved == Booking("ann", Slot(NEXT_FRIDAY, time(9)), "check-up", NOW_MS + 1)
    assert list(desk.bookings("ann")) == [moved]
    assert ELEVEN in _free(desk, FRIDAY)


def test_a_repeated_move_returns_the_moved_booking(desk: Desk) -> None:
    _book(desk, "ann", ELEVEN, reason="check-up")
    moved = desk.move("ann", ELEVEN, THREE, moved_at_ms=NOW_MS)

    assert desk.move("ann", ELEVEN, THREE, moved_at_ms=NOW_MS + 9) == moved
    for user, old in (("ann", TWELVE), ("ben", ELEVEN), ("ben", THREE)):
        with pytest.raises(BookingUnknown):
            desk.move(user, old, THREE, moved_at_ms=NOW_MS)
    # The old slot holds no booking after the move.
    desk.move("ann", THREE, TWELVE, moved_at_ms=NOW_MS)
    with pytest.raises(BookingUnknown):
        desk.move("ann", ELEVEN, THREE, moved_at_ms=NOW_MS)
    assert [one.slot for one in desk.bookings("ann")] == [TWELVE]


def test_a_move_onto_another_booking_of_the_user_changes_neither(desk: Desk) -> None:
    both = [_book(desk, "ann", ELEVEN, reason="eyes"), _book(desk, "ann", TWELVE, reason="teeth")]

    for old, new in ((ELEVEN, TWELVE), (TWELVE, ELEVEN)):
        with pytest.raises(SlotAlreadyHeldByUser):
            desk.move("ann", old, new, moved_at_ms=NOW_MS)

    assert list(desk.bookings("ann")) == both


def test_a_move_to_the_same_slot_changes_nothing(desk: Desk) -> None:
    booking = _book(desk, "ann", ELEVEN)

    assert desk.move("ann", ELEVEN, ELEVEN, moved_at_ms=NOW_MS + 9) == booking
    with pytest.raises(BookingUnknown):
        desk.move("ann", TWELVE, TWELVE, moved_at_ms=NOW_MS)


@pytest.mark.parametrize(
    "new",
    [
        Slot(FRIDAY, time(10)),
        Slot(FRIDAY, time(17)),
        Slot(FRIDAY, time(15, 10)),
        Slot(SATURDAY, time(11)),
        Slot(date(2026, 11, 20), time(11)),
        Slot(date(2062, 12, 1), time(11)),
        Slot(date.max, time(11)),
    ],
    ids=["begun", "at closing", "between slots", "closed", "past", "too far", "last day of all"],
)
def test_a_move_to_an_unavailable_slot_changes_nothing(desk: Desk, new: Slot) -> None:
    booking = _book(desk, "ann")

    with pytest.raises(SlotUnknown):
        desk.move("ann", THREE, new, moved_at_ms=NOW_MS)

    assert list(desk.bookings("ann")) == [booking]


def test_a_move_of_an_unknown_or_past_booking_changes_nothing(desk: Desk) -> None:
    early_ms = NOW_MS - 2 * 3_600_000
    begun = desk.book("ann", Slot(FRIDAY, time(10)), reason="", booked_at_ms=early_ms)
    _book(desk, "ben", TWELVE)
    _book(desk, "ann", ELEVEN)
    desk.cancel("ann", ELEVEN)

    for old in (begun.slot, TWELVE, ELEVEN):
        with pytest.raises(BookingUnknown):
            desk.move("ann", old, THREE, moved_at_ms=NOW_MS)

    assert list(desk.bookings("ann")) == [begun]
    assert THREE in _free(desk, FRIDAY)


def test_a_move_respects_the_limit_of_the_other_day(desk: Desk) -> None:
    for hour in (11, 12, 13):
        _book(desk, "ann", Slot(FRIDAY, time(hour)))
    later = _book(desk, "ann", Slot(NEXT_FRIDAY, time(9)))

    with pytest.raises(TooManyBookings):
        desk.move("ann", later.slot, THREE, moved_at_ms=NOW_MS)
    # Moves within the day and away from it are allowed, although a fifth booking is not.
    desk.move("ann", ELEVEN, THREE, moved_at_ms=NOW_MS)
    desk.move("ann", TWELVE, Slot(NEXT_FRIDAY, time(10)), moved_at_ms=NOW_MS)
    with pytest.raises(TooManyBookings):
        _book(desk, "ann", TWELVE)


def test_nothing_is_moved_for_an_erased_user(business: Business) -> None:
    _book(business.desk, "ann")
    business.erase("ann", NOW_MS)

    with pytest.raises(UserErased):
        business.desk.move("ann", THREE, ELEVEN, moved_at_ms=NOW_MS)


def test_concurrent_bookings_and_moves_respect_the_limit_of_a_day(desk: Desk) -> None:
    _book(desk, "ann", ELEVEN)
    _book(desk, "ann", TWELVE)
    later = _book(desk, "ann", Slot(NEXT_FRIDAY, time(9))).slot

    def act(number: int) -> bool:
        wanted = Slot(FRIDAY, time(13 + number))
        try:
            if number == 0:
                desk.move("ann", later, wanted, moved_at_ms=NOW_MS)
            else:
                _book(desk, "ann", wanted)
        except TooManyBookings:
            return False
        return True

    outcomes = all_at_once(3, act)

    assert outcomes.count(True) == 1
    held = [one.slot for one in desk.bookings("ann")]
    assert sum(slot.day == FRIDAY for slot in held) == 3
    assert (later in held) is not outcomes[0]


def test_one_of_several_concurrent_moves_of_a_booking_succeeds(desk: Desk) -> None:
    _book(desk, "ann", ELEVEN)
    wanted = [Slot(FRIDAY, time(hour)) for hour in (12, 13, 14, 15)]

    def move(number: int) -> bool:
        try:
            return bool(desk.move("ann", ELEVEN, wanted[number], moved_at_ms=NOW_MS))
        except BookingUnknown:
            return False

    outcomes = all_at_once(len(wanted), move)

    assert outcomes.count(True) == 1
    assert [one.slot for one in desk.bookings("ann")] == [wanted[outcomes.index(True)]]
    assert len(_free(desk, FRIDAY)) == 7


def _move(desk: Desk, user_id: str, old: Slot, new: Slot) -> ToolResult:
    return move_booking(fake_tool_stores(desk=desk), tool_context(user_id, NOW)).call(
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
def test_a_slot_that_is_cancelled_and_booked_at_once_is_booked_or_free(
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
    assert (THREE in _free(desk, FRIDAY)) is not booked
    # Afterwards exactly one user holds the slot, or none.
    if booked:
        with pytest.raises(BookingUnknown):
            desk.cancel("ann", THREE)
    assert _book(desk, "ben").user_id == "ben"
    with pytest.raises(SlotTaken):
        _book(desk, "ann")


def _move_or_book(desk: Desk, old: Slot, wanted: Slot, number: int) -> bool:
    """Move Ann, number 0, from ``old`` to ``wanted``, or book ``wanted`` for another caller."""
    if number == 0:
        return _move(desk, "ann", old, THREE).status is ToolStatus.DONE
    try:
        return _book(desk, f"caller-{number}", wanted).user_id == f"caller-{number}"
    except SlotTaken:
        return False


@pytest.mark.parametrize("race", range(5))
def test_one_of_a_mover_and_several_bookers_gets_the_slot(desk: Desk, race: int) -> None:
    old = Slot(FRIDAY, time(11))
    _book(desk, "ann", old)

    outcomes = all_at_once(4, partial(_move_or_book, desk, old, THREE))

    users = ["ann", "caller-1", "caller-2", "caller-3"]
    assert outcomes.count(True) == 1
    assert _holders(desk, THREE, users) == [users[outcomes.index(True)]]
    # The user who moves holds either the new slot or the old one.
    has_moved = outcomes[0]
    assert [one.slot for one in desk.bookings("ann")] == [THREE if has_moved else old]
    assert (old in _free(desk, FRIDAY)) is has_moved


def test_two_users_who_swap_slots_at_once_keep_their_own(desk: Desk) -> None:
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


def test_one_of_several_users_books_a_slot_that_a_move_freed(desk: Desk) -> None:
    old = Slot(FRIDAY, time(11))
    _book(desk, "ann", old)

    outcomes = all_at_once(4, partial(_move_or_book, desk, old, old))

    assert outcomes[0]
    winners = [f"caller-{number}" for number in (1, 2, 3) if outcomes[number]]
    assert len(winners) <= 1
    assert _holders(desk, old, ["ann", "caller-1", "caller-2", "caller-3"]) == winners
    assert (old in _free(desk, FRIDAY)) is (not winners)
    assert [one.slot for one in desk.bookings("ann")] == [THREE]


@pytest.mark.parametrize(
    ("before", "after", "booked", "taken"),
    [
        (60, 30, "15:00", ["15:00", "15:30"]),
        (30, 60, "15:30", ["15:00"]),
        (30, 40, "15:30", ["15:00", "15:40"]),
        (45, 45, "15:45", ["15:45"]),
    ],
)
def test_slots_of_another_length_do_not_overlap_the_bookings_made_before(
    business: Business, before: int, after: int, booked: str, taken: list[str]
) -> None:
    desk, held = business.desk, Slot(FRIDAY, time.fromisoformat(booked))
    business.change(RULES.model_copy(update={"slot_minutes": before}))
    _book(desk, "ann", held)
    rules = RULES.model_copy(update={"slot_minutes": after})
    business.change(rules)

    free = _free(desk, FRIDAY)

    overlapping = [slot for slot in rules.slots(FRIDAY) if slot not in free]
    assert [f"{slot.start:%H:%M}" for slot in overlapping] == taken
    for slot in overlapping:
        with pytest.raises(SlotTaken):
            _book(desk, "bob", slot)
    first, second, *_ = (slot for slot in free if slot.start >= time(12))
    bobs = _book(desk, "bob", first)
    with pytest.raises(SlotTaken):
        desk.move("bob", bobs.slot, overlapping[0], moved_at_ms=NOW_MS)
    assert desk.move("ann", held, second, moved_at_ms=NOW_MS).slot == second
    assert _book(desk, "bob", overlapping[-1]).slot == overlapping[-1]


def test_a_booking_may_move_to_a_slot_that_it_overlaps_itself(business: Business) -> None:
    half_past, three = Slot(FRIDAY, time(15, 30)), Slot(FRIDAY, time(15))
    business.change(RULES.model_copy(update={"slot_minutes": 30}))
    _book(business.desk, "ann", half_past)
    business.change(RULES)

    moved = business.desk.move("ann", half_past, three, moved_at_ms=NOW_MS)

    assert [one.slot for one in business.desk.bookings("ann")] == [moved.slot] == [three]
