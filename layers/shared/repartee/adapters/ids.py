import secrets

# Crockford's base 32: no I, L, O, U. Source: ULID specification.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_LENGTH = 26
_MAX_TIME_MS = (1 << 48) - 1


class UlidSource:
    """Makes ULIDs: 48 bits of time, then 80 bits from the operating system's randomness."""

    def new_id(self, now_ms: int) -> str:
        """Return a ULID.

        Raises:
            ValueError: ``now_ms`` does not fit into 48 bits.
        """
        if not 0 <= now_ms <= _MAX_TIME_MS:
            raise ValueError(f"a ULID holds times from 0 to {_MAX_TIME_MS} ms")
        value = now_ms << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return "".join(_DIGITS[value >> 5 * place & 31] for place in reversed(range(_LENGTH)))
