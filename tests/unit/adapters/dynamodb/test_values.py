from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from repartee.adapters.dynamodb.client import MAX_ATTEMPTS, make_client
from repartee.adapters.dynamodb.values import Value, encode, encode_all

pytestmark = pytest.mark.unit

# DynamoDB keeps 38 digits; boto3's own serialiser refuses more.
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**37), 10**37)
    | st.decimals(-(10**9), 10**9, places=12)
    | st.text()
    | st.binary()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(value=values)
def test_values_are_written_as_boto3_writes_them(value: Value) -> None:
    assert encode(value) == TypeSerializer().serialize(value)


def test_attributes_without_a_value_are_left_out() -> None:
    assert encode_all({"a": None, "b": 0, "c": "", "d": False}) == {
        "b": {"N": "0"},
        "c": {"S": ""},
        "d": {"BOOL": False},
    }


def test_money_keeps_every_digit() -> None:
    assert encode(Decimal("0.10000000000000000000000001")) == {"N": "0.10000000000000000000000001"}


def test_the_client_gives_up_within_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    client = make_client(region="us-east-1", endpoint_url="http://127.0.0.1:1")

    config: Any = client.meta.config
    assert MAX_ATTEMPTS * max(config.connect_timeout, config.read_timeout) < 4
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == MAX_ATTEMPTS
    client.close()
