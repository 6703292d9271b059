import pytest

from repartee.domain.live.model import LiveToolCall
from repartee.domain.session.timing import TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.tools.calls import ToolCalls, text_argument
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallKey, ToolCallStatus
from tests.personas import NO_ANSWER
from tests.session_harness import pending

pytestmark = pytest.mark.unit

DONE = CoreAnswer(ToolCallStatus.DONE, "At three.")


def ask(call_id: str, question: str = "When?") -> LiveToolCall:
    return LiveToolCall(call_id, "ask_core_agent", f'{{"question":"{question}"}}')


def test_calls_are_keyed_by_their_place_in_the_turn():
    calls = ToolCalls(NO_ANSWER)

    keys = [
        begun.key
        for begun in (
            calls.begin(ask("a"), 4, 0),
            calls.begin(ask("b", "Where?"), 4, 0),
            calls.begin(ask("c", "Who?"), 5, 0),
        )
        if begun
    ]

    assert keys == [ToolCallKey(4, 1), ToolCallKey(4, 2), ToolCallKey(5, 1)]


def test_two_ids_that_ask_the_same_share_one_run_and_an_id_twice_is_one_call():
    calls = ToolCalls(NO_ANSWER)
    calls.begin(ask("a"), 1, 0)

    assert calls.begin(ask("b"), 1, 0) is None
    assert calls.begin(ask("b"), 1, 0) is None

    assert calls.end(ToolCallKey(1, 1), DONE).call_ids == ["a", "b"]
    assert calls.begin(ask("a"), 1, 0) is None
    assert not calls.is_waiting


def test_a_call_expires_at_its_deadline():
    calls = ToolCalls(NO_ANSWER)
    calls.begin(ask("a"), 1, 100)

    assert calls.next_deadline_ms() == 100 + TOOL_CALL_TIMEOUT_MS
    assert calls.expired(99 + TOOL_CALL_TIMEOUT_MS) == []
    assert [call.key for call in calls.expired(100 + TOOL_CALL_TIMEOUT_MS)] == [ToolCallKey(1, 1)]


def test_a_call_that_the_model_no_longer_awaits_continues_for_the_user():
    calls = ToolCalls(NO_ANSWER)
    calls.begin(ask("a"), 1, 0)
    calls.begin(ask("b"), 1, 0)

    calls.cancel(("a", "unknown"))
    assert calls.is_model_waiting
    calls.cancel(("b",))
    assert (calls.is_model_waiting, calls.is_waiting) == (False, True)

    calls.end(ToolCallKey(1, 1), DONE)
    assert [answer for _, answer in calls.take_owed_answers()] == [DONE]


def test_an_adopted_call_cannot_be_cancelled_and_stays_open_until_its_answer_is_taken():
    calls = ToolCalls(NO_ANSWER)
    calls.adopt(pending(), 0)
    calls.cancel(("a",))

    calls.end(ToolCallKey(1, 1), DONE)

    assert calls
    assert not calls.is_waiting_for(ToolCallKey(1, 1), pending().arguments_hash)
    assert calls.expired(10**9) == []
    assert calls.next_deadline_ms() is None
    assert [answer for _, answer in calls.take_owed_answers()] == [DONE]
    assert calls.take_owed_answers() == []


def test_an_owed_answer_is_open_until_the_turn_that_speaks_it_is_committed():
    calls = ToolCalls(NO_ANSWER)
    calls.adopt(pending(), 0)
    calls.end(ToolCallKey(1, 1), DONE)
    [(call, answer)] = calls.take_owed_answers()
    calls.unspoken.add(call, answer, 0, generations_before=0)
    assert [one.key for one in calls.commit(1)] == [ToolCallKey(1, 1)]

    calls.unspoken.end_generation(2, 50)
    assert calls
    calls.unspoken.note_speech(100)
    calls.unspoken.end_generation(2, 200)

    assert not calls
    assert [one.key for one in calls.commit(1)] == [ToolCallKey(1, 1)]
    assert calls.commit(2) == ()


def test_an_answer_that_went_to_a_lost_live_session_is_owed_again():
    calls = ToolCalls(NO_ANSWER)
    calls.begin(ask("a"), 1, 0)
    call = calls.end(ToolCallKey(1, 1), DONE)
    calls.unspoken.add(call, DONE, 0, generations_before=0)

    calls.lose_session(None)

    assert not calls.is_waiting
    assert [answer for _, answer in calls.take_owed_answers()] == [DONE]


def test_a_restarted_turn_numbers_its_calls_from_1_and_others_become_orphans():
    calls = ToolCalls(NO_ANSWER)
    calls.begin(ask("a"), 1, 0)
    calls.begin(ask("b", "Where?"), 2, 0)

    calls.lose_session(2)

    again = calls.begin(ask("c", "Where?"), 2, 0)
    assert again is not None
    assert again.key == ToolCallKey(2, 1)
    orphan = calls.end(ToolCallKey(1, 1), DONE)
    assert orphan.is_orphan
    assert orphan.call_ids == []


def test_only_calls_of_committed_turns_are_left_to_a_successor():
    calls = ToolCalls(NO_ANSWER)
    calls.begin(ask("a"), 1, 0)
    calls.begin(ask("b", "Where?"), 2, 0)

    assert [one.key for one in calls.commit(1)] == [ToolCallKey(1, 1)]
    assert len(calls.commit(2)[0].arguments_hash) == 64


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ('{"question":" When? "}', "When?"),
        ('{"question":"  "}', None),
        ('{"question":"\\u200b"}', None),
        ('{"question":5}', None),
        ("{}", None),
        ("[]", None),
        ("no json", None),
    ],
)
def test_an_argument_is_text_or_nothing(arguments, value):
    assert text_argument(arguments, "question") == value


def test_a_late_answer_does_not_take_the_place_of_another_question():
    calls = ToolCalls(NO_ANSWER)
    first = calls.begin(ask("a"), 1, 0)
    assert first is not None
    calls.expect_late_answer(first)
    calls.lose_session(1)
    other = calls.begin(ask("b", "Where?"), 1, 0)
    assert other is not None
    assert other.key == first.key

    assert calls.take_late_answer(first.key, first.arguments_hash, DONE) is None
    assert calls.is_waiting_for(other.key, other.arguments_hash)
