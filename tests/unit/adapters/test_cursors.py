import base64

import pytest

from repartee.adapters.cursors import Cursors, Listing
from repartee.domain.errors import CursorRefused
from tests.fakes.secrets import FakeSecrets

pytestmark = pytest.mark.unit

PLACE = ("conversation-1", "a place/with anything")


def cursors(key: str = "k" * 64) -> Cursors:
    return Cursors(FakeSecrets({"key": key}), "key")


@pytest.mark.parametrize("listing", Listing)
@pytest.mark.parametrize("place", [PLACE, ("c",), ("", "ü"), ()])
def test_a_cursor_says_to_its_user_what_was_sealed(
    listing: Listing, place: tuple[str, ...]
) -> None:
    cursor = cursors().seal(listing, "user|1", *place)

    assert cursors().open(listing, "user|1", cursor) == place
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_a_cursor_is_of_no_use_to_another_user_or_list_or_with_another_key() -> None:
    cursor = cursors().seal(Listing.EXPORT, "user|1", *PLACE)

    with pytest.raises(CursorRefused):
        cursors().open(Listing.EXPORT, "user|2", cursor)
    with pytest.raises(CursorRefused):
        cursors().open(Listing.NOTES, "user|1", cursor)
    with pytest.raises(CursorRefused):
        cursors("o" * 64).open(Listing.EXPORT, "user|1", cursor)


def test_no_listing_begins_with_another_one() -> None:
    assert not [
        (one, other)
        for one in Listing
        for other in Listing
        if one.startswith(other) and one != other
    ]


def test_any_changed_cursor_is_refused() -> None:
    cursor = cursors().seal(Listing.EXPORT, "user|1", *PLACE)
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        text = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        with pytest.raises(CursorRefused):
            cursors().open(Listing.EXPORT, "user|1", text)


@pytest.mark.parametrize("cursor", ["", "x", "conv#1", "ü", "A" * 44, "a b", "AAAA===="])
def test_a_malformed_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorRefused):
        cursors().open(Listing.EXPORT, "user|1", cursor)
