"""What every store of notes does."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from repartee.adapters.dynamodb.notes import DynamoNotes
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.errors import UserErased
from repartee.domain.notes import MAX_NOTES, NotesFull, NoteUnknown
from tests.contract.scenes import USER, all_at_once
from tests.contract.servers import Servers
from tests.contract.stores import Stores, TableNames, dynamodb_stores
from tests.fakes.clock import NOON_MS
from tests.fakes.ids import FakeIdSource

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = pytest.mark.contract

BOB = "user-bob"


def add(stores: Stores, text: str, at_ms: int = NOON_MS, user: str = USER) -> str:
    return stores.notes.add(user, text, noted_at_ms=at_ms).note_id


def texts(stores: Stores, user: str = USER, limit: int = MAX_NOTES) -> list[str]:
    return [note.text for note in stores.notes.newest(user, limit=limit)]


def test_the_newest_notes_come_first_and_no_more_than_were_asked_for(stores: Stores) -> None:
    for number in range(5):
        add(stores, f"Fact {number}.", NOON_MS + number)

    assert texts(stores, limit=3) == ["Fact 4.", "Fact 3.", "Fact 2."]
    newest = stores.notes.newest(USER, limit=1)[0]
    assert (newest.text, newest.noted_at_ms) == ("Fact 4.", NOON_MS + 4)


def test_a_text_that_is_kept_already_is_not_kept_twice(stores: Stores) -> None:
    first = add(stores, "Likes tea.")

    assert add(stores, "Likes tea.", NOON_MS + 1_000) == first
    assert texts(stores) == ["Likes tea."]


def test_of_many_repetitions_at_once_one_is_kept(stores: Stores) -> None:
    kept = all_at_once(4, lambda _number: add(stores, "Likes tea."))

    assert len(set(kept)) == 1
    assert texts(stores) == ["Likes tea."]


def test_different_notes_at_once_are_all_kept(stores: Stores) -> None:
    all_at_once(4, lambda number: add(stores, f"Fact {number}."))

    assert sorted(texts(stores)) == [f"Fact {number}." for number in range(4)]


def test_notes_are_forgotten_one_by_one(stores: Stores) -> None:
    tea, rain = add(stores, "Likes tea."), add(stores, "Hates rain.", NOON_MS + 1)

    stores.notes.remove(USER, tea)

    assert texts(stores) == ["Hates rain."]
    with pytest.raises(NoteUnknown):
        stores.notes.remove(USER, tea)
    stores.notes.remove(USER, rain)
    assert texts(stores) == []


def test_notes_of_another_user_are_neither_seen_nor_forgotten(stores: Stores) -> None:
    secret = add(stores, "Has a dog.", user=BOB)
    add(stores, "Has a dog.")

    with pytest.raises(NoteUnknown):
        stores.notes.remove(USER, secret)

    assert texts(stores, BOB) == ["Has a dog."]
    assert len(texts(stores)) == 1


def test_there_is_a_limit_to_notes_and_forgetting_makes_room(stores: Stores) -> None:
    for number in range(MAX_NOTES):
        first = add(stores, f"Fact {number}.", NOON_MS + number)
    add(stores, "Fact 7.")

    with pytest.raises(NotesFull):
        add(stores, "One more.", NOON_MS + MAX_NOTES)
    stores.notes.remove(USER, first)
    add(stores, "One more.", NOON_MS + MAX_NOTES)

    assert len(texts(stores, limit=2 * MAX_NOTES)) == MAX_NOTES


def test_nothing_is_noted_for_an_erased_user(stores: Stores) -> None:
    stores.erase(USER, NOON_MS)

    with pytest.raises(UserErased):
        add(stores, "Likes tea.")

    assert texts(stores) == []


def test_notes_leave_the_preferences_alone(stores: Stores) -> None:
    add(stores, "Likes tea.")

    profile = stores.profiles.load(USER)
    assert (profile.language, profile.erased_at_ms) == (None, None)


class ErasedMeanwhile:
    """A client whose user is erased between what is read and what is written."""

    def __init__(self, client: "DynamoDBClient", erase: Callable[[], object]) -> None:
        self._client = client
        self._erase = erase

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        self._erase()
        return self._client.transact_write_items(**arguments)


@pytest.mark.parametrize("before", [0, 1])
def test_a_note_that_is_overtaken_by_the_erasure_is_not_kept(
    dynamodb_name: str, servers: Servers, table_names: TableNames, before: int
) -> None:
    client = servers.dynamodb(dynamodb_name)
    stores, user = dynamodb_stores(client, table_names), f"user-overtaken-{before}"
    for number in range(before):
        stores.notes.add(user, f"note {number}", noted_at_ms=NOON_MS)
    overtaken = ErasedMeanwhile(client, lambda: stores.erasures.begin(user, now_ms=NOON_MS))
    memory = DynamoTable(cast("DynamoDBClient", overtaken), table_names.memory)
    notes = DynamoNotes(memory=memory, ids=FakeIdSource())

    with pytest.raises(UserErased):
        notes.add(user, "likes mornings", noted_at_ms=NOON_MS)

    assert len(stores.notes.newest(user, limit=9)) == before
