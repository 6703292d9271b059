import threading

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _base32(value: int, length: int) -> str:
    return "".join(_DIGITS[value >> (5 * place) & 31] for place in reversed(range(length)))


class FakeIdSource:
    """Makes ULIDs whose random part counts 1, 2, 3, …"""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made = 0

    def new_id(self, now_ms: int) -> str:
        with self._lock:
            self._made += 1
            return _base32(now_ms, 10) + _base32(self._made, 16)
