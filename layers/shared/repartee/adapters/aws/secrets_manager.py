import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from repartee.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient


class SecretsManager:
    """Reads secrets from AWS Secrets Manager, each once in the life of the process.

    Args:
        make_client: Makes the client for the first secret.
    """

    def __init__(self, make_client: "Callable[[], SecretsManagerClient]") -> None:
        self._make_client = make_client
        self._values: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, secret_id: str) -> str:
        """Return the secret's text.

        Raises:
            StoreUnavailable: The service failed or refused, or the secret is not a text.
        """
        with self._lock:
            if secret_id not in self._values:
                self._values[secret_id] = self._fetch(secret_id)
            return self._values[secret_id]

    def _fetch(self, secret_id: str) -> str:
        try:
            response = self._make_client().get_secret_value(SecretId=secret_id)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable("a secret could not be read") from error
        if "SecretString" not in response:
            raise StoreUnavailable("the secret holds no text")
        return response["SecretString"]
