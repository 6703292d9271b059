"""The cost of a session, the simulator's ordered faults, and the pieces of its voice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.gemini.faults import Fault, Faults
from local.gemini.live.context import Context, Item, bill
from local.gemini.speech.voice import split_audio, split_words

pytestmark = pytest.mark.unit


def test_every_turn_bills_the_whole_context_again_old_audio_included():
    context = Context(instruction="x" * 40, declarations="y" * 20)
    context.add(Item("user", "hello", "AUDIO", audio_s=4.0))
    reply = Item("model", "Hello.", "AUDIO", audio_s=2.0)
    first = bill(context, [reply])
    assert first.prompt == {"TEXT": 15, "AUDIO": 100}
    assert first.response == {"AUDIO": 50}
    context.add(reply)
    context.add(Item("user", "again", "AUDIO", audio_s=4.0))
    second = bill(context, [reply])
    assert second.prompt_tokens == first.prompt_tokens + first.response_tokens + 100


def test_usage_on_the_wire_adds_up_by_modality():
    context = Context(instruction="abcde")
    context.add(Item("user", "", "AUDIO", audio_s=1.0))
    wire = bill(context, [Item("model", "hi", "AUDIO", audio_s=1.0), Item("call", "{}")]).as_wire()
    assert wire["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 2},
        {"modality": "AUDIO", "tokenCount": 25},
    ]
    assert wire["totalTokenCount"] == 27 + 26


@given(st.lists(st.floats(0, 60), max_size=30), st.integers(1, 5_000), st.integers(1, 5_000))
def test_sliding_drops_only_the_oldest_and_only_when_the_trigger_is_passed(
    lengths, trigger, target
):
    context = Context(instruction="abcd")
    items = [Item("user", str(n), "AUDIO", audio_s=length) for n, length in enumerate(lengths)]
    context.items = list(items)
    before = sum(context.prompt_tokens().values())
    dropped = context.slide(trigger, target)
    assert context.items == items[dropped:]
    after = sum(context.prompt_tokens().values())
    assert dropped == 0 or before > trigger
    assert before <= trigger or after <= target or not context.items


def test_a_fault_is_spent_by_its_uses_and_counted():
    faults = Faults()
    faults.order(Fault(kind="empty_turn", count=2))
    faults.order(Fault(kind="stall", connection="b"))
    assert faults.take("empty_turn", "a", "setup") is None
    assert faults.take("empty_turn", "a")
    assert faults.take("empty_turn", "b")
    assert faults.take("empty_turn", "b") is None
    assert faults.take("stall", "a") is None
    assert faults.take("stall", "b")
    assert faults.consumed == {"empty_turn": 2, "stall": 1}
    assert faults.waiting == []


@given(st.binary(max_size=60_000).filter(lambda pcm: len(pcm) % 2 == 0))
def test_audio_parts_are_at_most_240_ms_and_join_to_the_whole(pcm):
    parts = split_audio(pcm)
    assert b"".join(parts) == pcm
    assert all(0 < len(part) <= 11_520 and len(part) % 2 == 0 for part in parts)


@given(
    st.lists(st.text(alphabet="abc.", min_size=1, max_size=6), min_size=1, max_size=30),
    st.integers(1, 40),
)
def test_transcript_pieces_join_to_the_text(words, pieces):
    text = " ".join(words)
    parts = split_words(text, pieces)
    assert len(parts) == pieces
    assert "".join(parts) == text
