import json
from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.conversation.turn_bounds import MAX_SPOKEN_CHARACTERS
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.errors import ClaimLost, ItemTooLarge, LeaseLost
from repartee.domain.tools.core_calls import (
    Attempt,
    BegunTool,
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.ports.answers import ToolCallClaim
from tests.contract.scenes import (
    CONVERSATION,
    LEASE_MS,
    SESSION,
    USER,
    all_at_once,
    commit,
    served_session,
    turn,
)
from tests.contract.stores import Stores
from tests.exchanges import stored_exchange
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

KEY = ToolCallKey(3, 1)
BILL = Bill(TokenUsage(text_in=900, text_out=40), Decimal("0.000825"))
HASH = "ab" * 32
OTHER_HASH = "cd" * 32
BOOK = BegunTool("book", '{"date":"2026-11-27","time":"15:00"}')
UNTIL_MS = NOON_MS + 30_000


def request(key: ToolCallKey = KEY, epoch: int = 1, asked_hash: str = HASH) -> CoreRequest:
    return CoreRequest(
        USER,
        CONVERSATION,
        SESSION,
        epoch,
        key,
        asked_hash,
        "when may I come?",
        "en-US",
        NOON_MS + 20_000,
    )


def exchange(
    key: ToolCallKey = KEY,
    answer: str = "Friday at three.",
    asked_hash: str = HASH,
    finished_at_ms: int = NOON_MS + 900,
) -> Exchange:
    return Exchange(
        key,
        asked_hash,
        "when may I come?",
        CoreAnswer(ToolCallStatus.DONE, answer, bill=BILL),
        '[{"type":"human","content":"é"}]',
        finished_at_ms,
    )


def claim(stores: Stores, asked: CoreRequest, now_ms: int = NOON_MS) -> Exchange | ToolCallClaim:
    return stores.calls.claim(asked, now_ms=now_ms, until_ms=now_ms + 30_000)


def test_the_first_claim_runs_the_call_and_others_wait(stores: Stores) -> None:
    served_session(stores)

    assert claim(stores, request()) is ToolCallClaim.CLAIMED
    assert claim(stores, request()) is ToolCallClaim.RUNNING
    assert stored_exchange(stores.calls, CONVERSATION, KEY) is None


def test_one_of_twenty_concurrent_claims_runs(stores: Stores) -> None:
    served_session(stores)

    claims = all_at_once(20, lambda _: claim(stores, request()))

    assert claims.count(ToolCallClaim.CLAIMED) == 1
    assert claims.count(ToolCallClaim.RUNNING) == 19


def test_a_finished_call_returns_its_answer(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())

    stores.calls.finish(CONVERSATION, exchange())

    assert stored_exchange(stores.calls, CONVERSATION, KEY) == exchange()
    assert claim(stores, request()) == exchange()
    assert claim(stores, request(), now_ms=UNTIL_MS + 1) == exchange()


def test_the_longest_question_is_claimed_and_kept_with_its_messages(stores: Stores) -> None:
    served_session(stores)
    longest = "\U0001f600" * MAX_SPOKEN_CHARACTERS
    asked = replace(request(), question=longest)
    messages = json.dumps([{"type": "human", "content": longest}], ensure_ascii=False)
    finished = replace(exchange(), question=longest, messages_json=messages)
    claim(stores, asked)

    stores.calls.finish(CONVERSATION, finished)

    assert claim(stores, asked) == finished


def test_the_first_answer_stays(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())

    stores.calls.finish(CONVERSATION, exchange(answer="first"))
    stores.calls.finish(CONVERSATION, exchange(answer="second"))

    assert stored_exchange(stores.calls, CONVERSATION, KEY) == exchange(answer="first")


def test_an_exchange_that_is_too_large_is_refused_and_can_be_stored_without_its_messages(
    stores: Stores,
) -> None:
    served_session(stores)
    claim(stores, request())
    # Three bytes each in UTF-8, as DynamoDB counts.
    large = replace(exchange(), messages_json="क" * 110_000)

    with pytest.raises(ItemTooLarge, match="messages_json"):
        stores.calls.finish(CONVERSATION, large)

    assert stored_exchange(stores.calls, CONVERSATION, KEY) is None
    assert claim(stores, request()) is ToolCallClaim.RUNNING
    stores.calls.finish(CONVERSATION, exchange())
    assert claim(stores, request()) == exchange()


def test_an_answer_without_a_claim_is_dropped(stores: Stores) -> None:
    served_session(stores)

    stores.calls.finish(CONVERSATION, exchange())

    assert stored_exchange(stores.calls, CONVERSATION, KEY) is None
    assert list(stores.calls.recent(CONVERSATION, limit=5)) == []


def test_an_expired_claim_is_replaced(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())

    assert claim(stores, request(), now_ms=UNTIL_MS - 1) is ToolCallClaim.RUNNING
    assert claim(stores, request(), now_ms=UNTIL_MS) is ToolCallClaim.CLAIMED_AGAIN
    assert claim(stores, request(), now_ms=UNTIL_MS + 1) is ToolCallClaim.RUNNING


def test_one_of_twenty_claims_replaces_an_expired_claim(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())

    claims = all_at_once(20, lambda _: claim(stores, request(), now_ms=UNTIL_MS))

    assert claims.count(ToolCallClaim.CLAIMED_AGAIN) == 1
    assert claims.count(ToolCallClaim.RUNNING) == 19


def test_an_ended_run_is_replaced_at_once_and_its_begun_tools_are_known(
    stores: Stores,
) -> None:
    served_session(stores)
    claim(stores, replace(request(), run_id="run-1"))
    stores.calls.begin_tool(CONVERSATION, KEY, HASH, BOOK)

    again = replace(request(), run_id="run-2", ended_run_id="run-1")
    assert claim(stores, again) is ToolCallClaim.CLAIMED_AGAIN
    assert claim(stores, again) is ToolCallClaim.RUNNING
    assert list(stores.calls.attempts(CONVERSATION, KEY.turn)) == [
        Attempt("when may I come?", (BOOK,))
    ]

    stores.calls.finish(CONVERSATION, exchange())
    assert claim(stores, again) == exchange()


def test_only_the_ended_run_is_replaced(stores: Stores) -> None:
    served_session(stores)
    claim(stores, replace(request(), run_id="run-1"))

    other = replace(request(), run_id="run-3", ended_run_id="run-2")
    assert claim(stores, other) is ToolCallClaim.RUNNING
    assert claim(stores, replace(other, ended_run_id=None)) is ToolCallClaim.RUNNING
    assert claim(stores, replace(other, ended_run_id="run-1")) is ToolCallClaim.CLAIMED_AGAIN


def test_one_of_twenty_claims_replaces_an_ended_run(stores: Stores) -> None:
    served_session(stores)
    claim(stores, replace(request(), run_id="run"))

    claims = all_at_once(
        20, lambda n: claim(stores, replace(request(), run_id=f"run-{n}", ended_run_id="run"))
    )

    assert claims.count(ToolCallClaim.CLAIMED_AGAIN) == 1
    assert claims.count(ToolCallClaim.RUNNING) == 19


def test_the_successor_of_an_expired_claim_is_not_mistaken_for_it(
    stores: Stores,
) -> None:
    served_session(stores)
    claim(stores, replace(request(), run_id="run-1"))
    claim(stores, replace(request(), run_id="run-2"), now_ms=UNTIL_MS)

    late = replace(request(), run_id="run-3", ended_run_id="run-1")
    assert claim(stores, late, now_ms=UNTIL_MS) is ToolCallClaim.RUNNING


def test_another_question_with_the_same_key_runs_after_the_first_has_ended(
    stores: Stores,
) -> None:
    served_session(stores)
    other = request(asked_hash=OTHER_HASH)
    claim(stores, request())
    assert claim(stores, other) is ToolCallClaim.RUNNING
    stores.calls.finish(CONVERSATION, exchange())

    assert claim(stores, other) is ToolCallClaim.CLAIMED_AGAIN
    assert claim(stores, other) is ToolCallClaim.RUNNING
    later = exchange(
        answer="Friday at four.", asked_hash=OTHER_HASH, finished_at_ms=NOON_MS + 2_000
    )
    stores.calls.finish(CONVERSATION, later)

    assert claim(stores, other) == later
    assert claim(stores, request()) == exchange()
    assert stored_exchange(stores.calls, CONVERSATION, KEY) == later
    assert list(stores.calls.recent(CONVERSATION, limit=5)) == [exchange(), later]


def test_an_answer_is_kept_while_another_question_with_its_key_runs(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())
    stores.calls.finish(CONVERSATION, exchange())
    claim(stores, request(asked_hash=OTHER_HASH))

    assert claim(stores, request()) == exchange()
    assert claim(stores, request(asked_hash="ef" * 32)) is ToolCallClaim.RUNNING


def test_one_of_twenty_claims_of_a_used_key_runs(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())
    stores.calls.finish(CONVERSATION, exchange())

    claims = all_at_once(20, lambda _: claim(stores, request(asked_hash=OTHER_HASH)))

    assert claims.count(ToolCallClaim.CLAIMED_AGAIN) == 1
    assert claims.count(ToolCallClaim.RUNNING) == 19


def test_the_next_run_knows_the_begun_tools_of_a_dead_run(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())
    stores.calls.begin_tool(CONVERSATION, KEY, HASH, BOOK)

    again = replace(request(asked_hash=OTHER_HASH), question="Friday at three?")
    assert claim(stores, again, now_ms=UNTIL_MS) is ToolCallClaim.CLAIMED_AGAIN

    assert list(stores.calls.attempts(CONVERSATION, KEY.turn)) == [
        Attempt("Friday at three?", (BOOK,))
    ]


def test_all_runs_of_a_turn_are_listed_with_their_tools_and_answers(stores: Stores) -> None:
    served_session(stores)
    for key in (KEY, ToolCallKey(KEY.turn, 2), ToolCallKey(KEY.turn + 1, 1)):
        claim(stores, request(key))
        stores.calls.begin_tool(CONVERSATION, key, HASH, BOOK)
        stores.calls.finish(CONVERSATION, exchange(key))
    claim(stores, request(asked_hash=OTHER_HASH))

    done = Attempt("when may I come?", (BOOK,), "Friday at three.")
    assert list(stores.calls.attempts(CONVERSATION, KEY.turn)) == [
        Attempt("when may I come?", ()),
        done,
        done,
    ]
    assert list(stores.calls.attempts(CONVERSATION, 99)) == []


def test_a_run_that_lost_its_claim_begins_and_stores_nothing(stores: Stores) -> None:
    served_session(stores)
    with pytest.raises(ClaimLost):
        stores.calls.begin_tool(CONVERSATION, KEY, HASH, BOOK)
    claim(stores, request())
    claim(stores, request(asked_hash=OTHER_HASH), now_ms=UNTIL_MS)

    with pytest.raises(ClaimLost):
        stores.calls.begin_tool(CONVERSATION, KEY, HASH, BOOK)
    stores.calls.finish(CONVERSATION, exchange())
    assert stored_exchange(stores.calls, CONVERSATION, KEY) is None

    stores.calls.begin_tool(CONVERSATION, KEY, OTHER_HASH, BOOK)
    stores.calls.finish(CONVERSATION, exchange(asked_hash=OTHER_HASH))
    with pytest.raises(ClaimLost):
        stores.calls.begin_tool(CONVERSATION, KEY, OTHER_HASH, BOOK)


def test_a_stale_worker_claims_nothing(stores: Stores) -> None:
    served_session(stores)
    later_ms = NOON_MS + LEASE_MS
    stores.sessions.acquire_lease(
        SESSION, owner="worker-2", now_ms=later_ms, until_ms=later_ms + LEASE_MS
    )

    with pytest.raises(LeaseLost):
        claim(stores, request(epoch=1))
    with pytest.raises(LeaseLost):
        claim(stores, replace(request(), session_id="unknown"))

    assert claim(stores, request(epoch=2)) is ToolCallClaim.CLAIMED


def test_a_stale_worker_gets_no_stored_answer(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())
    stores.calls.finish(CONVERSATION, exchange())

    with pytest.raises(LeaseLost):
        claim(stores, request(epoch=0))


def test_the_last_finished_exchanges_come_oldest_first(stores: Stores) -> None:
    served_session(stores)
    places = [
        ToolCallKey(1, 1),
        ToolCallKey(2, 1),
        *(ToolCallKey(2, index) for index in range(2, 12)),
    ]
    for key in reversed(places):
        claim(stores, request(key))
        stores.calls.finish(CONVERSATION, exchange(key))
    claim(stores, request(ToolCallKey(3, 1)))
    stores.writer.commit_turn(commit(turn(1)))

    recent = stores.calls.recent(CONVERSATION, limit=4)

    assert [done.key for done in recent] == [ToolCallKey(2, index) for index in (8, 9, 10, 11)]
    assert [done.key for done in stores.calls.recent(CONVERSATION, limit=99)] == places
    assert list(stores.calls.recent(CONVERSATION, limit=0)) == []
    assert list(stores.calls.recent("unknown", limit=4)) == []


def test_turns_and_calls_of_one_conversation_do_not_mix(stores: Stores) -> None:
    served_session(stores)
    claim(stores, request())
    stores.calls.finish(CONVERSATION, exchange())
    stores.writer.commit_turn(commit(turn(1)))

    listed = stores.reader.list_turns(USER, CONVERSATION, after=0, limit=9)
    assert listed == [turn(1)]
    assert list(stores.calls.recent(CONVERSATION, limit=9)) == [exchange()]
