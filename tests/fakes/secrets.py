from collections.abc import Mapping

from repartee.domain.errors import StoreUnavailable


class FakeSecrets:
    """Returns the given secrets; any other id fails."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def get(self, secret_id: str) -> str:
        try:
            return self._values[secret_id]
        except KeyError:
            raise StoreUnavailable("no such secret") from None
