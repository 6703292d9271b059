"""A turn that is too long is shortened for memory."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import turn_attributes, turn_from
from repartee.adapters.dynamodb.item_size import MAX_ITEM_BYTES, check_size, size_bytes
from repartee.domain.conversation.conversation import SkippedInput, ToolCall, Turn
from repartee.domain.conversation.turn_bounds import (
    CUT_MARK,
    MAX_CALLS,
    MAX_CALLS_CHARACTERS,
    MAX_SKIPPED,
    MAX_SPOKEN_CHARACTERS,
    shorten_turn,
)
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import ItemTooLarge
from repartee.domain.session.effects import CommitTurn
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from tests.session_harness import started

pytestmark = pytest.mark.unit


def call(index: int, *, name: str = "tool", arguments: str = "{}", answer: str = "") -> ToolCall:
    return ToolCall(ToolCallKey(1, index), name, arguments, ToolCallStatus.DONE, answer)


def turn(
    heard: str = "",
    said: str = "",
    calls: tuple[ToolCall, ...] = (),
    skipped: tuple[SkippedInput, ...] = (),
) -> Turn:
    return Turn(
        1,
        "s" * 255,
        2**42,
        2**42,
        heard=heard,
        said=said,
        tool_calls=calls,
        skipped=skipped,
        first_audio_ms=2**31,
        usage=TokenUsage(*[2**40] * 4),
        cost_usd=Decimal("1234.567890123456789012345678"),
    )


def test_a_turn_that_fits_stays_as_it_is():
    small = turn("Hello", "Hi", (call(1, answer="At three."),), (SkippedInput(1, 2),))
    assert shorten_turn(small) is not None
    assert shorten_turn(small) == small
    assert not shorten_turn(small).is_shortened


def test_a_cut_text_ends_with_a_mark_and_the_turn_says_so():
    kept = shorten_turn(turn("a" * 90_000, "short"))

    assert kept.is_shortened
    assert len(kept.heard) == MAX_SPOKEN_CHARACTERS
    assert kept.heard.endswith("aaa" + CUT_MARK)
    assert kept.said == "short"


def test_answers_of_tools_have_the_first_claim_to_the_room_of_calls():
    long = "x" * (MAX_CALLS_CHARACTERS - 100)
    kept = shorten_turn(
        turn(calls=(call(1, arguments="y" * 200, answer="first"), call(2, answer=long)))
    )

    assert [one.answer for one in kept.tool_calls] == ["first", long]
    assert kept.tool_calls[0].arguments_json.endswith(CUT_MARK)
    assert kept.tool_calls[0].name == "tool"
    assert kept.is_shortened


def test_calls_and_gaps_beyond_count_are_left_out():
    calls = tuple(call(index) for index in range(1, 2 * MAX_CALLS))
    gaps = tuple(SkippedInput(seq, seq) for seq in range(2 * MAX_SKIPPED))

    assert len(shorten_turn(turn(calls=calls)).tool_calls) == MAX_CALLS
    assert shorten_turn(turn(calls=calls)).is_shortened
    assert len(shorten_turn(turn(skipped=gaps)).skipped) == MAX_SKIPPED


TEXTS = st.builds(lambda text, times: text * times, st.text(max_size=8), st.integers(0, 9_000))
CALLS = st.builds(
    lambda index, name, arguments, answer: call(
        index, name=name, arguments=arguments, answer=answer
    ),
    st.integers(1, 2**31),
    TEXTS,
    TEXTS,
    TEXTS,
)


@given(TEXTS, TEXTS, st.lists(CALLS, max_size=4), st.integers(0, 300))
def test_no_turn_that_is_kept_is_too_large_for_an_item(heard, said, calls, times):
    gaps = tuple(SkippedInput(2**40, 2**40) for _ in range(times * 10))
    kept = shorten_turn(turn(heard, said, tuple(calls) * times, gaps))
    item = {**keys.turn("c" * 255, 1), **turn_attributes(kept)}

    check_size(item)

    assert turn_from(item) == kept
    assert shorten_turn(kept) == kept


def test_the_largest_turn_there_is_fits_into_an_item():
    widest = "\N{GRINNING FACE}" * MAX_SPOKEN_CHARACTERS
    calls = tuple(call(2**31, name=widest, arguments=widest, answer=widest) for _ in range(300))
    gaps = tuple(SkippedInput(2**40, 2**40) for _ in range(2 * MAX_SKIPPED))

    kept = shorten_turn(turn(widest * 2, widest * 2, calls, gaps))
    item = {**keys.turn("c" * 255, 1), **turn_attributes(kept)}

    assert 200_000 < size_bytes({"M": item}) < MAX_ITEM_BYTES
    check_size(item)


def test_an_item_that_is_too_large_is_refused_with_field_size_and_limit():
    with pytest.raises(ItemTooLarge, match="shorten heard, its largest attribute") as refused:
        check_size({**keys.turn("c", 1), **turn_attributes(turn(heard="é" * 160_000))})

    assert refused.value.field == "heard"
    assert refused.value.size_bytes > 320_000
    assert refused.value.limit_bytes == MAX_ITEM_BYTES


def test_an_endless_reply_is_shortened_and_committed_and_the_conversation_continues():
    session = started()
    session.utter()
    session.reply("word " * 50_000)
    session.ack()
    session.utter()
    session.reply("Good evening.")
    session.ack()

    first, second = (commit.turn for commit in session.all(CommitTurn))
    assert first.is_shortened
    assert first.said.endswith(CUT_MARK)
    assert (second.number, second.said, second.is_shortened) == (2, "Good evening.", False)


def test_a_question_too_long_to_be_kept_open_is_refused_at_once():
    session = started()
    session.utter()
    session.call_tool("x", '{"question":"' + "why " * 50_000 + '"}')

    assert session.asked == []
    assert session.responses == [("x", "refused")]


@pytest.mark.parametrize("word", ["why ", "😀"])
def test_questions_too_long_to_be_kept_open_together_are_refused_and_others_asked(word: str):
    session = started()
    session.utter()
    for number in range(15):
        question = f"{number:02} " + word * (15_600 // len(word.encode()))
        session.call_tool(f"long-{number}", json.dumps({"question": question}, ensure_ascii=False))

    assert [asked.key.index for asked in session.asked] == list(range(1, 13))
    refused = [call_id for call_id, status in session.responses if status == "refused"]
    assert refused == [f"long-{number}" for number in range(12, 15)]
    assert sum(len(asked.question.encode()) for asked in session.asked) < MAX_ITEM_BYTES

    session.answer_tool("Because.", index=1)
    session.call_tool("later", '{"question":"and why else"}')
    assert session.asked[-1].question == "and why else"
