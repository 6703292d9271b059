"""The tools' answers when the desk refuses: the reason, and the next step for the model."""

from core_agent.spoken_forms import spoken_forms
from core_agent.tools.front_desk.wording import obstacle_text, slot_fields, time_fields
from repartee.domain.front_desk.bookings import (
    BookingUnknown,
    DeskRefused,
    Slot,
    SlotAlreadyHeldByUser,
    SlotTaken,
    TooManyBookings,
    is_upcoming,
)
from repartee.domain.front_desk.rules import DeskRules
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
                f"The caller has another {context.words.booking} at that time already. Nothing was "
                "moved, and both stay as they are. Ask which other time the caller would like."
            )
            fields = {"reason": "own_booking", **slot_fields(slot, context)}
            return ToolResult(ToolStatus.REFUSED, message, fields)
    reason, why = _unavailable(desk.rules(), context, slot, is_taken=isinstance(refusal, SlotTaken))
    free = desk.free_slots(slot.day, now=context.now)
    advice = "Offer one or two of the free times." if free else "Offer to look at another day."
    fields = {"reason": reason, "free": time_fields(free, context)}
    return ToolResult(ToolStatus.REFUSED, f"{why} {advice}", fields)


def _unavailable(
    rules: DeskRules, context: ToolContext, slot: Slot, *, is_taken: bool
) -> tuple[str, str]:
    """Return the code and the text of the reason why the caller cannot have a slot."""
    if obstacle := rules.obstacle(slot.day, context.now):
        return obstacle.value, obstacle_text(obstacle, rules, slot.day, context)
    if is_taken:
        return "slot_taken", "Somebody else has that time."
    if not is_upcoming(slot, context.now, context.now.tzinfo):
        return "in_the_past", "That time is in the past."
    return "no_such_slot", "That time cannot be booked."


def booking_not_found(slot: Slot, context: ToolContext) -> ToolResult:
    """Return that the caller has no booking for ``slot``, or that it has begun."""
    if not is_upcoming(slot, context.now, context.now.tzinfo):
        message = "That time is in the past, so nothing can be changed about it."
        return ToolResult(ToolStatus.REFUSED, message, {"reason": "in_the_past"})
    return ToolResult(
        ToolStatus.REFUSED,
        f"The caller has no {context.words.booking} then. Call my_bookings before you answer.",
        {"reason": "no_such_booking"},
    )


def _too_many(refusal: TooManyBookings, context: ToolContext) -> ToolResult:
    words = context.words
    count = f"{refusal.limit} {words.booking if refusal.limit == 1 else words.bookings}"
    if refusal.day is None:
        count, advice = f"{count} ahead", "Offer to cancel or move one."
        reason = "too_many_bookings"
    else:
        on = spoken_forms(context.language).day(refusal.day, context.today)
        count, advice = f"{count} on {on}", "Offer to look at another day."
        reason = "too_many_that_day"
    message = f"The caller has {count} already, which is the limit. {advice}"
    return ToolResult(ToolStatus.REFUSED, message, {"reason": reason, "limit": refusal.limit})
