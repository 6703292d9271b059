"""docs/protocol.md and docs/asyncapi.yaml agree with the models."""

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

import pytest
import yaml

from http_api.problem_kinds import KINDS
from local import asyncapi
from local.asyncapi import MessageType, Sender, message_types
from repartee.adapters.wire.client_models import MAX_PLAYED_MS
from repartee.adapters.wire.parsing import parse
from repartee.adapters.wire.version import MAX_FRAME_BYTES, PROTOCOL_VERSION
from repartee.domain.errors import BadInput
from repartee.domain.protocol.frames import CloseReason
from repartee.domain.protocol.messages import (
    MAX_AUDIO_BYTES,
    MAX_IN_FLIGHT,
    MAX_SEQ,
    MAX_TEXT_CHARACTERS,
)
from repartee_client.protocol.decoding import decode_server_message
from repartee_client.protocol.frames import NumberedFrame
from tests.documents import ROOT, blocks, first_code, page, rows, section, sections

pytestmark = pytest.mark.unit

PROTOCOL = page("docs/protocol.md")
HEADINGS: Mapping[Sender, str] = {
    "client": "What the client sends",
    "message": "What the message function answers",
    "worker": "What the worker sends",
}
TYPES = message_types()
each_type = pytest.mark.parametrize("one", TYPES, ids=lambda one: one.name)


def described(one: MessageType) -> str:
    part = section(PROTOCOL, HEADINGS[one.sender])
    found = [each.text for each in sections(part, 3) if each.title == f"`{one.wire_type}`"]
    assert len(found) == 1, f"one heading for {one.name}"
    return found[0]


def test_the_schema_file_is_what_the_models_say() -> None:
    """`python -m local.asyncapi` writes the file."""
    assert asyncapi.PATH.read_text() == asyncapi.render()


def test_the_check_notices_an_outdated_schema_file(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(asyncapi, "PATH", tmp_path / "asyncapi.yaml")
    assert asyncapi.main(["--check"]) == 1
    assert asyncapi.main([]) == 0
    assert asyncapi.main(["--check"]) == 0
    assert "out of date" in capsys.readouterr().out


def test_every_reference_in_the_schema_file_leads_somewhere() -> None:
    document = yaml.safe_load(asyncapi.PATH.read_text())
    assert document["asyncapi"] == "3.1.0"
    references = re.findall(r"\$ref: '?#/([^'\n]+)", asyncapi.PATH.read_text())
    assert references
    for reference in references:
        target = document
        for part in reference.split("/"):
            target = target[part]


@each_type
def test_every_message_type_is_described_with_each_of_its_fields(one: MessageType) -> None:
    documented = {first_code(row[0]) for row in rows(described(one))}
    expected = set(one.fields) - ({"epoch", "seq"} if one.sender == "worker" else set())
    assert expected <= documented
    # A field without a model misleads the reader; `closed` has a table of reasons as well.
    assert documented - expected <= set(get_args(CloseReason.__value__))


@each_type
def test_every_example_can_be_sent_and_read(one: MessageType) -> None:
    examples = blocks(described(one), "json")
    assert examples
    for example in examples:
        fields = json.loads(example)
        assert fields["type"] == one.wire_type
        if one.sender == "client":
            parse(example)
            continue
        message = decode_server_message(example)
        assert message is not None
        assert isinstance(message, NumberedFrame) == (one.sender == "worker")
        assert not (isinstance(message, NumberedFrame) and message.frame is None)
        # Every field is shown, so readers need not guess its form.
        assert set(fields) == {"type", *one.fields}


def test_no_heading_describes_a_message_that_does_not_exist() -> None:
    for sender, heading in HEADINGS.items():
        titles = {each.title.strip("`") for each in sections(section(PROTOCOL, heading), 3)}
        assert titles == {one.wire_type for one in TYPES if one.sender == sender}


def test_the_complete_session_is_made_of_valid_messages_in_a_valid_order() -> None:
    lines = "".join(blocks(section(PROTOCOL, "A complete session"), "text")).splitlines()
    sent: list[int] = []
    received: list[int] = []
    for line in lines:
        arrow, _, text = line.partition(" ")
        if arrow == "→":
            parse(text)
            fields = json.loads(text)
            if "seq" in fields:
                sent.append(fields["seq"])
        else:
            message = decode_server_message(text)
            assert message is not None
            if isinstance(message, NumberedFrame):
                received.append(message.seq)
    assert sorted(sent) == list(range(1, len(sent) + 1))
    assert received == list(range(1, len(received) + 1))
    assert '"type":"closed"' in lines[-2]


def test_the_limits_on_the_page_are_the_models() -> None:
    for value in (
        f"{MAX_AUDIO_BYTES:,} bytes",
        f"{MAX_TEXT_CHARACTERS:,} characters",
        f"1 to {MAX_SEQ:,}",
        f"0 to {MAX_PLAYED_MS:,}",
        f"({MAX_FRAME_BYTES:,} bytes)",
        f"`max_in_flight` ({MAX_IN_FLIGHT})",
        f"version {PROTOCOL_VERSION}",
    ):
        assert value in PROTOCOL


def codes_in(*paths: str, pattern: str) -> set[str]:
    text = "".join((ROOT / path).read_text() for path in paths)
    return set(re.findall(pattern, text))


def test_every_error_code_of_the_websocket_is_explained() -> None:
    shared = "layers/shared/repartee"
    raised = codes_in(
        *(f"{shared}/adapters/wire/{name}.py" for name in ("client_models", "parsing")),
        f"{shared}/application/connections/admission.py",
        f"{shared}/application/connections/client_answers.py",
        f"{shared}/application/connections/route_message.py",
        pattern=r'BadInput\(\s*"(\w+)"',
    )
    machine = (path.relative_to(ROOT) for path in (ROOT / shared / "domain/session").rglob("*.py"))
    offered = codes_in(*map(str, machine), pattern=r'(?:SessionError|_refuse)\([\w, ]*\s*"(\w+)"')
    assert raised
    assert offered
    explained = {first_code(row[0]) for row in rows(section(PROTOCOL, "Error codes"))}
    assert explained == raised | offered


def test_every_problem_code_of_the_http_api_is_explained_with_its_status() -> None:
    tables = rows(section(PROTOCOL, "HTTP API"))
    explained = {(row[1], first_code(row[0])) for row in tables if len(row) == 3}
    assert explained == {(str(kind.status), kind.code) for kind in KINDS.values()}


def test_every_reason_for_closing_is_explained() -> None:
    worker = section(PROTOCOL, HEADINGS["worker"])
    closed = next(each.text for each in sections(worker, 3) if each.title == "`closed`")
    explained = {first_code(row[0]) for row in rows(closed)} - {"reason"}
    assert explained == set(get_args(CloseReason.__value__))


def test_a_wrong_example_would_be_noticed() -> None:
    with pytest.raises(BadInput):
        parse('{"type":"audio","seq":0,"data":""}')
