import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from repartee.domain.errors import StoreUnavailable
from repartee.ports.runtime import Clock, Log

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

MAX_AGE_MS = 5 * 60_000
# Anybody can send a ticket with a bad signature, so bad signatures must not cause many requests.
READ_VERSIONS_EVERY_MS = 60_000
# With a known value in memory, a service that does not respond must not hold up a request for long.
_CONFIG = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 2})


def make_client() -> "SecretsManagerClient":
    """Make a client with short timeouts."""
    return boto3.client("secretsmanager", config=_CONFIG)


@dataclass(slots=True)
class _Known:
    """A secret that was read.

    Attributes:
        read_at_ms: The monotonic time of the last attempt to read it.
        versions_read_at_ms: The monotonic time of the last attempt to read all versions, None
            before the first.
    """

    current: str
    read_at_ms: int
    previous: str | None = None
    versions_read_at_ms: int | None = None


class SecretsManager:
    """Reads secrets from AWS Secrets Manager, and keeps each value for 5 minutes.

    The request that finds a value too old reads it again, which takes a few tens of ms once in 5
    minutes; requests at the same time use the old value. If the service does not answer, the old
    value stays for another minute.

    Args:
        clock: Measures the age of values.
        log: Gets a warning about a value that could not be read again.
        make_client: Makes the client for the first secret.
    """

    def __init__(
        self,
        clock: Clock,
        log: Log,
        make_client: "Callable[[], SecretsManagerClient]" = make_client,
    ) -> None:
        self._clock = clock
        self._log = log
        self._make_client = make_client
        self._client: SecretsManagerClient | None = None
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def get(self, secret_id: str) -> str:
        """Return the text of the secret's current version.

        Raises:
            StoreUnavailable: The secret was never read, and the service failed or refused, or the
                secret is not a text.
        """
        known = self._known.get(secret_id)
        if known is None:
            with self._lock:
                return self._first(secret_id).current
        is_old = self._clock.monotonic_ms() >= known.read_at_ms + MAX_AGE_MS
        if is_old and self._lock.acquire(blocking=False):
            try:
                self._read_again(secret_id, known)
            finally:
                self._lock.release()
        return known.current

    def versions(self, secret_id: str) -> tuple[str, ...]:
        """Return the current version and, if there is one, the previous version.

        Both are read again unless that happened less than a minute ago.

        Raises:
            StoreUnavailable: As in ``get``.
        """
        with self._lock:
            known, now_ms = self._first(secret_id), self._clock.monotonic_ms()
            read_at_ms = known.versions_read_at_ms
            if read_at_ms is None or now_ms >= read_at_ms + READ_VERSIONS_EVERY_MS:
                known.versions_read_at_ms = now_ms
                if self._read_again(secret_id, known):
                    self._read_previous(secret_id, known)
            return (known.current, *(() if known.previous is None else (known.previous,)))

    def _first(self, secret_id: str) -> _Known:
        known = self._known.get(secret_id)
        if known is None:
            now_ms = self._clock.monotonic_ms()
            known = self._known[secret_id] = _Known(self._fetch(secret_id, "AWSCURRENT"), now_ms)
        return known

    def _read_again(self, secret_id: str, known: _Known) -> bool:
        now_ms = self._clock.monotonic_ms()
        try:
            known.current = self._fetch(secret_id, "AWSCURRENT")
        except StoreUnavailable as error:
            # The next attempt follows in a minute.
            known.read_at_ms = now_ms - MAX_AGE_MS + READ_VERSIONS_EVERY_MS
            self._warn(error)
            return False
        known.read_at_ms = now_ms
        return True

    def _read_previous(self, secret_id: str, known: _Known) -> None:
        try:
            known.previous = self._fetch(secret_id, "AWSPREVIOUS")
        except _NoSuchVersion:
            known.previous = None
        except StoreUnavailable as error:
            self._warn(error)

    def _warn(self, error: StoreUnavailable) -> None:
        self._log.warning("secret not read again", extra={"reason": str(error)})

    def _fetch(self, secret_id: str, stage: str) -> str:
        if self._client is None:
            self._client = self._make_client()
        try:
            response = self._client.get_secret_value(SecretId=secret_id, VersionStage=stage)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise _NoSuchVersion("the secret has no such version") from error
            raise StoreUnavailable("a secret could not be read") from error
        except BotoCoreError as error:
            raise StoreUnavailable("a secret could not be read") from error
        if "SecretString" not in response:
            raise StoreUnavailable("the secret holds no text")
        return response["SecretString"]


class _NoSuchVersion(StoreUnavailable):
    """The secret does not exist, or no version has the stage."""
