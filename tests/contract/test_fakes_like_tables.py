"""Random sequences of operations have the same results on the fakes and on DynamoDB."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repartee.domain.errors import ClaimLost, ConnectionRefused, ReparteeError
from repartee.domain.protocol.messages import (
    Acknowledged,
    Detached,
    Notified,
    Numbered,
    OutputPosition,
    Text,
)
from repartee.domain.tools.core_calls import (
    BegunTool,
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from tests.contract.scenes import LEASE_MS, commit, opening, turn
from tests.contract.servers import Servers
from tests.contract.stores import Stores, dynamodb_stores, fake_stores, tables

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

type Step = Callable[[Stores], Any]

# The weights make most steps use an existing session and the worker that holds its lease.
users = st.sampled_from(["user-ann"] * 4 + ["user-bob"])
sessions = st.sampled_from(["session-1"] * 4 + ["session-2", "session-3"])
conversations = st.sampled_from(["conversation-1"] * 3 + ["conversation-2"])
epochs = st.sampled_from([1, 1, 1, 2, 2, 3])
numbers = st.integers(1, 3)
HASHES = ("aa" * 32, "bb" * 32)
hashes = st.sampled_from(HASHES)
runs = st.sampled_from(["run-1", "run-2"])
ended_runs = st.sampled_from([None, None, "run-1", "run-2"])


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a sequence; its name and arguments make a failing sequence readable."""

    name: str
    arguments: tuple[Any, ...]

    def run(self, stores: Stores) -> Any:
        try:
            return getattr(self, f"_{self.name}")(stores, *self.arguments)
        except ConnectionRefused as refused:
            return refused.status, refused.reason
        except ReparteeError as error:
            return type(error)

    def _open(self, stores: Stores, user: str, session: str, talk: str, ticket: int) -> Any:
        asked = opening(
            connection=f"connection-{ticket}",
            user=user,
            session=session,
            conversation=talk,
            ticket=f"ticket-{ticket}",
            opened_at_ms=stores.clock.now_ms(),
            max_sessions=1,
        )
        return stores.openings.open(asked)

    def _close(self, stores: Stores, number: int) -> Any:
        return stores.connections.close(f"connection-{number}")

    def _end(self, stores: Stores, user: str, session: str) -> Any:
        stores.connections.end_session(user, session)
        return stores.connections.active_sessions(user, now_ms=stores.clock.now_ms())

    def _lapse(self, stores: Stores, user: str, session: str, number: int) -> Any:
        stores.connections.set_session_expiry(
            user,
            session,
            connection_id=f"connection-{number}",
            expires_at_ms=stores.clock.now_ms(),
        )
        return stores.connections.active_sessions(user, now_ms=stores.clock.now_ms())

    def _acquire(self, stores: Stores, session: str, owner: str) -> Any:
        now_ms = stores.clock.now_ms()
        return stores.sessions.acquire_lease(
            session, owner=owner, now_ms=now_ms, until_ms=now_ms + LEASE_MS
        )

    def _release(self, stores: Stores, session: str, epoch: int, ended: bool) -> Any:
        return stores.sessions.release_lease(session, epoch=epoch, cursor=epoch, ended=ended)

    def _wake(self, stores: Stores, session: str) -> Any:
        return stores.sessions.elect_waker(session, stores.clock.now_ms())

    def _commit(self, stores: Stores, user: str, session: str, number: int, epoch: int) -> Any:
        spoken = turn(number, session=session, heard=f"by epoch {epoch}")
        stores.writer.commit_turn(commit(spoken, user=user, epoch=epoch, cursor=number))
        return stores.reader.load_memory(user, "conversation-1", max_characters=25)

    def _erase(self, stores: Stores, user: str) -> None:
        stores.erase(user, 1)

    def _claim(
        self,
        stores: Stores,
        session: str,
        number: int,
        epoch: int,
        asked_hash: str = HASHES[0],
        run: str = "run-1",
        ended_run: str | None = None,
    ) -> Any:
        now_ms = stores.clock.now_ms()
        key = ToolCallKey(number, 1)
        asked = CoreRequest(
            "user-ann",
            "conversation-1",
            session,
            epoch,
            key,
            asked_hash,
            asked_hash,
            "en-US",
            now_ms,
            run,
            ended_run,
        )
        return stores.calls.claim(asked, now_ms=now_ms, until_ms=now_ms + 4_000)

    def _begin_tool(self, stores: Stores, number: int, asked_hash: str) -> Any:
        tool = BegunTool("book", f'{{"slot":{number}}}')
        try:
            stores.calls.begin_tool("conversation-1", ToolCallKey(number, 1), asked_hash, tool)
        except ClaimLost:
            return "claim lost"
        return list(stores.calls.attempts("conversation-1", number))

    def _finish(self, stores: Stores, number: int, epoch: int, asked_hash: str = HASHES[0]) -> Any:
        answer = CoreAnswer(ToolCallStatus.DONE, f"answer {epoch}")
        done = Exchange(
            ToolCallKey(number, 1), asked_hash, asked_hash, answer, "[]", stores.clock.now_ms()
        )
        stores.calls.finish("conversation-1", done)
        attempts = list(stores.calls.attempts("conversation-1", number))
        return attempts, list(stores.calls.recent("conversation-1", limit=2))

    def _send(self, stores: Stores, session: str, number: int) -> Any:
        message = Numbered(number, Text("hi"), "c", stores.clock.now_ms())
        return stores.mailbox.append(session, message)

    def _notify(self, stores: Stores, session: str, epoch: int, number: int) -> Any:
        now_ms = stores.clock.now_ms()
        stores.mailbox.notify(session, Detached(f"c-{number}"), now_ms=now_ms)
        ack = Acknowledged(OutputPosition(epoch, number), 0, 0)
        # The ids of notices differ between the two.
        stores.mailbox.notify(session, ack, now_ms=now_ms)

    def _read(self, stores: Stores, session: str, number: int) -> Any:
        entries = stores.mailbox.read_after(session, number)
        kept = [one.notice if isinstance(one, Notified) else one for one in entries]
        ids = [one.notice_id for one in entries if isinstance(one, Notified)]
        stores.mailbox.delete(session, [number + 1], ids)
        return kept, stores.sessions.load(session)

    def _wait(self, stores: Stores, duration_ms: int) -> Any:
        stores.clock.advance(duration_ms)


def action(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Action]:
    return st.builds(Action, st.just(name), st.tuples(*arguments))


actions = st.one_of(
    action("open", users, sessions, conversations, st.integers(1, 30)),
    action("close", st.integers(1, 6)),
    action("end", users, sessions),
    action("lapse", users, sessions, st.integers(1, 6)),
    action("acquire", sessions, st.sampled_from(["worker-1", "worker-2"])),
    action("release", sessions, epochs, st.sampled_from([False, False, True])),
    action("wake", sessions),
    action("commit", users, sessions, numbers, epochs),
    action("erase", st.just("user-bob")),
    action("claim", sessions, numbers, epochs, hashes, runs, ended_runs),
    action("begin_tool", numbers, hashes),
    action("finish", numbers, epochs, hashes),
    action("send", sessions, numbers),
    action("notify", sessions, epochs, numbers),
    action("read", sessions, numbers),
    action("wait", st.sampled_from([1, 2_999, 5_000, 5_000, 3_600_000, 8_100_000])),
)

OPENING = [
    Action("open", ("user-ann", "session-1", "conversation-1", 0)),
    Action("acquire", ("session-1", "worker-0")),
    Action("commit", ("user-ann", "session-1", 1, 1)),
    Action("claim", ("session-1", 1, 1)),
]


@given(story=st.lists(actions, min_size=10, max_size=40))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_fakes_behave_like_the_tables(
    story: list[Action], servers: Servers, dynamodb_name: str
) -> None:
    client = servers.dynamodb(dynamodb_name)
    fake = fake_stores()
    with tables(client) as names:
        real = dynamodb_stores(client, names)
        for step in OPENING + story:
            assert (step, step.run(real)) == (step, step.run(fake))
