"""``local.ask``, the client that is there to be copied."""

from typing import TYPE_CHECKING, cast

import pytest

from local import ask
from repartee.domain.wire import MAX_FRAME_BYTES, parse_client_message

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

    assert ask.lost(refused, sent) == [{"type": "text", "text": "hi", "seq": 41}]
    assert ask.lost(refused, sent) == []
    assert ask.add(sent, {"type": "bye"})["seq"] == 42
