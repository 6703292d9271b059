"""The contract of stores of notes."""

import pytest

from repartee.domain.errors import UserErased
from repartee.domain.users.notes import MAX_NOTES, NotesFull, NoteUnknown
from tests.contract.scenes import USER, all_at_once
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

pytestmark = pytest.mark.contract

BOB = "user-bob"


def add(stores: Stores, text: str, at_ms: int = NOON_MS, user: str = USER) -> str:
    return stores.notes.add(user, text, noted_at_ms=at_ms).note_id


def texts(stores: Stores, user: str = USER, limit: int = MAX_NOTES) -> list[str]:
    return [note.text for note in stores.notes.newest(user, limit=limit)]


def test_notes_are_listed_newest_first_up_to_the_limit(stores: Stores) -> None:
    for number in range(5):
        add(stores, f"Fact {number}.", NOON_MS + number)

    assert texts(stores, limit=3) == ["Fact 4.", "Fact 3.", "Fact 2."]
    ids = [note.note_id for note in stores.notes.newest(USER, limit=9)]
    older = stores.notes.newest(USER, limit=2, before=ids[1])
    assert [note.note_id for note in older] == ids[2:4]
    # The list can continue after an id without a note.
    stores.notes.remove(USER, ids[2])
    assert [note.note_id for note in stores.notes.newest(USER, limit=9, before=ids[2])] == ids[3:]
    assert list(stores.notes.newest(USER, limit=9, before=ids[-1])) == []
    newest = stores.notes.newest(USER, limit=1)[0]
    assert (newest.text, newest.noted_at_ms) == ("Fact 4.", NOON_MS + 4)


def test_the_same_text_is_stored_once(stores: Stores) -> None:
    first = add(stores, "Likes tea.")

    assert add(stores, "Likes tea.", NOON_MS + 1_000) == first
    assert texts(stores) == ["Likes tea."]


def test_one_of_many_concurrent_repetitions_is_stored(stores: Stores) -> None:
    kept = all_at_once(4, lambda _number: add(stores, "Likes tea."))

    assert len(set(kept)) == 1
    assert texts(stores) == ["Likes tea."]


def test_different_concurrent_notes_are_all_stored(stores: Stores) -> None:
    all_at_once(4, lambda number: add(stores, f"Fact {number}."))

    assert sorted(texts(stores)) == [f"Fact {number}." for number in range(4)]


def test_notes_are_deleted_one_by_one(stores: Stores) -> None:
    tea, rain = add(stores, "Likes tea."), add(stores, "Hates rain.", NOON_MS + 1)

    stores.notes.remove(USER, tea)

    assert texts(stores) == ["Hates rain."]
    with pytest.raises(NoteUnknown):
        stores.notes.remove(USER, tea)
    stores.notes.remove(USER, rain)
    assert texts(stores) == []


def test_notes_of_another_user_are_neither_listed_nor_deleted(stores: Stores) -> None:
    secret = add(stores, "Has a dog.", user=BOB)
    add(stores, "Has a dog.")

    with pytest.raises(NoteUnknown):
        stores.notes.remove(USER, secret)

    assert texts(stores, BOB) == ["Has a dog."]
    assert len(texts(stores)) == 1


def test_notes_are_limited_and_deleting_one_makes_room(stores: Stores) -> None:
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


def test_notes_do_not_change_the_preferences(stores: Stores) -> None:
    add(stores, "Likes tea.")

    profile = stores.profiles.load(USER)
    assert (profile.language, profile.erased_at_ms) == (None, None)
