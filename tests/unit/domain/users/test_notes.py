import pytest

from repartee.domain.users.notes import MAX_FACTS_CHARACTERS, MAX_NOTE_CHARACTERS, Note, facts

pytestmark = pytest.mark.unit


def test_the_newest_facts_are_kept_as_far_as_there_is_room():
    notes = [Note(str(number), "x" * MAX_NOTE_CHARACTERS, number) for number in range(20, 0, -1)]

    kept = facts(notes)

    assert len(kept) == MAX_FACTS_CHARACTERS // MAX_NOTE_CHARACTERS
    assert facts([Note("1", "Likes tea.", 2), *notes])[0] == "Likes tea."
    assert facts([]) == ()
