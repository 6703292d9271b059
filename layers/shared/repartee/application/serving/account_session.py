"""A session's use of its user's day: read as a worker begins, made complete as it leaves."""

import asyncio

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
    """Return what the user has used today over all sessions; None where it is not limited.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    if not profile.limits.over(settings.limits):
        return None
    day = utc_day(ports.clock.now_ms())
    return await asyncio.to_thread(ports.usage.of_day, profile.user_id, day)


def read_usage(ports: SessionPorts, user_id: str) -> UsageRead | None:
    """Look up what the user has used today; None where the table did not answer.

    To be called between commits, so that it is known which of them the total holds. Without an
    answer the machine's own count goes on, and the next commit asks again.
    """
    try:
        return UsageRead(ports.usage.of_day(user_id, utc_day(ports.clock.now_ms())))
    except StoreUnavailable:
        return None


async def count_remaining_usage(
    machine: SessionMachine, state: SessionState, ports: SessionPorts
) -> None:
    """Count what no turn will tell of, and whether a limit was reached, as a worker leaves.

    That is what the live model cost: core_agent has counted its own. Not for a fenced worker: it
    may write nothing. What it has used since its last commit is not counted, except by
    ``count_usage_of_erased``.
    """
    hit = machine.limit_reached
    ports.metrics.session_left(by_limit=hit is not None)
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
    """Count what the live model cost a fenced worker, if its conversation was erased.

    No later worker can count it. So an erasure gives the user none of the daily limit back.

    Returns:
        False when another worker goes on with the conversation: nothing was counted.
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
