from collections.abc import Iterator

import pytest

from tests.contract.servers import DYNAMODB_LOCAL, MINISTACK, Servers, require
from tests.contract.stores import Stores, TableNames, dynamodb_stores, fake_stores, tables


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = Servers(tmp_path_factory.mktemp("servers"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(params=["fake", DYNAMODB_LOCAL, MINISTACK])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "fake":
        yield fake_stores()
        return
    servers: Servers = request.getfixturevalue("servers")
    require(servers, request.param)
    client = servers.dynamodb(request.param)
    with tables(client) as names:
        yield dynamodb_stores(client, names)


@pytest.fixture(params=[DYNAMODB_LOCAL, MINISTACK])
def dynamodb_name(request: pytest.FixtureRequest, servers: Servers) -> str:
    name: str = request.param
    require(servers, name)
    return name


@pytest.fixture
def table_names(dynamodb_name: str, servers: Servers) -> Iterator[TableNames]:
    with tables(servers.dynamodb(dynamodb_name)) as names:
        yield names
