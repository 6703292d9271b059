"""A request belongs to the verified token's subject."""

from typing import Any

import pytest

from tests.unit.functions.http_api.document import served_requests
from tests.unit.functions.http_api.harness import HttpApiHarness

pytestmark = pytest.mark.unit

UNUSABLE = ["x" * 256, "x" * 3_000, "é" * 1_100, "user\x00", "user\n", "user\udcff", " "]


@pytest.mark.parametrize(
    ("subject", "code"),
    [("", "not_signed_in"), (5, "not_signed_in"), (["a"], "not_signed_in")]
    + [(subject, "subject_refused") for subject in UNUSABLE],
    ids=lambda value: repr(value)[:20],
)
def test_no_route_serves_a_token_without_a_usable_subject(subject: Any, code: str) -> None:
    api = HttpApiHarness()

    for method, path in served_requests():
        status, problem, headers = api.call(method, path, {}, user=subject)
        if path in ("/settings", "/health"):
            assert status == 200
            continue
        assert (status, problem["code"]) == (401, code), (method, path)
        assert headers["www-authenticate"].startswith("Bearer")
        assert problem.get("field") == ("sub" if code == "subject_refused" else None)
    assert api.tables.conversations == {}
    messages = {line["message"] for line in api.log.lines}
    assert messages == ({"token subject refused"} if code == "subject_refused" else set())


@pytest.mark.parametrize("subject", ["a#b", "conv#1", "a/b", "../b", "a|b?c=d&e", "x" * 255, "Ünï"])
def test_a_subject_of_separators_is_one_user_like_any_other(subject: str) -> None:
    api = HttpApiHarness()
    api.begin("new", user=subject)

    assert len(api.call("GET", "/conversations", user=subject)[1]["conversations"]) == 1
    assert api.call("GET", "/conversations", user=subject[:-1])[1]["conversations"] == []
    assert api.call("DELETE", "/me", user=subject)[0] == 200
