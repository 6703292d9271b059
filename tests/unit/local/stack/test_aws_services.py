"""Kept tables that DynamoDB Local cannot read stop the start with the remedy."""

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.hosting.aws_resources import TablesUnreadableError
from local.hosting.ports import Ports
from local.hosting.programs import RunPaths
from local.stack import StackOptions, aws_services
from local.stack.aws_services import AwsServices
from local.stack.wiring import addresses_at, read_application

pytestmark = pytest.mark.unit


def fail(tables: Iterable[object], client: object) -> None:
    raise ClientError({"Error": {"Code": "InternalFailure"}}, "ListTables")


@pytest.mark.parametrize(("kept", "error"), [(True, TablesUnreadableError), (False, ClientError)])
def test_a_failure_on_kept_tables_names_their_folder(
    kept: bool, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_services, "dynamodb_local", lambda _: tmp_path)
    monkeypatch.setattr(aws_services, "create_tables", fail)
    options = StackOptions(dynamodb_data=tmp_path / "data" if kept else None)
    ports = Ports.from_base(8700)
    addresses = addresses_at(ports, access_key="key", dynamodb="http://127.0.0.1:1", gemini="")
    application = read_application(options, tmp_path, addresses, {})
    running = contextlib.AsyncExitStack()
    services = AwsServices(options, ports, RunPaths(tmp_path, tmp_path, 1), running)
    with pytest.raises(error) as raised:
        services.create_tables(application, addresses)
    asyncio.run(running.aclose())
    assert (f"files in {tmp_path}/data;" in str(raised.value)) is kept
