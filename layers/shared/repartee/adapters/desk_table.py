"""The front desk's book in DynamoDB.

Items of DeskTable:
    ``desk`` / ``hours``: the week; without it, what the constructor was given holds.
    ``day#YYYY-MM-DD`` / ``slot#HH:MM``: a booked slot and whose it is. There is one item per slot,
        so no two users can hold it.
    ``user#U`` / ``booking#YYYY-MM-DDTHH:MM``: the same booking, found by its user.

Booking and cancelling change both items of a booking in one transaction.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from repartee.adapters.dynamodb.keys import key, user
from repartee.adapters.dynamodb.reads import get, query
from repartee.adapters.dynamodb.retries import (
    Backoff,
    TransactionRefused,
    mapped_failures,
    transact,
)
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

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

    from repartee.adapters.dynamodb.keys import Item

_SLOT = "slot#"
_BOOKING = "booking#"
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class DeskTable:
    """A ``Desk`` in a DynamoDB table. Safe to use from several threads.

    Args:
        default_hours: Hold until hours are written to the table.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        default_hours: DeskHours,
        backoff: Backoff | None = None,
    ):
        self._client = client
        self._table = table
        self._default_hours = default_hours
        self._backoff = backoff or Backoff()

    def opening_hours(self, day: date) -> OpeningHours | None:
        """Return when the desk is open that day, None when it is closed."""
        return self._hours().on(day)

    def free_slots(self, day: date) -> Sequence[Slot]:
        """Return the day's slots that nobody has booked, in order."""
        slots = self._hours().slots(day)
        if not slots:
            return ()
        items = query(self._client, self._table, _day(day), first=_SLOT, last=f"{_SLOT}~")
        booked = {item["sk"]["S"] for item in items}
        return tuple(slot for slot in slots if _slot_sort(slot) not in booked)

    def book(self, user_id: str, slot: Slot, *, reason: str, booked_at_ms: int) -> Booking:
        """Book ``slot`` for the user; booking one's own slot again returns the same booking.

        Raises:
            SlotTaken: Somebody else has it.
            SlotUnknown: The desk offers no such slot.
        """
        hours = self._hours()
        now = datetime.fromtimestamp(booked_at_ms / 1000, hours.zone)
        if slot not in hours.open_slots(slot.day, now):
            # A repetition may come after the slot has begun or the hours have changed.
            return _held(user_id, slot, get(self._client, self._table, _slot_key(slot)))
        booking = Booking(user_id, slot, reason, booked_at_ms)
        details = encode_all({"user_id": user_id, "reason": reason, "booked_at_ms": booked_at_ms})
        try:
            transact(
                self._client,
                [
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": {**_slot_key(slot), **details},
                            "ConditionExpression": "attribute_not_exists(pk)",
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                        }
                    },
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": {**_booking_key(user_id, slot), **details},
                        }
                    },
                ],
                backoff=self._backoff,
            )
        except TransactionRefused as refused:
            return _held(user_id, slot, refused.item(0))
        return booking

    def bookings(self, user_id: str) -> Sequence[Booking]:
        """Return the user's bookings in order of time."""
        items = query(self._client, self._table, user(user_id), first=_BOOKING, last=f"{_BOOKING}~")
        return tuple(_booking(item, _booked_slot(item)) for item in items)

    def cancel(self, user_id: str, slot: Slot) -> None:
        """Give the slot back.

        Raises:
            BookingUnknown: The user has not booked it.
        """
        try:
            transact(
                self._client,
                [
                    {
                        "Delete": {
                            "TableName": self._table,
                            "Key": _slot_key(slot),
                            "ConditionExpression": "user_id = :me",
                            "ExpressionAttributeValues": {":me": {"S": user_id}},
                        }
                    },
                    {"Delete": {"TableName": self._table, "Key": _booking_key(user_id, slot)}},
                ],
                backoff=self._backoff,
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
        with mapped_failures():
            self._client.put_item(TableName=self._table, Item={**_HOURS_KEY, **values})

    def _hours(self) -> DeskHours:
        item = get(self._client, self._table, _HOURS_KEY)
        if item is None:
            return self._default_hours
        week = item["week"]["M"]
        return DeskHours(
            week=tuple(_opening_hours(week[name]["M"]) if name in week else None for name in _WEEK),
            slot_minutes=int(item["slot_minutes"]["N"]),
            zone=ZoneInfo(item["time_zone"]["S"]),
        )


_HOURS_KEY = key("desk", "hours")


def _day(day: date) -> str:
    return f"day#{day:%Y-%m-%d}"


def _slot_sort(slot: Slot) -> str:
    return f"{_SLOT}{slot.start:%H:%M}"


def _slot_key(slot: Slot) -> "Item":
    return key(_day(slot.day), _slot_sort(slot))


def _booking_key(user_id: str, slot: Slot) -> "Item":
    return key(user(user_id), f"{_BOOKING}{slot.day:%Y-%m-%d}T{slot.start:%H:%M}")


def _booked_slot(item: "Item") -> Slot:
    moment = datetime.fromisoformat(item["sk"]["S"].removeprefix(_BOOKING))
    return Slot(moment.date(), moment.time())


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
