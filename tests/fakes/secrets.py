from collections.abc import Mapping

from repartee.domain.errors import StoreUnavailable


class FakeSecrets:
    """Returns the given secrets, always as they are now; any other id fails."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._versions: dict[str, tuple[str, ...]] = {
            name: (text,) for name, text in values.items()
        }

    def get(self, secret_id: str) -> str:
        return self.versions(secret_id)[0]

    def versions(self, secret_id: str) -> tuple[str, ...]:
        try:
            return self._versions[secret_id]
        except KeyError:
            raise StoreUnavailable("no such secret") from None

    def rotate(self, secret_id: str, value: str) -> None:
        """Give the secret a new value; the one before stays as the previous version."""
        self._versions[secret_id] = (value, self._versions[secret_id][0])
