"""Reads the user's usage for a session, and counts the usage that no commit has counted."""

import asyncio
from contextlib import suppress

from repartee.application.serving.session_ports import SessionPorts
from repartee.domain.cost.limits import DayUsage, utc_day
from repartee.domain.errors import LeaseLost, StoreUnavailable, UserErased
from repartee.domain.session.events import UsageRead
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import SessionState, Spending
from repartee.domain.users.preferences import Profile


async def used_today(
    profile: Profile, ports: SessionPorts, settings: SessionSettings
) -> DayUsage | None:
    """Return the user's usage today over all sessions, None if it is not limited.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    if not profile.limits.over(settings.limits):
        return None
    day = utc_day(ports.clock.now_ms())
    return await asyncio.to_thread(ports.usage.of_day, profile.user_id, day)


def read_usage(ports: SessionPorts, user_id: str) -> UsageRead:
    """Return the usage of today, as far as the tables answer.

    The call must come between commits, so that the totals include all earlier ones. Without an
    answer the machine keeps its own count, and reads the usage again after the next commit.
    """
    used: DayUsage | None = None
    with suppress(StoreUnavailable):
        used = ports.usage.of_day(user_id, utc_day(ports.clock.now_ms()))
    return UsageRead(used, ports.budget.today())


async def count_remaining_usage(
    machine: SessionMachine, state: SessionState, ports: SessionPorts
) -> None:
    """Count the usage that no turn has counted.

    This is the cost of the live model; core_agent counts its own. A fenced worker must not call
    this, because it must not write. Its usage since the last commit is lost, except if
    ``count_usage_of_erased`` counts it.
    """
    hit = machine.limit_reached
    if hit is not None:
        ports.log.info(
            "daily limit reached", extra={"session_id": state.session_id, "kind": hit.kind.value}
        )
    try:
        await _count(machine, state, ports, state.epoch)
    except LeaseLost as lost:
        if not await count_usage_of_erased(machine, state, ports):
            _warn(state, ports, lost)


async def count_usage_of_erased(
    machine: SessionMachine, state: SessionState, ports: SessionPorts
) -> bool:
    """Count a fenced worker's cost of the live model, if its conversation was erased.

    No later worker can count it, and an erasure must not reset the daily limit.

    Returns:
        Whether it was counted. It is not if another worker continues the conversation.
    """
    try:
        header = await asyncio.to_thread(
            ports.reader.load_header, state.user_id, state.conversation_id
        )
    except StoreUnavailable:
        return False
    if header is None:
        await _count(machine, state, ports, None)
    return header is None


async def _count(
    machine: SessionMachine, state: SessionState, ports: SessionPorts, epoch: int | None
) -> None:
    if not (bill := machine.uncommitted_bill):
        return
    spending = Spending(
        user_id=state.user_id,
        session_id=state.session_id,
        token=f"{state.session_id}-{state.epoch}",
        spent_at_ms=ports.clock.now_ms(),
        tokens=bill.usage,
        cost_usd=bill.cost_usd,
        epoch=epoch,
    )
    try:
        await asyncio.to_thread(ports.usage.add, spending)
    except (UserErased, StoreUnavailable) as error:
        _warn(state, ports, error)


def _warn(state: SessionState, ports: SessionPorts, error: Exception) -> None:
    reason = type(error).__name__
    ports.log.warning("usage not counted", extra={"session_id": state.session_id, "reason": reason})
