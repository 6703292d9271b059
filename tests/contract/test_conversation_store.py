from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.conversation.conversation import (
    MAX_SUPERSEDED,
    Conversation,
    SkippedInput,
    ToolCall,
)
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import (
    ConversationTaken,
    ItemTooLarge,
    LeaseLost,
    ReparteeError,
    UserErased,
)
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.state import PendingCall, TurnAmendment, UndeliveredTurn
from repartee.domain.session.tools.router import MAX_OPEN_BYTES
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from repartee.domain.users.preferences import PreferenceChanges, Profile
from tests.contract.scenes import (
    CONVERSATION,
    LEASE_MS,
    SESSION,
    USER,
    all_at_once,
    commit,
    opening,
    served_session,
    turn,
)
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

PENDING = PendingCall(ToolCallKey(1, 2), "ask_core_agent", '{"question":"when?"}', "ab" * 32)


def commit_turns(stores: Stores, count: int) -> None:
    for number in range(1, count + 1):
        stores.writer.commit_turn(commit(turn(number, heard=f"utterance {number}")))


def header(stores: Stores) -> Conversation:
    return stores.reader.load_memory(USER, CONVERSATION, max_characters=0).conversation


def test_a_conversation_that_does_not_exist_is_empty(stores: Stores) -> None:
    memory = stores.reader.load_memory(USER, "unknown", max_characters=999)

    assert memory.conversation == Conversation(USER, "unknown", "", 0, 0)
    assert memory.conversation.version == 0
    assert memory.profile == Profile(USER)
    assert memory.turns == ()


def test_a_committed_turn_is_read_unchanged(stores: Stores) -> None:
    served_session(stores)
    rich = replace(
        turn(1, heard="Grüß Gott, I am Robert 👋", said="Hello Robert."),
        said_is_approximate=True,
        skipped=(SkippedInput(3, 5), SkippedInput(9, 9)),
        tool_calls=(
            ToolCall(
                ToolCallKey(1, 1), "ask_core_agent", '{"q":"é"}', ToolCallStatus.REFUSED, "No."
            ),
            ToolCall(ToolCallKey(1, 2), "set_preferences", "{}", ToolCallStatus.DONE, ""),
        ),
        is_shortened=True,
        first_audio_ms=431,
        usage=TokenUsage(1, 2_000, 3, 4_000_000),
        cost_usd=Decimal("0.0000123456789012345678"),
    )

    stores.writer.commit_turn(commit(rich))

    [stored] = stores.reader.load_memory(USER, CONVERSATION, max_characters=1).turns
    assert stored == rich
    assert isinstance(stored.cost_usd, Decimal)


def test_undelivered_turns_are_listed_until_a_commit_clears_them(
    stores: Stores,
) -> None:
    served_session(stores)
    undelivered = (
        UndeliveredTurn(1, OutputPosition(1, 17)),
        UndeliveredTurn(2, OutputPosition(2, 30)),
    )

    stores.writer.commit_turn(replace(commit(turn(1)), undelivered=undelivered))
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.undelivered == undelivered

    stores.writer.commit_turn(commit(turn(2)))
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.undelivered == ()


def test_a_turn_too_large_to_keep_is_refused_before_anything_is_written(stores: Stores) -> None:
    served_session(stores)

    with pytest.raises(ItemTooLarge) as refused:
        stores.writer.commit_turn(commit(turn(1, heard="hello", said="x" * 310_000)))

    assert refused.value.field == "said"
    assert refused.value.size_bytes > refused.value.limit_bytes > 300_000
    assert (header(stores).turn_count, header(stores).version) == (0, 0)
    stores.writer.commit_turn(commit(turn(1, said="x" * 300_000)))
    assert header(stores).turn_count == 1


def test_a_commit_updates_the_header_and_the_cursor(stores: Stores) -> None:
    lease = served_session(stores)
    first = turn(1, heard="hello my name is robert")

    pending = replace(PENDING, arguments_json="x" * MAX_OPEN_BYTES)
    stores.writer.commit_turn(replace(commit(first, cursor=42), pending_calls=(pending,)))

    state = stores.sessions.load(SESSION)
    assert state == replace(lease.state, cursor=42, pending_calls=(pending,), talk_ms=first.talk_ms)
    assert header(stores) == Conversation(
        USER,
        CONVERSATION,
        "hello my name is robert",
        created_at_ms=NOON_MS,
        updated_at_ms=first.ended_at_ms,
        turn_count=1,
        live_session_id=SESSION,
        version=1,
    )


def test_the_title_is_the_first_transcript_and_does_not_change(stores: Stores) -> None:
    served_session(stores)

    stores.writer.commit_turn(commit(turn(1, said="Welcome!")))
    assert header(stores).title == ""
    stores.writer.commit_turn(commit(turn(2, heard="one two three four five six seven eight nine")))
    assert header(stores).title == "one two three four five six seven eight…"
    stores.writer.commit_turn(commit(turn(3, heard="something else")))
    assert header(stores).title == "one two three four five six seven eight…"
    assert header(stores).version == 3


def test_committing_the_same_turn_again_changes_nothing(stores: Stores) -> None:
    served_session(stores)
    first = commit(turn(1, heard="hello"), cursor=7)

    stores.writer.commit_turn(first)
    stores.writer.commit_turn(first)
    stores.writer.commit_turn(replace(first, committed_at_ms=first.committed_at_ms + 9, cursor=8))

    assert (header(stores).turn_count, header(stores).version) == (1, 1)
    assert header(stores).updated_at_ms == first.committed_at_ms
    state = stores.sessions.load(SESSION)
    assert state is not None
    assert state.cursor == 7


def test_a_turn_committed_by_twenty_threads_is_stored_once(stores: Stores) -> None:
    served_session(stores)
    first = commit(turn(1, heard="hello"))

    def attempt(number: int) -> None:
        stores.writer.commit_turn(replace(first, committed_at_ms=NOON_MS + number))

    all_at_once(20, attempt)

    assert (header(stores).turn_count, header(stores).version) == (1, 1)
    assert stores.reader.list_turns(USER, CONVERSATION, after=0, limit=9) == [first.turn]


def test_one_of_several_turns_with_the_same_number_is_stored(stores: Stores) -> None:
    served_session(stores)

    def attempt(number: int) -> bool:
        try:
            stores.writer.commit_turn(commit(turn(1, heard=f"version {number}")))
        except LeaseLost:
            return False
        return True

    outcomes = all_at_once(20, attempt)

    assert sum(outcomes) == 1
    [stored] = stores.reader.load_memory(USER, CONVERSATION, max_characters=999).turns
    assert stored.heard == f"version {outcomes.index(True)}"


@pytest.mark.parametrize("number", [2, 3])
def test_a_turn_out_of_order_is_not_committed(stores: Stores, number: int) -> None:
    served_session(stores)

    with pytest.raises(LeaseLost):
        stores.writer.commit_turn(commit(turn(number)))

    assert header(stores).turn_count == 0


def test_a_stale_worker_commits_nothing(stores: Stores) -> None:
    served_session(stores)
    later_ms = NOON_MS + LEASE_MS
    successor = stores.sessions.acquire_lease(
        SESSION, owner="worker-2", now_ms=later_ms, until_ms=later_ms + LEASE_MS
    )
    assert successor is not None

    with pytest.raises(LeaseLost):
        stores.writer.commit_turn(commit(turn(1), epoch=1, cursor=5))

    assert stores.reader.list_turns(USER, CONVERSATION, after=0, limit=9) == []
    assert (header(stores).turn_count, header(stores).version) == (0, 0)
    assert stores.sessions.load(SESSION) == successor.state
    stores.writer.commit_turn(commit(turn(1), epoch=2))


def take_over(stores: Stores, session: str) -> None:
    stores.openings.open(opening(connection=f"connection-of-{session}", session=session))


def test_a_superseded_session_commits_its_unfinished_turn(stores: Stores) -> None:
    served_session(stores)
    stores.writer.commit_turn(commit(turn(1)))
    take_over(stores, "session-2")
    assert header(stores).superseded_session_ids == (SESSION,)

    stores.writer.commit_turn(commit(turn(2, heard="and then?")))
    stores.writer.commit_turn(commit(turn(2, heard="and then?")))
    stores.writer.commit_turn(commit(turn(3)))

    assert header(stores).turn_count == 3
    assert header(stores).live_session_id == "session-2"
    [_, second, _] = stores.reader.load_memory(USER, CONVERSATION, max_characters=999).turns
    assert (second.session_id, second.heard) == (SESSION, "and then?")


def test_a_superseded_session_commits_nothing_once_its_successor_has(stores: Stores) -> None:
    served_session(stores)
    served_session(stores, session="session-2", owner="worker-2")
    stores.writer.commit_turn(commit(turn(1, session="session-2")))

    with pytest.raises(ConversationTaken):
        stores.writer.commit_turn(commit(turn(2)))

    assert header(stores).superseded_session_ids == ()
    [stored] = stores.reader.load_memory(USER, CONVERSATION, max_characters=999).turns
    assert stored.session_id == "session-2"


def test_a_superseded_session_that_is_behind_commits_nothing(stores: Stores) -> None:
    served_session(stores)
    take_over(stores, "session-2")

    with pytest.raises(ConversationTaken):
        stores.writer.commit_turn(commit(turn(2)))

    assert header(stores).turn_count == 0


def test_each_superseded_session_commits_its_unfinished_turn(stores: Stores) -> None:
    served_session(stores)
    served_session(stores, session="session-2", owner="worker-2")
    take_over(stores, "session-3")
    assert header(stores).superseded_session_ids == (SESSION, "session-2")

    stores.writer.commit_turn(commit(turn(1)))
    stores.writer.commit_turn(commit(turn(2, session="session-2")))

    assert header(stores).turn_count == 2


def test_an_ended_session_is_not_listed_as_superseded(stores: Stores) -> None:
    served_session(stores)
    stores.sessions.release_lease(SESSION, epoch=1, cursor=0, ended=True)
    take_over(stores, "session-2")

    assert header(stores).superseded_session_ids == ()
    with pytest.raises(ConversationTaken):
        stores.writer.commit_turn(commit(turn(1)))


def test_only_the_newest_superseded_sessions_are_listed(stores: Stores) -> None:
    sessions = [f"session-{number}" for number in range(1, MAX_SUPERSEDED + 3)]
    for session in sessions:
        take_over(stores, session)

    assert header(stores).superseded_session_ids == tuple(sessions[1:-1])


def test_a_session_that_repeats_its_successors_commit_is_refused(stores: Stores) -> None:
    served_session(stores)
    stores.openings.open(opening(connection="connection-2", session="session-2"))
    stores.sessions.acquire_lease(
        "session-2", owner="worker-2", now_ms=NOON_MS, until_ms=NOON_MS + LEASE_MS
    )
    stores.writer.commit_turn(commit(turn(1, session="session-2", heard="theirs")))

    with pytest.raises(ConversationTaken):
        stores.writer.commit_turn(commit(turn(1, heard="mine")))


def amendment(number: int, heard: str, *, epoch: int = 1, session: str = SESSION) -> TurnAmendment:
    known = replace(turn(number, session=session), heard=heard, said="Good day.", first_audio_ms=1)
    return TurnAmendment(USER, CONVERSATION, session, epoch, known)


def test_an_amendment_changes_only_the_transcripts(stores: Stores) -> None:
    served_session(stores)
    stores.writer.commit_turn(commit(turn(1, said="Good morning.")))
    before = header(stores)

    for _ in range(2):
        assert stores.writer.amend_turn(amendment(1, "my name is Ada"))

    [stored] = stores.reader.load_memory(USER, CONVERSATION, max_characters=1).turns
    assert stored == turn(1, heard="my name is Ada", said="Good day.")
    assert header(stores) == replace(before, title="my name is Ada")


def test_an_amended_transcript_may_be_empty_or_too_long(stores: Stores) -> None:
    served_session(stores)
    stores.writer.commit_turn(commit(turn(1, heard="Good morning.")))

    known = replace(turn(1), heard=" ", is_shortened=True)
    assert stores.writer.amend_turn(TurnAmendment(USER, CONVERSATION, SESSION, 1, known))

    [stored] = stores.reader.load_memory(USER, CONVERSATION, max_characters=1).turns
    assert (stored.heard, stored.is_shortened) == (" ", True)
    assert header(stores).title == "Good morning."


def test_a_missing_turn_or_another_sessions_turn_is_not_amended(stores: Stores) -> None:
    served_session(stores)
    stores.writer.commit_turn(commit(turn(1, heard="Good morning.")))
    served_session(stores, session="S2")

    assert not stores.writer.amend_turn(amendment(2, "Hello"))
    assert not stores.writer.amend_turn(amendment(1, "Hello", session="S2"))

    assert [
        one.heard for one in stores.reader.list_turns(USER, CONVERSATION, after=0, limit=9) or []
    ] == ["Good morning."]


def test_a_stale_worker_cannot_amend_a_turn(stores: Stores) -> None:
    served_session(stores)
    stores.writer.commit_turn(commit(turn(1)))

    with pytest.raises(LeaseLost):
        stores.writer.amend_turn(amendment(1, "Hello", epoch=2))

    assert header(stores).title == ""


def test_no_turn_of_an_erased_user_is_amended(stores: Stores) -> None:
    served_session(stores)
    stores.writer.commit_turn(commit(turn(1)))
    stores.erase(USER, NOON_MS)

    with pytest.raises(UserErased):
        stores.writer.amend_turn(amendment(1, "Hello"))


def test_nothing_is_written_for_an_erased_user(stores: Stores) -> None:
    served_session(stores)
    first = commit(turn(1))
    stores.writer.commit_turn(first)
    stores.erase(USER, NOON_MS)

    with pytest.raises(UserErased):
        stores.writer.commit_turn(commit(turn(2)))

    assert header(stores).turn_count == 1
    assert stores.reader.load_memory(USER, CONVERSATION, max_characters=0).profile == Profile(
        USER, erased_at_ms=NOON_MS
    )


def test_memory_holds_the_preferences(stores: Stores) -> None:
    stores.profiles.change(USER, PreferenceChanges("de-DE", "Puck", "slowly"))

    memory = stores.reader.load_memory(USER, "any", max_characters=0)
    assert memory.profile == Profile(USER, "de-DE", "Puck", "slowly")


def test_memory_holds_the_last_turns_oldest_first(stores: Stores) -> None:
    served_session(stores)
    commit_turns(stores, 12)

    def remembered(max_characters: int) -> list[int]:
        memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=max_characters)
        assert memory.conversation.turn_count == 12
        return [one.number for one in memory.turns]

    # "utterance 12" has 12 characters, "utterance 9" has 11.
    assert remembered(36) == [10, 11, 12]
    assert remembered(47) == [9, 10, 11, 12]
    assert remembered(46) == [10, 11, 12]
    assert remembered(1) == [12], "the newest, whatever its length"
    assert remembered(0) == []
    assert remembered(999) == list(range(1, 13))


def test_memory_reads_further_pages_while_turns_fit(stores: Stores) -> None:
    served_session(stores)
    commit_turns(stores, 83)

    memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=9_999)

    assert [one.number for one in memory.turns] == list(range(1, 84))


def test_a_new_session_continues_the_conversation(stores: Stores) -> None:
    served_session(stores)
    commit_turns(stores, 2)
    served_session(stores, session="session-2", owner="worker-2")

    stores.writer.commit_turn(commit(turn(3, session="session-2")))

    numbers = [
        (remembered.number, remembered.session_id)
        for remembered in stores.reader.load_memory(USER, CONVERSATION, max_characters=999).turns
    ]
    assert numbers == [(1, SESSION), (2, SESSION), (3, "session-2")]


def test_turns_are_listed_page_by_page(stores: Stores) -> None:
    served_session(stores)
    commit_turns(stores, 5)

    def page(after: int) -> list[int]:
        turns = stores.reader.list_turns(USER, CONVERSATION, after=after, limit=2)
        assert turns is not None
        return [listed.number for listed in turns]

    assert [page(0), page(2), page(4), page(5)] == [[1, 2], [3, 4], [5], []]


def test_turns_of_other_users_are_not_listed(stores: Stores) -> None:
    served_session(stores)
    commit_turns(stores, 1)

    assert stores.reader.list_turns("user-bob", CONVERSATION, after=0, limit=9) is None
    assert stores.reader.list_turns(USER, "unknown", after=0, limit=9) is None
    assert stores.reader.load_memory("user-bob", CONVERSATION, max_characters=999).turns == ()


def test_conversations_are_listed_newest_id_first(stores: Stores) -> None:
    for number in (2, 1, 3):
        served_session(stores, session=f"session-{number}", conversation=f"conversation-{number}")
    served_session(stores, user="user-bob", session="session-b", conversation="conversation-9")

    listed = stores.reader.list_conversations(USER, limit=2)

    assert [conversation.conversation_id for conversation in listed] == [
        "conversation-3",
        "conversation-2",
    ]
    assert stores.reader.list_conversations("nobody", limit=2) == []
    # The list can continue after the id of a conversation that does not exist.
    for before, wanted in (("conversation-3", [2, 1]), ("conversation-25", [2, 1]), ("a", [])):
        rest = stores.reader.list_conversations(USER, limit=9, before=before)
        assert [one.conversation_id for one in rest] == [f"conversation-{one}" for one in wanted]


def test_a_commit_to_an_unopened_conversation_is_refused(stores: Stores) -> None:
    served_session(stores)

    with pytest.raises(ReparteeError):
        stores.writer.commit_turn(commit(turn(1), conversation="elsewhere"))

    assert stores.reader.list_conversations(USER, limit=9) == [header(stores)]
