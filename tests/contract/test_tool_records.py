"""The contract of the records that tools keep of users."""

from datetime import date

import pytest
from pydantic import BaseModel

from local.hosting.aws_resources import ANY_ACCESS_KEY, dynamodb_client
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.tool_records import DynamoToolRecords
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.errors import ItemTooLarge, RecordUnreadable, UserErased
from repartee.domain.users.export import ToolRecord
from repartee.ports.tool_records import MAX_RECORD_ID_BYTES
from tests.contract.scenes import USER
from tests.contract.servers import Servers
from tests.contract.stores import Order, Stores, TableNames
from tests.fakes.clock import NOON_MS
from tests.fakes.tables import FakeTables
from tests.fakes.tool_records import FakeToolRecords

pytestmark = pytest.mark.contract

SHIPPED = Order(state="shipped", arrives=date(2026, 12, 4))


def test_a_record_is_found_by_its_user_and_its_id_alone(stores: Stores) -> None:
    stores.orders.put(USER, "42", SHIPPED)

    assert stores.orders.find(USER, "42") == SHIPPED
    assert stores.orders.find(USER, "4") is None
    assert stores.orders.find("user-ben", "42") is None
    assert stores.orders.all("user-ben") == {}


def test_a_second_record_with_an_id_replaces_the_first(stores: Stores) -> None:
    stores.orders.put(USER, "42", Order(state="packed"))
    stores.orders.put(USER, "42", SHIPPED)

    assert stores.orders.all(USER) == {"42": SHIPPED}


def test_records_are_listed_in_the_order_of_their_ids(stores: Stores) -> None:
    ids = ["~", "b#2", "10", "é", "2", ""]
    for record_id in ids:
        stores.orders.put(USER, record_id, Order(state=f"state of {record_id}"))

    assert list(stores.orders.all(USER)) == sorted(ids)
    assert stores.orders.all(USER)["b#2"].state == "state of b#2"


def test_a_removed_record_is_gone_and_may_be_removed_again(stores: Stores) -> None:
    for record_id in ("41", "42"):
        stores.orders.put(USER, record_id, SHIPPED)

    for _ in range(2):
        stores.orders.remove(USER, "42")

    assert list(stores.orders.all(USER)) == ["41"]


def test_an_id_that_is_too_long_is_of_no_record(stores: Stores) -> None:
    longest = "é" * (MAX_RECORD_ID_BYTES // 2)
    stores.orders.put(USER, longest, SHIPPED)
    for too_long in (longest + "1", "1" * 3_000):
        assert stores.orders.find(USER, too_long) is None
        stores.orders.remove(USER, too_long)
        with pytest.raises(ItemTooLarge, match="shorten record_id"):
            stores.orders.put(USER, too_long, SHIPPED)

    assert stores.orders.all(USER) == {longest: SHIPPED}


def test_a_record_that_is_too_large_is_refused(stores: Stores) -> None:
    with pytest.raises(ItemTooLarge, match="shorten record_json"):
        stores.orders.put(USER, "42", Order(state="s" * 420_000))

    assert stores.orders.find(USER, "42") is None


def test_an_export_has_the_records_of_every_kind_as_stored(stores: Stores) -> None:
    stores.orders.put(USER, "42", SHIPPED)
    stores.orders.put("user-ben", "43", SHIPPED)

    record = ToolRecord("orders", "42", '{"state":"shipped","arrives":"2026-12-04"}')
    assert list(stores.records.tool_records(USER)) == [record]


def test_an_export_continues_after_any_record(stores: Stores) -> None:
    # The order of UTF-16 puts the last two the other way round.
    in_order = ["", "#", "4#2", "42", "é", "\uffee", "\U0001f355"]
    for record_id in reversed(in_order):
        stores.orders.put(USER, record_id, SHIPPED)

    all_records = list(stores.records.tool_records(USER))

    assert [record.record_id for record in all_records] == in_order
    for place, record in enumerate(all_records):
        following = list(stores.records.tool_records(USER, after=record.place))
        assert following == all_records[place + 1 :]


def test_nothing_is_stored_of_an_erased_user(stores: Stores) -> None:
    stores.orders.put(USER, "42", SHIPPED)
    stores.erase(USER, NOON_MS)

    with pytest.raises(UserErased):
        stores.orders.put(USER, "43", SHIPPED)

    assert list(stores.orders.all(USER)) == ["42"]


class Parcel(BaseModel):
    """A record of another kind, or of a later version of a kind."""

    weight_g: int


def test_a_kind_is_not_mixed_with_one_whose_name_it_begins(
    dynamodb_name: str, servers: Servers, table_names: TableNames
) -> None:
    memory = DynamoTable(servers.dynamodb(dynamodb_name), table_names.memory)
    orders = DynamoToolRecords(memory, "orders", Order)
    parcels = DynamoToolRecords(memory, "orders_sent", Parcel)
    orders.put(USER, "42", SHIPPED)
    parcels.put(USER, "42", Parcel(weight_g=700))

    assert orders.all(USER) == {"42": SHIPPED}
    assert parcels.all(USER) == {"42": Parcel(weight_g=700)}


@pytest.mark.parametrize("kind", ["", "orders#sent", "Orders", "_orders", "orders\n", "o" * 65])
def test_a_kind_that_is_no_plain_name_is_refused(kind: str) -> None:
    memory = DynamoTable(dynamodb_client("http://127.0.0.1:1", ANY_ACCESS_KEY), "none")
    with pytest.raises(ValueError, match="use 1 to 64"):
        DynamoToolRecords(memory, kind, Order)


def test_a_record_that_no_longer_fits_its_model_is_refused_without_its_values(
    dynamodb_name: str, servers: Servers, table_names: TableNames
) -> None:
    memory = DynamoTable(servers.dynamodb(dynamodb_name), table_names.memory)
    values = encode_all({"record_json": '{"state": "shipped"}'})
    memory.put({**keys.tool_record(USER, "parcels", "42"), **values})
    parcels = DynamoToolRecords(memory, "parcels", Parcel)

    for read in (lambda: parcels.find(USER, "42"), lambda: parcels.all(USER)):
        with pytest.raises(RecordUnreadable, match=r"^parcels: weight_g: Field required$"):
            read()


def test_the_fake_refuses_a_record_that_no_longer_fits_as_well() -> None:
    tables = FakeTables()
    FakeToolRecords(tables, "parcels", Order).put(USER, "42", SHIPPED)

    with pytest.raises(RecordUnreadable):
        FakeToolRecords(tables, "parcels", Parcel).find(USER, "42")
