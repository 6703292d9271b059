"""The contracts of the switch that stops all calls, and of the day's spending."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.service.call_switch import DynamoCallSwitch
from repartee.adapters.dynamodb.service.spendings import SHARDS, DynamoServiceSpendings
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.cost.service_cap import ServiceSpending
from repartee.domain.errors import StoreUnavailable
from repartee.ports.service import CallSwitch, ServiceSpendings
from tests.contract.servers import DYNAMODB_LOCAL, MINISTACK, Servers, require
from tests.contract.stores import all_items, tables
from tests.fakes.service import FakeCallSwitch, FakeServiceSpendings

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

DAY, NEXT_DAY = date(2026, 11, 20), date(2026, 11, 21)
CENT = Decimal("0.01")


@dataclass
class Service:
    """Both ports, and what an operator can do.

    Attributes:
        items: Returns the items of the table, none for the fakes.
    """

    switch: CallSwitch
    stop: Callable[[], object]
    allow: Callable[[], object]
    spendings: ServiceSpendings
    items: Callable[[], list[dict[str, Any]]]


@pytest.fixture(params=["fake", DYNAMODB_LOCAL, MINISTACK])
def service(request: pytest.FixtureRequest) -> Any:
    if request.param == "fake":
        fake = FakeCallSwitch()

        def turn(value: bool) -> None:
            fake.stopped = value

        yield Service(
            fake, lambda: turn(True), lambda: turn(False), FakeServiceSpendings(), lambda: []
        )
        return
    servers: Servers = request.getfixturevalue("servers")
    require(servers, request.param)
    client = servers.dynamodb(request.param)
    with tables(client) as names:
        live = DynamoTable(client, names.live)
        switch = DynamoCallSwitch(session_table=live)
        yield Service(
            switch,
            lambda: switch.stop("2026-11-20T12:00:00Z"),
            switch.allow,
            DynamoServiceSpendings(session_table=live),
            lambda: all_items(client, names.live),
        )


def test_calls_are_allowed_until_they_are_stopped_and_after_they_are_allowed(
    service: Service,
) -> None:
    assert not service.switch.is_stopped()
    for _ in range(2):
        service.stop()
        assert service.switch.is_stopped()
    for _ in range(2):
        service.allow()
        assert not service.switch.is_stopped()


def test_spendings_of_all_sources_add_up_by_day(service: Service) -> None:
    assert service.spendings.of_day(DAY) == ServiceSpending(DAY)

    for number in range(20):
        service.spendings.add(ServiceSpending(DAY, CENT), source=f"session-{number}")
    service.spendings.add(ServiceSpending(NEXT_DAY, CENT), source="session-1")

    assert service.spendings.of_day(DAY) == ServiceSpending(DAY, 20 * CENT)
    assert service.spendings.of_day(NEXT_DAY) == ServiceSpending(NEXT_DAY, CENT)


def test_spendings_at_the_same_time_are_all_counted_on_a_few_items_without_users(
    service: Service,
) -> None:
    def spend(number: int) -> None:
        service.spendings.add(ServiceSpending(DAY, CENT), source=f"session-{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(spend, range(64)))

    assert service.spendings.of_day(DAY).cost_usd == 64 * CENT
    items = service.items()
    assert len(items) in (0, SHARDS)
    for item in items:
        assert set(item) == {"pk", "sk", "cost_usd", "expires_at"}


def test_calls_go_on_without_an_answer_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = make_client(region="us-east-1", endpoint_url="http://127.0.0.1:9")
    switch = DynamoCallSwitch(session_table=DynamoTable(client, "live"))

    assert not switch.is_stopped()
    with pytest.raises(StoreUnavailable):
        switch.stopped_since()
