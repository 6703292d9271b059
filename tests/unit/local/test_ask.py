"""``local.ask``, the client that is there to be copied."""

import json
from typing import TYPE_CHECKING, cast

import pytest

from local import ask
from repartee.adapters.wire.parsing import parse_client_message
from repartee.adapters.wire.version import MAX_FRAME_BYTES

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

pytestmark = pytest.mark.unit


def test_the_client_to_be_copied_sends_3000_emoji_in_one_frame():
    sent: list[str] = []

    class Line:
        def send(self, text: str) -> None:
            sent.append(text)

    ask.send(cast("ClientConnection", Line()), {"type": "text", "seq": 2, "text": "👋" * 3_000})

    assert len(sent[0].encode()) < MAX_FRAME_BYTES
    assert parse_client_message(sent[0]).type == "text"


def test_the_client_to_be_copied_takes_the_numbers_that_the_server_names():
    sent: ask.Sent = {1: {"type": "hello", "seq": 1, "protocol": 1}}
    assert ask.add(sent, {"type": "text", "text": "hi"}, 2)["seq"] == 2
    refused = {"type": "error", "code": "seq_taken", "seq": 2, "next_seq": 41}

    assert ask.messages_to_resend(refused, sent) == [{"type": "text", "text": "hi", "seq": 41}]
    assert ask.messages_to_resend(refused, sent) == []
    assert ask.add(sent, {"type": "bye"})["seq"] == 42


HELLO = {"type": "hello", "seq": 1, "protocol": 1}
TEXT = {"type": "text", "text": "hi"}


@pytest.mark.parametrize(
    ("frame", "again"),
    [
        ({"code": "seq_too_far", "retryable": True, "next_seq": 3}, [{**TEXT, "seq": 3}]),
        ({"code": "hello_first", "retryable": True}, [HELLO, {**TEXT, "seq": 900}]),
        ({"code": "seq_taken", "retryable": False, "next_seq": 901}, [{**TEXT, "seq": 901}]),
        ({"code": "invalid_message", "retryable": False}, []),
        ({"code": "superseded_connection", "retryable": False}, []),
    ],
    ids=lambda one: one["code"] if isinstance(one, dict) else None,
)
def test_the_client_to_be_copied_sends_again_what_may_be_sent_again(
    frame: ask.Message, again: list[ask.Message], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("local.ask.time.sleep", lambda _: None)
    sent: ask.Sent = {1: HELLO, 900: {**TEXT, "seq": 900}}

    assert ask.messages_to_resend({"type": "error", "seq": 900, **frame}, sent) == again


class Script:
    """A connection that delivers these frames for any input."""

    def __init__(self, *frames: ask.Message) -> None:
        self._frames = [json.dumps(frame) for frame in frames]

    def __enter__(self) -> "Script":
        return self

    def __exit__(self, *_: object) -> None: ...

    def send(self, _text: str) -> None: ...

    def recv(self, timeout: float) -> str:
        return self._frames.pop(0)


READY = {"type": "ready", "next_seq": 2}
TAKEN_OVER = {
    "type": "error",
    "code": "superseded_connection",
    "message": "a newer connection",
    "retryable": False,
    "seq": None,
}
ANSWER = [
    {"type": "transcript", "role": "model", "text": "Hello.", "epoch": 1, "seq": 1},
    {"type": "turn_end", "turn": 1, "epoch": 1, "seq": 2},
]


def test_the_client_to_be_copied_says_that_another_connection_has_the_session(
    monkeypatch: pytest.MonkeyPatch,
):
    line = Script(READY, TAKEN_OVER)
    monkeypatch.setattr(ask, "connect", lambda *_, **__: line)
    with pytest.raises(ask.NoAnswerError, match="another connection took the session over"):
        ask.ask("ws://here", "hi")

    line = Script(READY, *ANSWER, TAKEN_OVER)
    assert ask.ask("ws://here", "hi") == "Hello."


def test_the_client_to_be_copied_does_not_take_the_greeting_for_the_answer(
    monkeypatch: pytest.MonkeyPatch,
):
    greeting = [
        {"type": "audio", "turn": 1, "data": "AAA=", "epoch": 1, "seq": 1},
        {"type": "transcript", "role": "model", "text": "Front desk.", "epoch": 1, "seq": 2},
        {"type": "turn_end", "turn": 1, "first_audio_ms": None, "epoch": 1, "seq": 3},
    ]
    answer = [
        {"type": "audio", "turn": 2, "data": "AAA=", "epoch": 1, "seq": 4},
        {"type": "transcript", "role": "model", "text": "At nine.", "epoch": 1, "seq": 5},
        {"type": "turn_end", "turn": 2, "first_audio_ms": 900, "epoch": 1, "seq": 6},
    ]
    line = Script(READY, *greeting, *answer, TAKEN_OVER)
    monkeypatch.setattr(ask, "connect", lambda *_, **__: line)

    assert ask.ask("ws://here", "When do you open?") == "At nine."


def test_the_client_to_be_copied_ends_with_an_answer_that_the_server_gave_up(
    monkeypatch: pytest.MonkeyPatch,
):
    inaudible = [
        {"type": "audio", "turn": 1, "data": "AAA=", "epoch": 1, "seq": 1},
        {"type": "transcript", "role": "model", "text": "At nine.", "epoch": 1, "seq": 2},
        {"type": "error", "code": "no_answer", "retryable": True, "epoch": 1, "seq": 3},
        {"type": "turn_end", "turn": 1, "first_audio_ms": None, "epoch": 1, "seq": 4},
    ]
    line = Script(READY, *inaudible, TAKEN_OVER)
    monkeypatch.setattr(ask, "connect", lambda *_, **__: line)

    assert ask.ask("ws://here", "When do you open?") == "At nine."


def test_the_client_to_be_copied_does_not_print_an_empty_answer(monkeypatch: pytest.MonkeyPatch):
    """A question during another client's turn may get the end of that turn only."""
    closed = {"type": "closed", "reason": "bye", "epoch": 1, "seq": 2}
    line = Script(READY, {**ANSWER[1], "seq": 1}, closed)
    monkeypatch.setattr(ask, "connect", lambda *_, **__: line)

    with pytest.raises(ask.NoAnswerError, match="the session was closed: bye"):
        ask.ask("ws://here", "When do you open?")


@pytest.mark.parametrize("arguments", [["caf\udce9"], ["hi", "--user", "caf\udce9"]])
def test_the_client_to_be_copied_names_an_argument_that_is_no_utf8(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["local.ask", *arguments])
    with pytest.raises(SystemExit):
        ask.main()
    assert "not UTF-8" in capsys.readouterr().err
