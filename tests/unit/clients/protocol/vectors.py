"""Runs the vectors of ``tests/vectors`` on the Python client's protocol state machine."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from repartee_client.protocol.decoding import ANSWERS, FRAMES
from repartee_client.protocol.session import ClientSession
from tests.documents import ROOT

FOLDER = ROOT / "tests" / "vectors"
# The library handles these itself.
NOT_REPORTED = {"accepted", "missing", "busy", "pong", "reconnect_soon"}
# After these the client does not open another connection.
LAST = [{"type": "closed"}, {"type": "error", "code": "superseded_connection"}]
_TYPES = {kind: name for name, kind in (*FRAMES.items(), *ANSWERS.items())}

type Vector = Mapping[str, Any]
type Step = Mapping[str, Any]
type Json = dict[str, Any]


class Adapter:
    """The client under test: the methods that a vector needs."""

    def __init__(self, features: Sequence[str]) -> None:
        self._session = ClientSession(features)
        self.comes_back = True

    def connect(self, at_ms: int) -> None:
        self._session.connected(at_ms)

    def receive(self, frame: Json, at_ms: int) -> list[Json]:
        """Take a frame; return what is reported to the application."""
        messages = self._session.receive(json.dumps(frame), at_ms)
        reported: list[Json] = [{"type": _TYPES[type(one)], **asdict(one)} for one in messages]
        if any(last.items() <= one.items() for last in LAST for one in reported):
            self.comes_back = False
        return [one for one in reported if one["type"] not in NOT_REPORTED]

    def act(self, action: Mapping[str, str], at_ms: int) -> None:
        """Do what the user does."""
        session = self._session
        match action:
            case {"does": "say", "text": text}:
                session.text(text, at_ms)
            case {"does": "audio", "data": data}:
                session.audio(base64.b64decode(data))
            case {"does": "speech_start"}:
                session.speech_start()
            case {"does": "speech_end"}:
                session.speech_end(at_ms)
            case {"does": "stop"}:
                session.stop(at_ms)
            case {"does": "hang_up"}:
                session.bye()
            case _:
                raise ValueError(f"unknown action {action}")

    def outgoing(self, at_ms: float) -> list[Json]:
        """Return the frames that the client sends now."""
        return [json.loads(text) for text in self._session.outgoing(at_ms)]

    def next_deadline_ms(self) -> float | None:
        """Return when the client has something to send if nothing happens."""
        return self._session.next_deadline_ms()


def failures(vector: Vector) -> list[str]:
    """Run a vector; return a line for each step that went wrong."""
    client, wrong = Adapter(vector["features"]), []
    for number, step in enumerate(vector["steps"], 1):
        at_ms = step["at_ms"]
        sent = _sent_until(client, at_ms)
        reported: list[Json] = []
        match step:
            case {"connected": True}:
                client.connect(at_ms)
            case {"line_lost": True, "comes_back": comes_back}:
                if client.comes_back != comes_back:
                    wrong.append(f"step {number}: comes back: {client.comes_back}")
            case {"receives": frame}:
                reported = client.receive(expanded(frame), at_ms)
            case {"user": action}:
                client.act(action, at_ms)
            case _:
                pass
        sent += client.outgoing(at_ms)
        if sent != step.get("sends", []):
            wrong.append(f"step {number}: sent {sent}")
        if not _are_reported(step.get("reports", []), reported):
            wrong.append(f"step {number}: reported {reported}")
    return wrong


def expanded(frame: Json) -> Json:
    """Return a received frame with its audio."""
    match frame.get("data"):
        case {"zero_bytes": int(length)}:
            return frame | {"data": base64.b64encode(bytes(length)).decode()}
        case _:
            return frame


def _sent_until(client: Adapter, at_ms: int) -> list[Json]:
    """Let time pass up to ``at_ms``, which is not included; return what the client sends."""
    sent: list[Json] = []
    while (due_ms := client.next_deadline_ms()) is not None and due_ms < at_ms:
        sent += client.outgoing(due_ms)
    return sent


def _are_reported(wanted: Sequence[Json], reported: Sequence[Json]) -> bool:
    return len(wanted) == len(reported) and all(
        one.items() <= other.items() for one, other in zip(wanted, reported, strict=True)
    )
