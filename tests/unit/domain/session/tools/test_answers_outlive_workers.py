"""The user hears the answer of a tool, whenever its worker or its Live session ends.

Each story is played up to each of its steps. Then the worker dies, hands over or loses its Live
session, and the rest goes well: the model calls the tool for the question, speaks each answer that
it gets, and core_agent gives a repeated call the answer that it has stored.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.live.model import (
    LiveGenerationComplete,
    LiveInterrupted,
    LiveToolCallsCancelled,
)
from repartee.domain.protocol.messages import Message, Numbered, Text, Unknown
from repartee.domain.session.effects import (
    AskCoreAgent,
    CommitTurn,
    Effect,
    RespondToTool,
    SendText,
)
from repartee.domain.session.events import CoreAnswered, TimeRunningOut
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.session.tools.unspoken_answers import SPEAK_AGAIN_AFTER_MS
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallStatus
from tests.session_harness import (
    COMPLETE,
    EPOCH,
    IDLE,
    MEMORY,
    SETTINGS,
    STATE,
    SessionHarness,
    remembering,
    speaks,
)

pytestmark = pytest.mark.unit

QUESTIONS = {"When?": "At three.", "Where?": "In room nine."}
BOTH = "When and where?"
OTHER_WORDS = "That would be in the afternoon."
BRIEF = replace(SETTINGS, linger_ms=8_000, grace_ms=10_000)
SPOKEN = LiveGenerationComplete()


@dataclass
class Call(SessionHarness):
    """A worker whose mailbox and whose last commit its successor finds.

    Attributes:
        mailbox: All messages of the client.
        ack_after: How many steps later the client acknowledges a frame.
        commit_after: How many steps a commit takes.
        status: The status of each answer.
    """

    mailbox: list[Numbered] = field(default_factory=list)
    ack_after: int = 0
    commit_after: int = 0
    status: ToolCallStatus = ToolCallStatus.DONE
    heard_through: int = 0
    answered: int = 0

    def numbered(
        self, message: Message | Unknown, seq: int | None = None, connection: str = "A"
    ) -> Numbered:
        self.mailbox.append(one := super().numbered(message, seq, connection))
        return one

    @property
    def written(self) -> list[Turn]:
        """The turns that are in memory."""
        return self.turns[: len(self.turns) - self.is_committing]

    def write_at_once(self) -> None:
        """The commit in flight succeeds, and later ones do so at once."""
        self.takes_commits = True
        if self.is_committing:
            self.take_commit()

    def ask(self, question: str = "When?") -> None:
        self.call_tool(question, f'{{"question":"{question}"}}')

    def answer(self, asked: AskCoreAgent | None = None) -> None:
        """core_agent answers the oldest question that it has not answered."""
        if asked is None:
            asked = self.asked[self.answered]
        self.answered += 1
        done = CoreAnswer(self.status, QUESTIONS[asked.question])
        self.feed(CoreAnswered(asked.key, asked.arguments_hash, done))

    def go_well(self) -> None:
        """The model and core_agent do what they are asked, for a minute."""
        for _ in range(60):
            if self.finish() is not None:
                return
            while self.answered < len(self.asked):
                self.answer()
            inputs = self.to_model.get(self.generation, [])
            new, self.heard_through = inputs[self.heard_through :], len(inputs)
            for effect in new:
                self.react(effect)
            self.ack()
            self.pass_ms(1_000)

    def react(self, effect: Effect) -> None:
        match effect:
            case SendText(text=text) if text in (BOTH, *QUESTIONS):
                for question in QUESTIONS if text == BOTH else [text]:
                    self.ask(question)
            case SendText(text=text) if "Say it" in text:
                self.live(*speaks(text.partition(": ")[2].rstrip(")"), SPOKEN, IDLE))
            case SendText():
                self.live(*speaks("You are welcome.", SPOKEN, IDLE))
            case RespondToTool(response=response):
                self.live(*speaks(response.answer, SPOKEN, IDLE))
            case _:
                pass


type Step = Callable[[Call], object]


def live(*events) -> Step:
    return lambda call: call.live(*events)


def says(text: str, *rest) -> list[Step]:
    """The model speaks and completes its generation, then its turn."""
    return [live(*speaks(text)), live(*(rest or (SPOKEN,))), live(IDLE)]


def ask(question: str = "When?") -> Step:
    return lambda call: call.ask(question)


def answer(call: Call) -> None:
    call.answer()


def type_text(text: str) -> Step:
    return lambda call: call.send(Text(text))


def wait(duration_ms: int) -> Step:
    return lambda call: call.pass_ms(duration_ms)


def lose_live(call: Call) -> None:
    call.lose_live()
    call.pass_ms(5_000)


BEGINS = [type_text("When?"), ask(), *says("One moment.")]
SPEAKS_OVER = [
    lambda call: call.utter(),
    live(LiveInterrupted(), COMPLETE),
    *says("Yes?"),
    wait(SPEAK_AGAIN_AFTER_MS + 1_000),
]
STORIES: dict[str, list[Step]] = {
    "a later turn speaks it": [*BEGINS, answer, *says("At three.")],
    "in other words": [*BEGINS, answer, *says(OTHER_WORDS)],
    "its turn speaks it": [type_text("When?"), ask(), answer, *says("At three.")],
    "cancelled, and the Live session is lost": [
        type_text("When?"),
        ask(),
        live(LiveToolCallsCancelled(("When?",))),
        *says("One moment."),
        lose_live,
        answer,
        *says("At three."),
    ],
    "the reply to a text speaks it": [
        *BEGINS,
        answer,
        type_text("Thanks."),
        *says("You are welcome. At three."),
    ],
    "the text comes as it is spoken": [
        *BEGINS,
        answer,
        live(*speaks("At three.")),
        type_text("Thanks."),
        live(SPOKEN),
        live(IDLE),
        *says("You are welcome."),
    ],
    "the user speaks over it": [*BEGINS, answer, live(*speaks("At three.")), *SPEAKS_OVER],
    "the user speaks over it, and it is repeated": [
        *BEGINS,
        answer,
        live(*speaks("At three.")),
        *SPEAKS_OVER,
        *says("At three."),
    ],
    "the model is silent": [
        *BEGINS,
        answer,
        wait(SPEAK_WITHIN_MS + 1_000),
        wait(SPEAK_WITHIN_MS + 1_000),
    ],
    "two answers": [
        type_text(BOTH),
        ask(),
        ask("Where?"),
        *says("One moment."),
        answer,
        answer,
        *says("At three. In room nine."),
    ],
    "two answers, each in a turn": [
        type_text(BOTH),
        ask(),
        ask("Where?"),
        *says("One moment."),
        answer,
        *says("At three."),
        answer,
        *says("In room nine."),
    ],
}


def begun(delays: tuple[int, int], status: ToolCallStatus = ToolCallStatus.DONE) -> Call:
    ack_after, commit_after = delays
    call = Call(
        settings=BRIEF,
        takes_commits=False,
        ack_after=ack_after,
        commit_after=commit_after,
        status=status,
    )
    call.start()
    call.hello()
    return call


def play(call: Call, steps: list[Step]) -> None:
    waited, posted = 0, [0] * call.ack_after
    for step in steps:
        step(call)
        posted.append(len(call.posted))
        call.ack(posted[-1 - call.ack_after], max(call.ended_turns, default=0), 1_000)
        while call.is_committing and waited >= call.commit_after:
            call.take_commit()
            waited = 0
        waited = waited + 1 if call.is_committing else 0


def successor(call: Call, *, is_takeover: bool) -> Call:
    """Return the next worker, which begins with what the tables have."""
    turns, state = call.written, replace(STATE, epoch=EPOCH + 1)
    if turns:
        last = call.all(CommitTurn)[len(turns) - 1]
        state = replace(
            state,
            cursor=last.cursor,
            pending_calls=last.pending_calls,
            undelivered=last.undelivered,
        )
    after = Call(
        settings=BRIEF,
        state=state,
        memory=remembering(*turns) if turns else MEMORY,
        is_takeover=is_takeover,
        status=call.status,
        now_ms=call.now_ms,
        next_seq=call.next_seq,
    )
    after.start()
    after.read(*(one for one in call.mailbox if one.seq > state.cursor))
    return after


def missing(workers: list[Call]) -> set[str]:
    """Return the answers that are in no reply in memory, and that the client did not read."""
    replies = [turn.said for one in workers for turn in one.written]
    told = " ".join([*replies, *(text for one in workers for text in one.error_messages)])
    wanted = {QUESTIONS[asked.question] for asked in workers[0].asked}
    return set() if OTHER_WORDS in told else {one for one in wanted if one not in told}


def dies(call: Call) -> list[Call]:
    return [call, successor(call, is_takeover=True)]


def must_hand_over(call: Call) -> list[Call]:
    call.write_at_once()
    call.feed(TimeRunningOut(20_000))
    call.wait_for_end()
    return [call, successor(call, is_takeover=False)]


def loses_its_live_session(call: Call) -> list[Call]:
    call.write_at_once()
    call.lose_live()
    call.heard_through = 0
    return [call]


@pytest.mark.parametrize("status", [ToolCallStatus.DONE, ToolCallStatus.REFUSED])
@pytest.mark.parametrize("delays", [(0, 0), (0, 3), (4, 0)], ids="{0[0]}+{0[1]}".format)
@pytest.mark.parametrize("end", [dies, must_hand_over, loses_its_live_session])
@pytest.mark.parametrize("story", STORIES)
def test_the_user_hears_the_answer_although_the_worker(story, end, delays, status):
    """The delays are steps: after how many the client has a frame, and how many a commit takes."""
    lost = {}
    for count in range(2, len(STORIES[story]) + 1):
        call = begun(delays, status)
        play(call, STORIES[story][:count])
        workers = end(call)
        workers[-1].go_well()
        if answers := missing(workers):
            lost[count] = answers

    assert lost == {}


@pytest.mark.parametrize("count", range(1, 4))
@pytest.mark.parametrize("asked_anew", [[], [type_text("Where?")]])
def test_the_user_hears_the_answer_to_a_call_that_came_after_its_turn(count, asked_anew):
    call = begun((4, 0))
    play(call, [type_text("When?"), *says("One moment."), ask(), answer, *asked_anew][: 5 + count])
    call.ack()
    call.write_at_once()
    workers = dies(call)
    workers[-1].go_well()

    assert missing(workers) == set()
    keys = {(one.key, one.question) for worker in workers for one in worker.asked}
    assert len({key for key, _ in keys}) == len(keys)
