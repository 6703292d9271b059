import secrets
from typing import TYPE_CHECKING

import pytest

from repartee.adapters.aws.secrets_manager import SecretsManager
from repartee.domain.errors import StoreUnavailable
from repartee.ports.runtime import Secrets
from tests.contract.servers import MINISTACK, Servers, require
from tests.fakes.secrets import FakeSecrets

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

TEXT = "not so secret: é"


@pytest.fixture
def secrets_client(servers: Servers) -> "SecretsManagerClient":
    require(servers, MINISTACK)
    return servers.secrets_manager()


@pytest.fixture(params=["fake", MINISTACK])
def kept(request: pytest.FixtureRequest) -> tuple[Secrets, str]:
    """Return the port, and the id of a secret with the value ``TEXT``."""
    if request.param == "fake":
        return FakeSecrets({"arn:of:a-secret": TEXT}), "arn:of:a-secret"
    client: SecretsManagerClient = request.getfixturevalue("secrets_client")
    made = client.create_secret(Name=f"secret-{secrets.token_hex(8)}", SecretString=TEXT)
    return SecretsManager(lambda: client), made["ARN"]


def test_a_secret_is_returned_as_plain_text(kept: tuple[Secrets, str]) -> None:
    port, secret_id = kept

    assert port.get(secret_id) == TEXT
    assert port.get(secret_id) == TEXT


def test_an_unknown_secret_is_unavailable(kept: tuple[Secrets, str]) -> None:
    port, _ = kept

    with pytest.raises(StoreUnavailable):
        port.get("arn:aws:secretsmanager:us-east-1:000000000000:secret:unknown-AbCdEf")


def test_a_secret_is_read_once_per_process(
    secrets_client: "SecretsManagerClient",
) -> None:
    made = secrets_client.create_secret(Name=f"secret-{secrets.token_hex(8)}", SecretString=TEXT)
    port = SecretsManager(lambda: secrets_client)
    port.get(made["ARN"])

    secrets_client.put_secret_value(SecretId=made["ARN"], SecretString="changed")

    assert port.get(made["ARN"]) == TEXT
    assert SecretsManager(lambda: secrets_client).get(made["ARN"]) == "changed"


def test_the_client_is_created_with_the_first_secret() -> None:
    def unwanted() -> "SecretsManagerClient":
        raise AssertionError("a client was made")

    SecretsManager(unwanted)


def test_binary_secrets_are_refused(secrets_client: "SecretsManagerClient") -> None:
    made = secrets_client.create_secret(Name=f"secret-{secrets.token_hex(8)}", SecretBinary=b"\x00")

    with pytest.raises(StoreUnavailable, match="no text"):
        SecretsManager(lambda: secrets_client).get(made["ARN"])
