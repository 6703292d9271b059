"""The front desk's book in DynamoDB.

Items of DeskTable:
    ``desk`` / ``hours``: the week; without it, what the constructor was given holds.
    ``day#YYYY-MM-DD`` / ``slot#HH:MM``: a booked slot and whose it is. There is one item per slot,
        so no two users can hold it.
    ``user#U`` / ``booking#YYYY-MM-DDTHH:MM``: the same booking, found by its user.

Booking and cancelling change both items of a booking in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.retries import TransactionRefused
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.tombstone import unless_erased
from repartee.adapters.dynamodb.values import Value, encode_all
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

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from repartee.adapters.dynamodb.keys import Item

# The place in a booking's transaction that has a reason of its own.
_PROFILE = 2
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskTable:
    """A ``Desk`` in a DynamoDB table. Safe to use from several threads.

    Attributes:
        default_hours: Hold until hours are written to the table.
        memory: Where the users' tombstones are, which no booking may pass; None for filling
            a book by hand.
    """

    desk: DynamoTable
    default_hours: DeskHours
    memory: DynamoTable | None = None

    def opening_hours(self, day: date) -> OpeningHours | None:
        """Return when the desk is open that day, None when it is closed."""
        return self._hours().on(day)

    def free_slots(self, day: date) -> Sequence[Slot]:
        """Return the day's slots that nobody has booked, in order."""
        slots = self._hours().slots(day)
        if not slots:
            return ()
        items = self.desk.query(keys.desk_day(day), first=keys.SLOT_PREFIX, last=keys.SLOTS_END)
        booked = {item["sk"]["S"] for item in items}
        return tuple(slot for slot in slots if keys.slot_sort(slot) not in booked)

    def book(self, user_id: str, slot: Slot, *, reason: str, booked_at_ms: int) -> Booking:
        """Book ``slot`` for the user; booking one's own slot again returns the same booking.

        Raises:
            SlotTaken: Somebody else has it.
            SlotUnknown: The desk offers no such slot.
            UserErased: The user's tombstone is set.
        """
        hours = self._hours()
        now = datetime.fromtimestamp(booked_at_ms / 1000, hours.zone)
        if slot not in hours.open_slots(slot.day, now):
            # A repetition may come after the slot has begun or the hours have changed.
            return _held(user_id, slot, self.desk.get(keys.slot(slot)))
        booking = Booking(user_id, slot, reason, booked_at_ms)
        details = encode_all({"user_id": user_id, "reason": reason, "booked_at_ms": booked_at_ms})
        try:
            self.desk.transact(
                [
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
                    *self._unless_erased(user_id),
                ]
            )
        except TransactionRefused as refused:
            if refused.failed(_PROFILE):
                raise UserErased(user_id) from None
            return _held(user_id, slot, refused.item(0))
        return booking

    def _unless_erased(self, user_id: str) -> "list[TransactWriteItemTypeDef]":
        return [] if self.memory is None else [unless_erased(self.memory, user_id)]

    def bookings(self, user_id: str) -> Sequence[Booking]:
        """Return the user's bookings in order of time."""
        return bookings_of(self.desk, user_id)

    def cancel(self, user_id: str, slot: Slot) -> None:
        """Give the slot back.

        Raises:
            BookingUnknown: The user has not booked it.
        """
        try:
            self.desk.transact(
                [
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
            )
        except TransactionRefused:
            raise BookingUnknown(f"{slot.day} {slot.start}") from None

    def set_hours(self, hours: DeskHours) -> None:
        """Write the desk's week; bookings outside it are kept."""
        week: dict[str, Value] = {
            name: {"opens": f"{on.opens:%H:%M}", "closes": f"{on.closes:%H:%M}"}
            for name, on in zip(_WEEK, hours.week, strict=True)
            if on is not None
        }
        values = encode_all(
            {"week": week, "slot_minutes": hours.slot_minutes, "time_zone": hours.zone.key}
        )
        self.desk.put({**keys.desk_hours(), **values})

    def _hours(self) -> DeskHours:
        item = self.desk.get(keys.desk_hours())
        if item is None:
            return self.default_hours
        week = item["week"]["M"]
        return DeskHours(
            week=tuple(_opening_hours(week[name]["M"]) if name in week else None for name in _WEEK),
            slot_minutes=int(item["slot_minutes"]["N"]),
            zone=ZoneInfo(item["time_zone"]["S"]),
        )


def bookings_of(desk: DynamoTable, user_id: str) -> Sequence[Booking]:
    """Return the user's bookings in order of time; for that nobody needs the desk's hours.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    items = desk.query(keys.user(user_id), first=keys.BOOKING_PREFIX, last=keys.BOOKINGS_END)
    return tuple(_booking(item, keys.booked_slot(item["sk"]["S"])) for item in items)


def _booking(item: "Item", slot: Slot) -> Booking:
    return Booking(item["user_id"]["S"], slot, item["reason"]["S"], int(item["booked_at_ms"]["N"]))


def _held(user_id: str, slot: Slot, item: "Item | None") -> Booking:
    if item is None:
        raise SlotUnknown(f"{slot.day} {slot.start}")
    booking = _booking(item, slot)
    if booking.user_id != user_id:
        raise SlotTaken(f"{slot.day} {slot.start}")
    return booking


def _opening_hours(item: "Item") -> OpeningHours:
    return OpeningHours(
        time.fromisoformat(item["opens"]["S"]), time.fromisoformat(item["closes"]["S"])
    )
