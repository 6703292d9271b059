"""The front desk of a running stack, seen from outside: seed it, and look into its book."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import boto3

from local.aws_resources import client_options
from local.seed_desk import seed_desk
from local.stack import Stack
from repartee.adapters.desk_table import DeskTable
from repartee.domain.desk import Booking, weekday_hours

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

DAYS_AHEAD = 14


@dataclass(frozen=True, slots=True)
class FrontDesk:
    """DeskTable of ``stack``."""

    stack: Stack

    async def seed(self) -> None:
        """Fill the coming days as a business would."""
        today = datetime.now(ZoneInfo(self._zone)).date()
        await asyncio.to_thread(
            seed_desk, self._client(), self._table, today, DAYS_AHEAD, self._zone
        )

    async def bookings(self, user: str) -> Sequence[Booking]:
        """What ``user`` has booked, in order of time."""
        return await asyncio.to_thread(self._desk().bookings, user)

    async def cancel_all(self, user: str) -> None:
        """Give back everything that ``user`` has booked."""
        desk = self._desk()
        for booking in await self.bookings(user):
            await asyncio.to_thread(desk.cancel, user, booking.slot)

    def _desk(self) -> DeskTable:
        return DeskTable(self._client(), self._table, weekday_hours(ZoneInfo(self._zone)))

    @property
    def _table(self) -> str:
        return self.stack.table_names["DeskTable"]

    @property
    def _zone(self) -> str:
        core_agent = self.stack.application.functions["CoreAgentFunction"]
        return core_agent.environment["DESK_TIME_ZONE"]

    def _client(self) -> "DynamoDBClient":
        options = client_options(self.stack.addresses.dynamodb)
        return boto3.session.Session().client("dynamodb", **options)
