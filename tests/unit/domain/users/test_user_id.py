"""Which subjects of identity providers can stand for a user."""

import pytest

from repartee.domain.users.user_id import user_id_problem

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "subject",
    ["auth0|5f7c8ec7c33c6c004bbafe82", "a#b/c?d", "x" * 255, "\U0001f600" * 255, "Ünï cødé", "0"],
)
def test_any_readable_subject_of_255_characters_is_a_user(subject: str) -> None:
    assert user_id_problem(subject) is None


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("x" * 256, "has 256 characters: at most 255 are allowed"),
        ("x" * 3_000, "has 3000 characters: at most 255 are allowed"),
        ("", "is empty"),
        (" ", "is empty"),
        ("\u200b", "is empty"),
        ("user\x00", "holds a control character"),
        ("user\n2", "holds a control character"),
        ("user\x85", "holds a control character"),
        ("user\udcff", "holds a control character"),
    ],
)
def test_any_other_is_refused_with_the_reason(subject: str, fault: str) -> None:
    assert user_id_problem(subject) == fault
