"""Unknown kinds and states that a later version writes do not stop this one."""

import json

import pytest
from langchain_core.messages import HumanMessage, messages_to_dict

from repartee.adapters.aws.core_agent_event import AnswerEvent
from repartee.adapters.dynamodb.conversations.items import turn_attributes, turn_from
from repartee.adapters.dynamodb.sessions import items as session_items
from repartee.adapters.dynamodb.sessions.items import (
    message_from,
    notice_from,
    state_attributes,
    state_from,
)
from repartee.adapters.dynamodb.users.erasure_items import erasure_from
from repartee.adapters.dynamodb.values import Value, encode, encode_all
from repartee.adapters.langchain.reasoner import read_history
from repartee.domain.conversation.conversation import SkippedInput, Turn
from repartee.domain.protocol.messages import (
    Audio,
    Numbered,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
    Unknown,
)
from repartee.domain.session.effects import DeleteInput, Finish, SendAudio
from repartee.domain.session.state import SessionState, UndeliveredTurn
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallStatus
from repartee.domain.users.erasure import ItemKind
from tests.fakes.clock import NOON_MS
from tests.fakes.log import CapturedLog
from tests.session_harness import SessionHarness

pytestmark = pytest.mark.unit


def test_a_message_of_an_unknown_kind_keeps_its_number(monkeypatch: pytest.MonkeyPatch):
    log = CapturedLog()
    monkeypatch.setattr(session_items, "get_logger", lambda: log.logger)
    item = encode_all({"kind": "image", "connection_id": "k", "received_at_ms": NOON_MS})

    assert message_from(item, 7) == Numbered(7, Unknown("image"), "k", NOON_MS)
    (line,) = log.lines
    assert (line["message"], line["kind"]) == ("mailbox entry of an unknown kind", "image")


def test_a_notice_of_an_unknown_kind_is_read_as_unknown():
    assert notice_from(encode_all({"kind": "moved", "to": "elsewhere"})) == Unknown("moved")


def test_speech_around_a_message_of_an_unknown_kind_has_no_gap():
    call = SessionHarness()
    call.start()

    call.send(SpeechStart(), Audio(b"\1\0"), Unknown("image"), Audio(b"\2\0"), SpeechEnd())

    given = [
        effect.pcm for effect in call.to_model[call.generation] if isinstance(effect, SendAudio)
    ]
    assert given[:2] == [b"\1\0", b"\2\0"]


def test_a_notice_of_an_unknown_kind_is_deleted_and_ends_nothing():
    call = SessionHarness()
    call.start()

    effects = call.notice(Unknown("moved"), "n1")

    assert DeleteInput((), ("n1",)) in effects
    assert not any(isinstance(effect, Finish) for effect in effects)


def test_an_answer_of_an_unknown_status_counts_as_failed():
    event = {**AnswerEvent.of(CoreAnswer(ToolCallStatus.DONE, "On Monday.")), "status": "postponed"}

    assert AnswerEvent.model_validate(event).reply() == CoreAnswer(
        ToolCallStatus.FAILED, "On Monday."
    )
    assert ToolCallStatus("postponed") is ToolCallStatus.FAILED


def test_erased_items_of_unknown_kinds_count_among_the_others():
    deleted: Value = {"others": 1, "recordings": 2, "drawings": 3, "turns": 4}

    erasure = erasure_from("ann", encode_all({"erased_at_ms": NOON_MS, "deleted": deleted}))

    assert erasure is not None
    assert erasure.deleted == {ItemKind.OTHERS: 6, ItemKind.TURNS: 4}


def test_an_exchange_that_cannot_be_read_is_left_out_of_the_history():
    question = HumanMessage("When?", id="q1")
    known = json.dumps(messages_to_dict([question]))
    later = json.dumps([{"type": "hologram", "data": {"content": "?", "type": "hologram"}}])

    assert read_history([later, known]) == [question]


def test_numbers_that_a_later_version_appends_are_ignored():
    state = SessionState(
        "s", "ann", "talk", None, undelivered=(UndeliveredTurn(4, OutputPosition(2, 9)),)
    )
    item = state_attributes(state, 0)
    item["undelivered"] = encode([[4, 2, 9, 77]])
    assert state_from("s", item).undelivered == state.undelivered

    turn = Turn(1, "s", 0, 0, "Hello", "", skipped=(SkippedInput(2, 6),))
    item = {**turn_attributes(turn), "sk": {"S": "turn#1"}, "skipped": encode([[2, 6, 77]])}
    assert turn_from(item).skipped == turn.skipped
