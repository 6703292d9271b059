import base64
from datetime import date
from decimal import Decimal

import pytest

from repartee.adapters.export_cursor import ExportCursors
from repartee.domain.conversation import Profile
from repartee.domain.errors import CursorRefused
from repartee.domain.export import Account, ExportPosition
from repartee.domain.limits import DayUsage
from repartee.domain.usage import TokenUsage
from tests.fakes.secrets import FakeSecrets

pytestmark = pytest.mark.unit

POSITION = ExportPosition("conversation-1", "a place/with anything")


def cursors(key: str = "k" * 64) -> ExportCursors:
    return ExportCursors(FakeSecrets({"key": key}), "key")


def test_an_accounts_totals_are_the_sums_of_its_days() -> None:
    days = (
        DayUsage(date(2026, 11, 20), 2, 3_000, TokenUsage(1, 2, 3, 4), Decimal("0.1")),
        DayUsage(date(2026, 11, 19), 1, 500, TokenUsage(10, 20, 30, 40), Decimal("0.2")),
    )

    account = Account(Profile("user"), (), (), days)

    assert (account.turns, account.talk_ms, account.cost_usd) == (3, 3_500, Decimal("0.3"))
    assert account.tokens == TokenUsage(11, 22, 33, 44)


@pytest.mark.parametrize("position", [POSITION, ExportPosition("c"), ExportPosition("", "ü")])
def test_a_cursor_says_to_its_user_what_was_sealed(position: ExportPosition) -> None:
    cursor = cursors().seal("user|1", position)

    assert cursors().open("user|1", cursor) == position
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_a_cursor_is_of_no_use_to_another_user_or_with_another_key() -> None:
    cursor = cursors().seal("user|1", POSITION)

    with pytest.raises(CursorRefused):
        cursors().open("user|2", cursor)
    with pytest.raises(CursorRefused):
        cursors("o" * 64).open("user|1", cursor)


def test_a_changed_cursor_is_refused_whatever_was_changed() -> None:
    cursor = cursors().seal("user|1", POSITION)
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(CursorRefused):
            cursors().open("user|1", base64.urlsafe_b64encode(changed).decode().rstrip("="))


@pytest.mark.parametrize("cursor", ["", "x", "conv#1", "ü", "A" * 44, "a b", "AAAA===="])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorRefused):
        cursors().open("user|1", cursor)
