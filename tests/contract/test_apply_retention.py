"""The command that sets an expiry on items that were written without retention."""

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import pytest

from ops.apply_retention import RetentionResult, apply_retention
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.limits import DAY_MS
from repartee.domain.session.state import TurnCommit
from repartee.domain.tools.core_calls import (
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.erasure import ItemKind
from repartee.domain.users.preferences import PreferenceChanges
from repartee.domain.users.retention import Retention
from tests.contract.scenes import CONVERSATION, SESSION, USER, served_session
from tests.contract.servers import Servers
from tests.contract.stores import Stores, TableNames, all_items, dynamodb_stores
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

DAYS = 30
MARGIN_DAYS = 7


class Deployment:
    """MemoryTable before and after an operator sets ``RetentionDays``."""

    def __init__(self, client: "DynamoDBClient", names: TableNames) -> None:
        self.client, self.names, self.clock = client, names, FakeClock()
        self.before = self.stores(0)
        self.after = self.stores(DAYS)

    def stores(self, days: int) -> Stores:
        return dynamodb_stores(self.client, self.names, retention=Retention(days), clock=self.clock)

    def apply(self, client: object = None) -> RetentionResult:
        used = cast("DynamoDBClient", client or self.client)
        return apply_retention(DynamoTable(used, self.names.memory), DAYS, self.clock.now_ms())

    def commit(self, stores: Stores, number: int) -> None:
        now_ms = self.clock.now_ms()
        turn = Turn(number, SESSION, now_ms - 2_000, now_ms, f"heard {number}", "said")
        stores.writer.commit_turn(TurnCommit(USER, CONVERSATION, SESSION, 1, turn, 0, now_ms))

    def ask(self, stores: Stores, turn: int, *, finishes: bool) -> None:
        now_ms, key = self.clock.now_ms(), ToolCallKey(turn, 1)
        asked = CoreRequest(USER, CONVERSATION, SESSION, 1, key, "h", "q", "en-US", now_ms + 1_000)
        stores.calls.claim(asked, now_ms=now_ms, until_ms=now_ms)
        if finishes:
            answer = CoreAnswer(ToolCallStatus.DONE, "answer")
            stores.calls.finish(CONVERSATION, Exchange(key, "h", "q", answer, "[]", now_ms))

    def pass_days(self, days: float) -> None:
        self.clock.advance(round(days * DAY_MS))

    def turns(self) -> list[int] | None:
        found = self.after.reader.list_turns(USER, CONVERSATION, after=0, limit=99)
        return None if found is None else [turn.number for turn in found]

    def unexpired_items(self) -> Counter[str]:
        """Return the items that are not expired, by the start of their sort key."""
        now_s = self.clock.now_ms() // 1_000
        return Counter(
            item["sk"]["S"].partition("#")[0]
            for item in all_items(self.client, self.names.memory)
            if int(item.get("expires_at", {"N": "99999999999"})["N"]) > now_s
        )


@pytest.fixture
def deployment(dynamodb_name: str, servers: Servers, table_names: TableNames) -> Deployment:
    return Deployment(servers.dynamodb(dynamodb_name), table_names)


def write_a_month_of_items(deployment: Deployment) -> None:
    """Write two turns 20 days apart and an item of every kind, all without an expiry."""
    stores = deployment.before
    served_session(stores)
    stores.notes.add(USER, "likes mornings", noted_at_ms=0)
    stores.profiles.change(USER, PreferenceChanges("de-DE"))
    deployment.commit(stores, 1)
    deployment.ask(stores, 2, finishes=False)
    deployment.pass_days(20)
    deployment.commit(stores, 2)
    deployment.ask(stores, 3, finishes=True)
    assert stores.summaries.fold_summary(SummaryFold(USER, CONVERSATION, 0, 1, "in short"))


def test_items_without_expiry_expire_as_if_retention_had_been_set(deployment: Deployment) -> None:
    write_a_month_of_items(deployment)

    # Two turns, two calls, a summary and two days.
    assert deployment.apply() == RetentionResult(conversations=1, items=7)

    deployment.pass_days(9)
    assert deployment.turns() == [1, 2]
    deployment.pass_days(2)
    assert deployment.turns() == [2]
    assert deployment.unexpired_items() == {
        "conv": 1, "turn": 1, "call": 1, "summary": 1, "usage": 1, "note": 1, "profile": 1
    }  # fmt: skip
    deployment.pass_days(20)
    assert deployment.turns() is None
    # An erasure finds through the header what DynamoDB deletes late.
    assert deployment.unexpired_items() == {"conv": 1, "note": 1, "profile": 1}
    deployment.pass_days(MARGIN_DAYS)
    assert deployment.unexpired_items() == {"note": 1, "profile": 1}


def test_overdue_items_can_be_erased_for_another_week(deployment: Deployment) -> None:
    write_a_month_of_items(deployment)
    deployment.pass_days(300)

    deployment.apply()

    assert deployment.turns() is None
    kinds = Counter(item.kind for item in deployment.after.erasures.items(USER))
    assert kinds[ItemKind.TURNS] == 2
    deployment.pass_days(MARGIN_DAYS - 1)
    assert deployment.unexpired_items()["conv"] == 1


def test_a_second_run_changes_nothing(deployment: Deployment) -> None:
    write_a_month_of_items(deployment)
    deployment.apply()
    before = all_items(deployment.client, deployment.names.memory)
    deployment.pass_days(5)

    assert deployment.apply() == RetentionResult()

    assert all_items(deployment.client, deployment.names.memory) == before


def test_a_continued_conversation_keeps_the_expiry_that_it_was_given(
    deployment: Deployment,
) -> None:
    write_a_month_of_items(deployment)
    deployment.apply()
    deployment.pass_days(25)

    deployment.commit(deployment.after, 3)

    deployment.pass_days(29)
    assert deployment.turns() == [3]
    deployment.pass_days(2)
    assert deployment.turns() is None


def test_a_header_lives_as_long_as_its_latest_turn(deployment: Deployment) -> None:
    write_a_month_of_items(deployment)
    year = deployment.stores(365)
    deployment.commit(year, 3)

    assert deployment.apply().conversations == 1

    deployment.pass_days(360)
    assert deployment.turns() == [3]


class CommitAfterRead:
    """A client that commits a turn after each read of a conversation."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._deployment.client, operation)

    def query(self, **arguments: Any) -> Any:
        found = self._deployment.client.query(**arguments)
        self._deployment.commit(self._deployment.before, 3)
        return found


def test_a_conversation_that_changes_during_the_run_is_left_to_the_next_run(
    deployment: Deployment,
) -> None:
    write_a_month_of_items(deployment)

    # The worker that commits the turn does not have the setting yet, so the turn never expires.
    assert deployment.apply(CommitAfterRead(deployment)).in_use == 1
    deployment.pass_days(300)
    assert deployment.turns() == [3]

    # The day that both turns fell on got its time before.
    assert deployment.apply() == RetentionResult(conversations=1, items=1)
    assert deployment.turns() is None
