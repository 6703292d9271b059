"""The front desk's book in DynamoDB.

Items of DeskTable:
    ``desk`` / ``hours``: the rules; without this item, the constructor's default rules hold.
    ``day#YYYY-MM-DD`` / ``slot#HH:MM``: a booked slot and its user. There is one item per slot,
        so no two users can hold it. Without ``user_id``, no user can give it back.
    ``user#U`` / ``booking#YYYY-MM-DDTHH:MM``: the same booking, found by its user.

Booking, moving and cancelling change all items of a booking in one transaction. The user's profile
in MemoryTable counts in ``bookings_version`` how often they booked or moved. A transaction checks
that this count has not changed since the bookings were read, so parallel calls of one user cannot
exceed the limits together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.retries import TransactionRefused
from repartee.adapters.dynamodb.sessions.items import number, text
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.adapters.dynamodb.write_conditions import advance_version
from repartee.domain.errors import StoreUnavailable, UserErased
from repartee.domain.front_desk.bookings import (
    Booking,
    BookingUnknown,
    Slot,
    SlotAlreadyHeldByUser,
    SlotTaken,
    SlotUnknown,
    free_slots,
    is_upcoming,
)
from repartee.domain.front_desk.rules import DeskRules, RulesRefused, checked_rules
from repartee.observability import get_logger

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from repartee.adapters.dynamodb.keys import Item

# An attempt fails when another call of the same user succeeds. No user needs so many parallel
# calls.
_MAX_ATTEMPTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTable:
    """A ``Desk`` in a DynamoDB table. Safe to use from several threads.

    Attributes:
        default_rules: Hold until rules are written to the table, in the deployment's time zone.
        memory: Holds the users' profiles, which count bookings and may be tombstones. With None,
            which is for filling a book by hand, neither limits nor tombstones are checked.
    """

    desk: DynamoTable
    default_rules: DeskRules
    memory: DynamoTable | None = None

    def rules(self) -> DeskRules:
        """Return the stored rules; the default rules if there are none or they are invalid.

        So a wrong manual edit does not break calls. Its faults are logged.

        Raises:
            StoreUnavailable: The table failed beyond the retries.
        """
        try:
            return self.written_rules() or self.default_rules
        except RulesRefused as refusal:
            log = get_logger()
            log.warning("desk rules ignored", extra={"faults": str(refusal)})
            return self.default_rules

    def written_rules(self) -> DeskRules | None:
        """Return the stored rules, None if there are none.

        Raises:
            RulesRefused: They are invalid.
            StoreUnavailable: The table failed beyond the retries.
        """
        item = self.desk.get(keys.desk_hours())
        if item is None:
            return None
        return checked_rules(_plain(item), self.default_rules.time_zone, unknown="ignore")

    def write_rules(self, rules: DeskRules) -> None:
        """Replace the stored rules; bookings outside the new ones are kept.

        Raises:
            RulesRefused: They are in another time zone than the deployment.
            StoreUnavailable: The table failed beyond the retries.
        """
        rules.check_zone(self.default_rules.time_zone)
        self.desk.put({**keys.desk_hours(), **encode_all(rules.model_dump(mode="json"))})

    def free_slots(self, day: date, *, now: datetime) -> Sequence[Slot]:
        """Return the day's slots that can be booked at ``now``, an aware time, in order."""
        rules = self.rules()
        slots = rules.open_slots(day, now)
        if not slots:
            return ()
        return free_slots(slots, rules.slot_minutes, self._booked(day, rules), rules.time_zone)

    def _booked(self, day: date, rules: DeskRules) -> Mapping[Slot, int]:
        """Return the booked slots of a day with their lengths in minutes."""
        items = self.desk.query(keys.desk_day(day), first=keys.SLOT_PREFIX, last=keys.SLOTS_END)
        found = ((keys.slot_of_day(day, item["sk"]["S"]), item) for item in items)
        return {
            # Items of versions before 0.2.0 have no length.
            slot: number(item, "minutes") if "minutes" in item else rules.slot_minutes
            for slot, item in found
            if slot is not None
        }

    def _check_free(self, slot: Slot, rules: DeskRules, *, instead_of: Slot | None = None) -> None:
        """Check that no booking overlaps ``slot``, also none that was made under earlier rules.

        Parallel calls cannot make such bookings, so the check need not be part of a transaction.

        Raises:
            SlotTaken: A booking overlaps it.
        """
        booked = {
            taken: minutes
            for taken, minutes in self._booked(slot.day, rules).items()
            if taken not in (slot, instead_of)
        }
        if not free_slots((slot,), rules.slot_minutes, booked, rules.time_zone):
            raise SlotTaken(f"{slot.day} {slot.start}")

    def book(self, user_id: str, slot: Slot, *, reason: str, booked_at_ms: int) -> Booking:
        """Book ``slot`` for the user; booking one's own slot again returns the same booking.

        Raises:
            SlotTaken: Another user has it.
            SlotUnknown: The desk offers no such slot.
            TooManyBookings: The user has as many future bookings as the desk allows.
            UserErased: The user's tombstone is set.
        """
        rules = self.rules()
        now = datetime.fromtimestamp(booked_at_ms / 1000, rules.time_zone)
        if slot not in rules.open_slots(slot.day, now):
            # A repetition may come after the slot has begun or the rules have changed.
            return _own_booking(user_id, slot, self.desk.get(keys.slot(slot)))
        booking = Booking(user_id, slot, reason, booked_at_ms)
        for _ in range(_MAX_ATTEMPTS):
            version = self._version(user_id)
            held = self._future_bookings(user_id, now)
            if slot in held:
                return held[slot]
            if version is not None:
                rules.check_bookable(held, slot)
            self._check_free(slot, rules)
            try:
                self.desk.transact(self._writes(booking, rules, version))
            except TransactionRefused as refused:
                if refused.failed(0):
                    return _own_booking(user_id, slot, refused.item(0))
            else:
                return booking
        raise StoreUnavailable("parallel calls keep booking for this user")

    def move(self, user_id: str, old: Slot, new: Slot, *, moved_at_ms: int) -> Booking:
        """Give ``old`` up for ``new``, both or neither; the same move again changes nothing.

        Raises:
            BookingUnknown: The user has no future booking for ``old``.
            SlotAlreadyHeldByUser: The user has another booking for ``new``.
            SlotTaken: Another user has it.
            SlotUnknown: The desk offers no such slot.
            TooManyBookings: The user has as many on that day as the desk allows.
            UserErased: The user's tombstone is set.
        """
        rules = self.rules()
        now = datetime.fromtimestamp(moved_at_ms / 1000, rules.time_zone)
        for _ in range(_MAX_ATTEMPTS):
            version = self._version(user_id)
            held = self._future_bookings(user_id, now)
            if old not in held:
                return self._moved(user_id, old, new)
            if old == new:
                return held[old]
            if new in held:
                raise SlotAlreadyHeldByUser(f"{new.day} {new.start}")
            if new not in rules.open_slots(new.day, now):
                raise SlotUnknown(f"{new.day} {new.start}")
            if version is not None:
                rules.check_bookable(held, new, instead_of=old)
            self._check_free(new, rules, instead_of=old)
            booking = Booking(user_id, new, held[old].reason, moved_at_ms)
            try:
                self.desk.transact(self._writes(booking, rules, version, old))
            except TransactionRefused as refused:
                if refused.failed(0) and text(refused.item(0) or {}, "user_id") != user_id:
                    raise SlotTaken(f"{new.day} {new.start}") from None
            else:
                return booking
        raise StoreUnavailable("parallel calls keep booking for this user")

    def _moved(self, user_id: str, old: Slot, new: Slot) -> Booking:
        """Return the booking that an earlier, identical move made."""
        item = self.desk.get(keys.slot(new)) or {}
        if text(item, "moved_from") == keys.booking_sort(old):
            booking = _booking(item, new)
            if booking.user_id == user_id:
                return booking
        raise BookingUnknown(f"{old.day} {old.start}")

    def _version(self, user_id: str) -> int | None:
        """Return how often the user booked or moved, None if that is not counted."""
        if self.memory is None:
            return None
        profile = self.memory.get(keys.profile(user_id)) or {}
        if "erased_at_ms" in profile:
            raise UserErased(user_id)
        return number(profile, "bookings_version") if "bookings_version" in profile else 0

    def _future_bookings(self, user_id: str, now: datetime) -> Mapping[Slot, Booking]:
        """Return the user's bookings that have not begun."""
        first = keys.booking_sort(Slot(now.date(), now.time()))
        found = _read_bookings(self.desk, user_id, first)
        return {one.slot: one for one in found if is_upcoming(one.slot, now, now.tzinfo)}

    def _writes(
        self, booking: Booking, rules: DeskRules, version: int | None, old: Slot | None = None
    ) -> "list[TransactWriteItemTypeDef]":
        user_id, slot = booking.user_id, booking.slot
        details = encode_all(
            {
                "user_id": user_id,
                "reason": booking.reason,
                "booked_at_ms": booking.booked_at_ms,
                "minutes": rules.slot_minutes,
                "moved_from": keys.booking_sort(old) if old is not None else None,
            }
        )
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self.desk.name,
                    "Item": {**keys.slot(slot), **details},
                    "ConditionExpression": "attribute_not_exists(pk)",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            },
            {
                "Put": {
                    "TableName": self.desk.name,
                    "Item": {**keys.booking(user_id, slot), **details},
                }
            },
        ]
        if self.memory is not None and version is not None:
            writes.append(advance_version(self.memory, user_id, "bookings_version", version))
        return writes + (self._release_slot_writes(user_id, old) if old is not None else [])

    def _release_slot_writes(self, user_id: str, slot: Slot) -> "list[TransactWriteItemTypeDef]":
        return [
            {
                "Delete": {
                    "TableName": self.desk.name,
                    "Key": keys.slot(slot),
                    "ConditionExpression": "user_id = :me",
                    "ExpressionAttributeValues": {":me": {"S": user_id}},
                }
            },
            {"Delete": {"TableName": self.desk.name, "Key": keys.booking(user_id, slot)}},
        ]

    def bookings(self, user_id: str) -> Sequence[Booking]:
        """Return the user's bookings in order of time."""
        return bookings_of(self.desk, user_id)

    def cancel(self, user_id: str, slot: Slot) -> None:
        """Give the slot back.

        Raises:
            BookingUnknown: The user has not booked it.
        """
        try:
            self.desk.transact(self._release_slot_writes(user_id, slot))
        except TransactionRefused:
            raise BookingUnknown(f"{slot.day} {slot.start}") from None


def bookings_of(desk: DynamoTable, user_id: str) -> Sequence[Booking]:
    """Return the user's bookings in order of time, without reading the desk's rules.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    return _read_bookings(desk, user_id, keys.BOOKING_PREFIX)


def _read_bookings(desk: DynamoTable, user_id: str, first: str) -> Sequence[Booking]:
    items = desk.query(keys.user(user_id), first=first, last=keys.BOOKINGS_END)
    slots = ((item, keys.booked_slot(item["sk"]["S"])) for item in items)
    # An item that was written by hand may have a key that names no slot. It is not a booking.
    return tuple(_booking(item, slot) for item, slot in slots if slot is not None)


def _booking(item: "Item", slot: Slot) -> Booking:
    """Read a booking; attributes that an item written by hand leaves out are empty."""
    booked_at_ms = number(item, "booked_at_ms") if "booked_at_ms" in item else 0
    return Booking(text(item, "user_id") or "", slot, text(item, "reason") or "", booked_at_ms)


def _own_booking(user_id: str, slot: Slot, item: "Item | None") -> Booking:
    if item is None:
        raise SlotUnknown(f"{slot.day} {slot.start}")
    booking = _booking(item, slot)
    if booking.user_id != user_id:
        raise SlotTaken(f"{slot.day} {slot.start}")
    return booking


def _plain(item: "Item") -> Mapping[str, object]:
    from boto3.dynamodb.types import TypeDeserializer

    read = TypeDeserializer().deserialize
    return {name: read(value) for name, value in item.items() if name not in ("pk", "sk")}
