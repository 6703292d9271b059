"""Listing and repeating erasures that were cut off."""

import pytest
from botocore.exceptions import ClientError

from ops.stack_access import StackAccess
from ops.users import erasures as command
from repartee.domain.errors import StoreUnavailable
from tests.unit.functions.http_api.harness import HttpApiHarness
from tests.unit.ops.users.function_double import FunctionDouble, stack_of
from tests.unit.ops.users.test_largest import Pages

pytestmark = pytest.mark.unit


def tombstone(user: str, sort: str, erased_at_ms: int) -> dict[str, dict[str, str]]:
    return {
        "pk": {"S": f"user#{user}"},
        "sk": {"S": sort},
        "erased_at_ms": {"N": str(erased_at_ms)},
    }


@pytest.fixture
def api() -> HttpApiHarness:
    return HttpApiHarness()


@pytest.fixture
def stack(api: HttpApiHarness, monkeypatch: pytest.MonkeyPatch) -> StackAccess:
    pages = Pages(
        [tombstone("said", "conv#c1", 3_000), tombstone("both", "conv#c2", 1_000)],
        [tombstone("both", "profile", 2_000)],
    )
    stack = stack_of(FunctionDouble(api), pages)
    monkeypatch.setattr(command, "open_stack", lambda _environment: stack)
    monkeypatch.setattr("time.sleep", lambda _s: None)
    return stack


@pytest.mark.usefixtures("stack")
def test_unfinished_erasures_are_listed_the_oldest_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["--units-per-s=1000000"]) == 0

    # The erasure of a user includes the user's conversations.
    assert capsys.readouterr().out == (
        "1970-01-01T00:00:02Z  all data of both\n"
        "1970-01-01T00:00:03Z  conversation c1 of said\n"
        "2 unfinished erasures\n"
    )


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 2)])
def test_they_are_repeated_after_a_yes_and_a_refused_one_is_named(
    answer: str, status: int, api: HttpApiHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return answer

    assert command.main(["--repeat", "--units-per-s=1000000"], ask) == status

    assert asked == ["Repeat 2 erasures? [y/N] "]
    erased = api.deps.eraser.store.find("both")
    assert (erased is not None) is (answer == "y")
    if answer == "y":
        printed = capsys.readouterr()
        assert "all data of both: erased no items" in printed.out
        assert "conversation c1 of said: erasure refused with HTTP 404" in printed.err


def test_a_missing_permission_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Denied:
        def scan(self, **_request: object) -> None:
            message = "User: arn:aws:iam::1:user/x is not authorized to perform: dynamodb:Scan on y"
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "Scan")

    monkeypatch.setattr(command, "open_stack", lambda _: stack_of(None, Denied()))

    assert command.main([]) == 2
    assert "your role needs dynamodb:Scan. " in capsys.readouterr().err


def test_a_table_that_fails_ends_the_command_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing:
        def scan(self, **_request: object) -> None:
            raise StoreUnavailable("slow down")

    monkeypatch.setattr(command, "open_stack", lambda _: stack_of(None, Failing()))

    assert command.main([]) == 2
    assert capsys.readouterr().err == "MemoryTable could not be reached: slow down\n"
