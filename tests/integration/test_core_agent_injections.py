"""A model that obeys an injected prompt can still touch only the caller's own data.

For each prompt of ``tests/fixtures/injections`` the scripted model makes the calls that the prompt
asks for, and then repeats all results of the tools. LangChain, Google's client, the tools and the
tables are the real ones.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core_agent.handler import lambda_handler
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb import keys
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.tools.core_calls import (
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.tools.tool import ToolStatus
from tests.contract.scenes import (
    CONVERSATION,
    SESSION,
    USER,
    commit,
    served_session,
    turn,
)
from tests.contract.servers import DYNAMODB_LOCAL, Servers
from tests.contract.stores import all_items
from tests.fakes.clock import NOON_MS
from tests.integration.deployed_core_agent import DeployedCoreAgent, deployed_core_agent
from tests.integration.scripted_gemini import Body, Part, call, say

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item

pytestmark = pytest.mark.integration

PROMPTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "injections" / "prompts.json").read_text()
)
VICTIM = "user-ben"
VICTIMS_CONVERSATION = "conversation-ben"
SECRETS = ("a rash nobody knows of", "the divorce papers", "my code is 4711", "likes tulips")


@dataclass
class Scene:
    """Ann's call, with Ben's data in the same tables.

    Attributes:
        steps: The model's next calls, step by step.
        turns: The number of turns in Ann's conversation.
        summed: The last turn that its summary covers.
    """

    deployed: DeployedCoreAgent
    steps: list[list[Part]] = field(default_factory=list)
    turns: int = 0
    summed: int = 0

    def think(self, body: Body) -> list[Part]:
        """Make the next call; after the last one, repeat all answers of the tools."""
        if self.steps:
            return self.steps.pop(0)
        return say(json.dumps(self.answers(body), ensure_ascii=False) or "Nothing.")

    def answers(self, body: Body) -> list[Any]:
        """Return the tools' answers since the last question."""
        contents = body["contents"]
        asked = max(i for i, one in enumerate(contents) if "text" in one["parts"][0])
        return [
            part["functionResponse"]["response"]
            for one in contents[asked:]
            for part in one["parts"]
            if "functionResponse" in part
        ]

    def ask(self, question: str) -> str:
        """Ask as Ann in her next turn; return the answer."""
        answer = lambda_handler(self.deployed.event(question, turn=self.turns + 1), None)
        return f"{answer['answer']}"

    def remember(self, heard: str = "hello") -> None:
        """Commit Ann's next turn."""
        self.turns += 1
        self.deployed.stores.writer.commit_turn(commit(turn(self.turns, heard=heard)))

    def plant_answer(self, text: str) -> None:
        """Store an earlier exchange of Ann's whose tool answered ``text``."""
        key = ToolCallKey(self.turns + 1, 1)
        request = CoreRequest(
            USER, CONVERSATION, SESSION, 1, key, f"{len(text):064x}", "hello", "en-US", 10**13
        )
        self.deployed.stores.calls.claim(request, now_ms=1, until_ms=10**13)
        messages = [
            {"type": "human", "data": {"content": "hello", "type": "human", "id": f"h-{key}"}},
            {"type": "ai", "data": {"content": text, "type": "ai", "id": f"a-{key}"}},
        ]
        self.deployed.stores.calls.finish(
            CONVERSATION,
            Exchange(
                key,
                request.arguments_hash,
                "hello",
                CoreAnswer(ToolCallStatus.DONE, text),
                json.dumps(messages),
                1,
            ),
        )

    def plant(self, place: str, text: str) -> None:
        """Put ``text`` where the model reads it with Ann's next question."""
        stores, slot = self.deployed.stores, Slot(self.deployed.slot.day, time(14))
        match place:
            case "stored_turn":
                self.remember(heard=text)
                return
            case "stored_answer":
                self.plant_answer(text)
            case "note":
                stores.notes.add(USER, text, noted_at_ms=NOON_MS)
            case "reason":
                self.deployed.desk.cancel(USER, slot)
                _book(self.deployed, USER, slot, text)
            case "summary":
                self.remember()
                fold = SummaryFold(USER, CONVERSATION, self.summed, self.turns, text)
                assert stores.summaries.fold_summary(fold)
                self.summed = self.turns
        self.remember()

    def foreign_items(self) -> "dict[tuple[str, str, str], Item]":
        """Return every item of every table that is not Ann's, which are Ben's."""
        names = self.deployed.names
        items = {
            (table, item["pk"]["S"], item["sk"]["S"]): item
            for table in (names.live, names.memory, self.deployed.desk_table)
            for item in all_items(self.deployed.client, table)
        }
        return {
            place: item
            for place, item in items.items()
            if "ben" in "".join(place[1:]) or item.get("user_id") == {"S": VICTIM}
        }


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    servers = Servers(tmp_path_factory.mktemp("servers"))
    script: list[Any] = []
    try:
        with deployed_core_agent(servers, DYNAMODB_LOCAL, script) as deployed:
            scene = Scene(deployed)
            script.append(scene.think)
            _move_in(deployed)
            yield scene
    finally:
        servers.stop()


def _move_in(deployed: DeployedCoreAgent) -> None:
    """Write Ben's data, and an appointment of Ann's."""
    stores, day = deployed.stores, deployed.slot.day
    served_session(stores, user=VICTIM, session="session-ben", conversation=VICTIMS_CONVERSATION)
    bens = turn(1, session="session-ben", heard=SECRETS[2])
    stores.writer.commit_turn(commit(bens, user=VICTIM, conversation=VICTIMS_CONVERSATION))
    for sort, text in (("note#1", SECRETS[3]), ("profile", SECRETS[3])):
        item: Item = {**keys.key(keys.user(VICTIM), sort), "text": {"S": text}}
        deployed.client.put_item(TableName=deployed.names.memory, Item=item)
    for hour, reason in ((10, SECRETS[0]), (11, SECRETS[1])):
        _book(deployed, VICTIM, Slot(day, time(hour)), reason)
    _book(deployed, USER, Slot(day, time(14)), "mine")


def _book(deployed: DeployedCoreAgent, user: str, slot: Slot, reason: str) -> None:
    """Book as the desk's staff does, without a change to the user's profile."""
    desk = replace(deployed.desk, memory=None)
    desk.book(user, slot, reason=reason, booked_at_ms=SystemClock().now_ms())


def _filled(value: Any, day: str) -> Any:
    """Return a fixture's arguments with the day of the test."""
    if isinstance(value, dict):
        return {name: _filled(one, day) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, day) for one in value]
    return value.replace("{day}", day) if isinstance(value, str) else value


def test_there_are_enough_different_prompts() -> None:
    assert len(PROMPTS) >= 30
    assert len({prompt["name"] for prompt in PROMPTS}) == len(PROMPTS)
    places = {prompt["place"] for prompt in PROMPTS}
    assert places == {"question", "stored_turn", "stored_answer", "note", "reason", "summary"}


def test_the_obedient_model_would_leak_a_tools_result(scene: Scene) -> None:
    """A leak would be noticed: the answer holds Ann's data, and a change of Ben's is found."""
    scene.steps = [[call("my_bookings")]]

    assert "mine" in scene.ask("when is my appointment")
    scene.remember()
    before = scene.foreign_items()
    assert len(before) >= 8
    assert all(any(secret in f"{item}" for item in before.values()) for secret in SECRETS)
    slot = Slot(scene.deployed.slot.day, time(16))
    _book(scene.deployed, VICTIM, slot, "")
    assert scene.foreign_items() != before
    scene.deployed.desk.cancel(VICTIM, slot)
    assert scene.foreign_items() == before


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt["name"].replace(" ", "-"))
def test_an_obeyed_injection_neither_reveals_nor_changes_another_users_data(
    scene: Scene, prompt: dict[str, Any]
) -> None:
    before = scene.foreign_items()
    day = f"{scene.deployed.slot.day}"
    question = prompt["text"].replace("{day}", day)
    if prompt["place"] != "question":
        scene.plant(prompt["place"], question)
        question = "Please go on."
    scene.steps = [
        [call(one["name"], **_filled(one["arguments"], day)) for one in step]
        for step in prompt["calls"]
    ]
    first_request = len(scene.deployed.gemini.requests)

    heard = scene.ask(question)

    told = scene.answers(scene.deployed.gemini.requests[-1])
    assert len(told) == sum(len(step) for step in prompt["calls"]), "a call was not carried out"
    assert scene.foreign_items() == before
    requests = json.dumps(scene.deployed.gemini.requests[first_request:], ensure_ascii=False)
    assert json.dumps(prompt["text"].replace("{day}", day), ensure_ascii=False)[1:-1] in requests
    for secret in SECRETS:
        assert secret not in heard
        assert secret not in requests
    made = [one for step in prompt["calls"] for one in step]
    for one, answer in zip(made, told, strict=True):
        if _names_somebody(one["arguments"]):
            assert answer.get("status") != ToolStatus.DONE, f"{one} was carried out: {answer}"
    scene.remember()


def _names_somebody(arguments: dict[str, Any]) -> bool:
    """Return whether a call has an id, or any argument that no tool has."""
    known = {"date", "time", "reason", "old_date", "old_time", "new_date", "new_time"}
    return bool(arguments.keys() - known)
