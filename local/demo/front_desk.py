"""Access to the front desk of a running stack: seed it, and read or cancel its bookings."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from local.stack import Stack
from ops.seed_desk import seed_desk
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.personas import load_persona
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.front_desk.rules import default_rules

DAYS_AHEAD = 14


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """The front desk in the DeskTable of ``stack``."""

    stack: Stack

    async def seed(self) -> None:
        """Open the coming days for bookings."""
        desk = self._desk()
        now = datetime.now(desk.default_rules.time_zone)
        await asyncio.to_thread(seed_desk, desk, now, DAYS_AHEAD)

    async def bookings(self, user: str) -> Sequence[Booking]:
        """Return the bookings of ``user`` in order of time."""
        return await asyncio.to_thread(self._desk().bookings, user)

    async def cancel_all(self, user: str) -> None:
        """Cancel all bookings of ``user``."""
        desk = self._desk()
        for booking in await self.bookings(user):
            await asyncio.to_thread(desk.cancel, user, booking.slot)

    def _desk(self) -> DeskTable:
        environment = self.stack.application.functions["CoreAgentFunction"].environment
        zone = ZoneInfo(environment["DESK_TIME_ZONE"])
        hours = load_persona(environment["PERSONA"]).hours
        table = DynamoTable(self.stack.dynamodb(), self.stack.table_names["DeskTable"])
        return DeskTable(desk=table, default_rules=default_rules(zone, hours))
