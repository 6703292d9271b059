"""A second dialect needs a parser and an encoder; use cases and domain stay as they are."""

from dataclasses import replace

import pytest

from repartee.domain.errors import BadInput, UnusableMessage
from repartee.domain.protocol.answers import Pong, Rejected, ServerMessage
from repartee.domain.protocol.frames import NumberedFrame, ReplyAudio
from repartee.domain.protocol.messages import Audio, Numbered, ParsedMessage, Ping, Sequenced, Text
from tests.fakes.client_channel import FakeClientChannel
from tests.unit.application.connections.message_route_harness import CALLER, MessageRouteHarness
from tests.unit.application.serving.worker_harness import LINE, REPLY, WorkerHarness
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


def parse_line(body: str | None) -> ParsedMessage:
    """Read ``say 3 Hello.``, ``pcm 4 0a0b`` or ``ping``."""
    match (body or "").split(" ", 2):
        case ["ping"]:
            return ParsedMessage("ping", Ping())
        case ["say", seq, text]:
            return ParsedMessage("say", Sequenced(int(seq), Text(text)))
        case ["pcm", seq, samples]:
            return ParsedMessage("pcm", Sequenced(int(seq), Audio(bytes.fromhex(samples))))
        case _:
            problem = BadInput("invalid_message", "send ping, say or pcm")
            raise UnusableMessage(problem, kind="", seq=None)


def encode_line(message: ServerMessage) -> str:
    match message:
        case NumberedFrame(frame=ReplyAudio(pcm=pcm)):
            return f"pcm {pcm.hex()}"
        case Pong(served=served):
            return f"pong {served}"
        case Rejected(code=code):
            return f"no: {code}"
        case NumberedFrame(frame=frame):
            return type(frame).__name__
        case _:
            return type(message).__name__


def test_a_client_speaks_another_dialect():
    harness = MessageRouteHarness()
    channel = FakeClientChannel(encode_line)
    router = replace(harness.deps.router, parse=parse_line, channel=channel)

    kinds = [
        router.route(CALLER, line).kind for line in ("say 1 Hello.", "pcm 2 0a0b", "ping", "?")
    ]

    assert kinds == ["say", "pcm", "ping", ""]
    kept = [one for one in harness.mailbox.read_after("session-1", 0) if isinstance(one, Numbered)]
    assert [one.message for one in kept] == [Text("Hello."), Audio(b"\x0a\x0b")]
    assert channel.posts["connection-1"] == ["pong False", "no: invalid_message"]


@in_virtual_time
async def test_a_worker_answers_in_another_dialect():
    scene = WorkerHarness()
    scene.channel = FakeClientChannel(encode_line)
    scene.ports = replace(scene.ports, channel=scene.channel)
    scene.serve()
    live = await scene.one_utterance()
    await scene.answer(live, "hello", "Hello.")
    posts = scene.channel.posts[LINE]
    await scene.until(lambda: "TurnEnd" in posts)

    assert f"pcm {REPLY.hex()}" in posts
