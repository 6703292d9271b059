"""A thousand turns that are appended concurrently, every fifth of them twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier, Condition

import pytest

from repartee.domain.errors import LeaseLost
from tests.contract.scenes import commit, served_session, turn
from tests.contract.stores import Stores

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

CONVERSATIONS = 20
TURNS = 50
WRITERS = 2
_TRIES = 60
_WAIT_S = 1.0


def is_doubled(number: int) -> bool:
    return number % 5 == 0


def is_hasty(number: int) -> bool:
    """Return whether this turn is tried before the previous one is known to be stored."""
    return number % 10 == 7


def numbers_of(writer: int) -> list[int]:
    """Return the turns that one of two writers commits: every other turn, and each doubled one."""
    return [
        number for number in range(1, TURNS + 1) if number % WRITERS == writer or is_doubled(number)
    ]


@dataclass(slots=True)
class Race:
    """Two writers of one conversation that commit the doubled turns at the same time."""

    stores: Stores
    name: str
    committed: int = 0
    moved: Condition = field(default_factory=Condition)

    def append(self, number: int, writer: int) -> None:
        spoken = turn(number, session=self.session, heard=f"{self.name} {number}")
        # Two commits of one turn differ in their time, so no token makes them one request.
        asked = replace(
            commit(spoken, user=self.user, conversation=self.name, cursor=number),
            committed_at_ms=spoken.ended_at_ms + writer,
        )
        for attempt in range(_TRIES):
            if attempt or not is_hasty(number):
                with self.moved:
                    self.moved.wait_for(lambda: self.committed >= number - 1, timeout=_WAIT_S)
            try:
                self.stores.writer.commit_turn(asked)
            except LeaseLost:
                continue
            with self.moved:
                self.committed = max(self.committed, number)
                self.moved.notify_all()
            return
        raise AssertionError(f"{self.name}: turn {number} was never taken")

    @property
    def user(self) -> str:
        return f"user-of-{self.name}"

    @property
    def session(self) -> str:
        return f"session-of-{self.name}"


def test_a_thousand_appends_at_once_leave_every_turn_once_and_in_order(stores: Stores) -> None:
    appends = [numbers_of(writer) for writer in range(WRITERS)]
    assert CONVERSATIONS * TURNS == 1_000
    assert CONVERSATIONS * sum(map(len, appends)) == 1_200, "a fifth comes twice"
    races = [Race(stores, f"conversation-{number:02}") for number in range(CONVERSATIONS)]
    for race in races:
        served_session(stores, user=race.user, session=race.session, conversation=race.name)
    start = Barrier(CONVERSATIONS * WRITERS)

    def write(lane: int) -> None:
        race, writer = races[lane // WRITERS], lane % WRITERS
        start.wait(timeout=30)
        for number in appends[writer]:
            race.append(number, writer)

    with ThreadPoolExecutor(CONVERSATIONS * WRITERS) as pool:
        list(pool.map(write, range(CONVERSATIONS * WRITERS)))

    for race in races:
        memory = stores.reader.load_memory(race.user, race.name, max_characters=0)
        assert (memory.conversation.turn_count, memory.conversation.version) == (TURNS, TURNS)
        turns = stores.reader.list_turns(race.user, race.name, after=0, limit=TURNS + 1)
        assert turns is not None
        assert [(one.number, one.heard) for one in turns] == [
            (number, f"{race.name} {number}") for number in range(1, TURNS + 1)
        ]
        state = stores.sessions.load(race.session)
        assert state is not None
        assert state.cursor == TURNS
