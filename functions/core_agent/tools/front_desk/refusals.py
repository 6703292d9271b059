"""The tools' answers when the desk refuses: the reason, and the next step for the model."""

from core_agent.tools.front_desk.wording import closed_day_reason, slot_fields, time_fields
from repartee.domain.front_desk.bookings import (
    BookingUnknown,
    DeskRefused,
    Slot,
    SlotAlreadyHeldByUser,
    SlotTaken,
    TooManyBookings,
    is_upcoming,
)
from repartee.domain.text.speakable import speakable_day
from repartee.domain.tools.tool import ToolContext, ToolResult, ToolStatus
from repartee.ports.front_desk import Desk


def slot_refusal(
    desk: Desk, context: ToolContext, slot: Slot, refusal: DeskRefused, *, old: Slot | None = None
) -> ToolResult:
    """Return why the caller cannot have ``slot``.

    Args:
        desk: Lists the free times of the same day.
        context: The user and the time of the request.
        slot: The wanted slot.
        refusal: The desk's exception.
        old: The slot that the caller wants to give up for it; None for a new booking.

    Raises:
        StoreUnavailable: The desk's table failed beyond the retries.
    """
    match refusal:
        case BookingUnknown():
            return booking_not_found(old or slot, context)
        case TooManyBookings():
            return _too_many(refusal, context)
        case SlotAlreadyHeldByUser():
            message = (
                "The caller has another appointment at that time already. Nothing was moved, and "
                "both stay as they are. Ask which other time the caller would like."
            )
            fields = {"reason": "own_booking", **slot_fields(slot, context.today)}
            return ToolResult(ToolStatus.REFUSED, message, fields)
    is_taken = isinstance(refusal, SlotTaken)
    why = "Somebody else has that time." if is_taken else "That time cannot be booked."
    if not is_taken and not is_upcoming(slot, context.now, context.now.tzinfo):
        why = "That time is in the past."
    why = closed_day_reason(desk.rules(), slot.day, context) or why
    free = desk.free_slots(slot.day, now=context.now)
    advice = "Offer one or two of the free times." if free else "Offer to look at another day."
    return ToolResult(
        ToolStatus.REFUSED,
        f"{why} {advice}",
        {"reason": "slot_taken" if is_taken else "no_such_slot", "free": time_fields(free)},
    )


def booking_not_found(slot: Slot, context: ToolContext) -> ToolResult:
    """Return that the caller has no booking for ``slot``, or that it has begun."""
    if not is_upcoming(slot, context.now, context.now.tzinfo):
        message = "That time is in the past, so nothing can be changed about it."
        return ToolResult(ToolStatus.REFUSED, message, {"reason": "in_the_past"})
    return ToolResult(
        ToolStatus.REFUSED,
        "The caller has no appointment then. Call my_bookings before you answer.",
        {"reason": "no_such_booking"},
    )


def _too_many(refusal: TooManyBookings, context: ToolContext) -> ToolResult:
    if refusal.day is None:
        count, advice = f"{refusal.limit} appointments ahead", "Offer to cancel or move one."
        reason = "too_many_bookings"
    else:
        on = speakable_day(refusal.day, context.today)
        count, advice = f"{refusal.limit} appointments on {on}", "Offer to look at another day."
        reason = "too_many_that_day"
    message = f"The caller has {count} already, which is the limit. {advice}"
    return ToolResult(ToolStatus.REFUSED, message, {"reason": reason, "limit": refusal.limit})
