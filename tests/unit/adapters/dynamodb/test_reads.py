from typing import Any

import pytest

from repartee.adapters.dynamodb import keys
from repartee.domain.errors import StoreUnavailable
from tests.unit.adapters.dynamodb.failing_client import FailingClient, Waits, table

pytestmark = pytest.mark.unit

PROFILE, HEADER = keys.profile("ann"), keys.header("ann", "talk")


def given(*items: Any, left: Any = ()) -> dict[str, Any]:
    answer: dict[str, Any] = {"Responses": {"memory": list(items)}}
    return answer | ({"UnprocessedKeys": {"memory": {"Keys": list(left)}}} if left else {})


def test_items_come_in_the_order_in_which_they_were_asked_for():
    client = FailingClient(given(HEADER, PROFILE))

    found = table(client, "memory").get_all([PROFILE, HEADER])

    assert found == [PROFILE, HEADER]


def test_only_keys_that_a_busy_table_left_out_are_read_again():
    client, waits = FailingClient(given(HEADER, left=[PROFILE]), given()), Waits()

    found = table(client, "memory", waits).get_all([PROFILE, HEADER])

    assert found == [None, HEADER]
    asked = [call["RequestItems"]["memory"] for _, call in client.calls]
    assert [one["Keys"] for one in asked] == [[PROFILE, HEADER], [PROFILE]]
    assert all(one["ConsistentRead"] for one in asked)
    assert waits.seconds == [0.1]


def test_a_table_that_never_gives_all_is_unavailable():
    client, waits = FailingClient(given(left=[PROFILE])), Waits(attempts=3)

    with pytest.raises(StoreUnavailable):
        table(client, "memory", waits).get_all([PROFILE])

    assert len(client.calls) == 3
