"""Looking at the on-failure queue, and deleting what was shown."""

import json
from typing import Any

import pytest

from ops import failed_wakes as command
from tests.unit.ops.users.function_double import stack_of

pytestmark = pytest.mark.unit


def record(condition: str, at: str, session: str, error: str = "") -> str:
    body: dict[str, Any] = {
        "version": "1.0",
        "timestamp": at,
        "requestContext": {
            "functionArn": "arn:aws:lambda:eu-west-1:1:function:dev-stream-agent:$LATEST",
            "condition": condition,
        },
        "requestPayload": {"session_id": session},
    }
    if error:
        body["responsePayload"] = {"errorType": error}
    return json.dumps(body)


class FakeQueue:
    """A queue that hides the messages that were received."""

    def __init__(self, *bodies: str) -> None:
        self.visible = {str(number): body for number, body in enumerate(bodies)}
        self.hidden: dict[str, str] = {}
        self.undeletable: set[str] = set()

    def receive_message(self, *, MaxNumberOfMessages: int, **_more: Any) -> dict[str, Any]:  # noqa: N803 - boto3's
        taken = list(self.visible)[:MaxNumberOfMessages]
        self.hidden |= {handle: self.visible.pop(handle) for handle in taken}
        messages = [{"ReceiptHandle": one, "Body": self.hidden[one]} for one in taken]
        return {"Messages": messages} if messages else {}

    def change_message_visibility_batch(self, *, Entries: Any, **_more: Any) -> None:  # noqa: N803 - boto3's
        assert len(Entries) <= 10
        for entry in Entries:
            self.visible[entry["ReceiptHandle"]] = self.hidden.pop(entry["ReceiptHandle"])

    def delete_message_batch(self, *, Entries: Any, **_more: Any) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert len(Entries) <= 10
        refused = [one for one in Entries if one["ReceiptHandle"] in self.undeletable]
        for entry in Entries:
            if entry not in refused:
                del self.hidden[entry["ReceiptHandle"]]
        return {"Failed": refused}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    late = [record("EventAgeExceeded", f"2026-12-01T10:00:{n:02d}Z", f"s{n}") for n in range(23)]
    failed = record("RetriesExhausted", "2026-12-01T09:00:00Z", "f", "MemoryError")
    queue = FakeQueue(*late, failed, "no json", "[1]")
    monkeypatch.setattr(command, "open_stack", lambda _: stack_of(None, sqs=queue))
    return queue


def test_messages_are_grouped_and_stay_in_the_queue(
    queue: FakeQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "    23  EventAgeExceeded  dev-stream-agent  "
        "from 2026-12-01T10:00:00Z to 2026-12-01T10:00:22Z, session s22",
        "     2  unknown condition  unknown function  from ? to ?",
        "     1  RetriesExhausted  dev-stream-agent (MemoryError)  "
        "from 2026-12-01T09:00:00Z to 2026-12-01T09:00:00Z, session f",
        "26 messages",
    ]
    assert (len(queue.visible), len(queue.hidden)) == (26, 0)


def test_a_limit_leaves_the_rest_unread(
    queue: FakeQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--limit=12"]) == 0

    assert "12 messages\nThere may be more: raise the limit.\n" in capsys.readouterr().out
    assert len(queue.visible) == 26


@pytest.mark.parametrize(("answer", "status", "kept"), [("n", 1, 26), ("", 1, 26), ("y", 0, 14)])
def test_a_purge_asks_and_deletes_only_what_it_has_shown(
    answer: str, status: int, kept: int, queue: FakeQueue
) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return answer

    assert command.main(["--purge", "--limit=12"], ask) == status

    assert asked == ["Delete these 12 messages? [y/N] "]
    assert (len(queue.visible), len(queue.hidden)) == (kept, 0)


def test_a_purge_without_a_terminal_deletes_nothing(queue: FakeQueue) -> None:
    def ask(_prompt: str) -> str:
        raise EOFError

    assert command.main(["--purge"], ask) == 2
    assert len(queue.visible) == 26


def test_messages_that_sqs_does_not_delete_are_counted(
    queue: FakeQueue, capsys: pytest.CaptureFixture[str]
) -> None:
    queue.undeletable = {"3"}

    assert command.main(["--purge", "--yes"]) == 2

    assert "25 messages deleted, 1 are left" in capsys.readouterr().out
