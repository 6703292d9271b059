"""``repartee ask`` prints the whole answer, and says why there is none."""

import asyncio
import json
from argparse import Namespace

import pytest

from repartee_client.commands.answers import CallOverError
from repartee_client.commands.ask import ask
from repartee_client.errors import ConnectionLostError, NoAnswerError
from repartee_client.events import (
    Closed,
    LimitReached,
    Problem,
    Ready,
    ReplyAudio,
    ReplyLost,
    ToolUsed,
    Transcript,
    TurnRestarted,
)
from tests.unit.clients.commands.fake_call import FakeCall, Step, ended
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

STARTED = ToolUsed(1, "ask_core_agent", "started")
DONE = ToolUsed(1, "ask_core_agent", "done")


def says(turn: int, text: str) -> list[Step]:
    return [ReplyAudio(turn, bytes(960)), Transcript(turn, "model", text, True)]


async def asked(call: FakeCall, *, as_json: bool = False, timeout_s: float = 60.0) -> int:
    options = Namespace(question="When do you open?", json=as_json, timeout=timeout_s)
    return await ask(options, call.as_call)


@in_virtual_time
async def test_the_answer_is_printed_and_the_client_hangs_up(capsys):
    call = FakeCall([*says(1, "At "), Transcript(1, "model", "nine.", True), ended(1)])
    assert await asked(call) == 0
    assert capsys.readouterr() == ("At nine.\n", "")
    assert call.said == ["When do you open?"]
    assert call.has_hung_up
    assert asyncio.get_running_loop().time() == 0, "nothing more was awaited"


@in_virtual_time
async def test_a_tool_is_reported_and_its_answer_in_another_turn_is_printed_too(capsys):
    call = FakeCall(
        [STARTED, *says(1, "One moment."), ended(1), 4.0, DONE, *says(2, "At nine."), ended(2)]
    )
    assert await asked(call) == 0
    out, err = capsys.readouterr()
    assert out == "One moment.\nAt nine.\n"
    assert err == "tool ask_core_agent started\ntool ask_core_agent done\nthe agent goes on\n"


@in_virtual_time
async def test_words_before_the_answer_are_not_the_answer_when_the_tool_ended_in_their_turn(capsys):
    call = FakeCall(
        [STARTED, DONE, *says(1, "One moment."), ended(1), 1.0, *says(2, "At nine."), 3.0, ended(2)]
    )
    assert await asked(call) == 0
    assert capsys.readouterr().out == "One moment.\nAt nine.\n"


@in_virtual_time
async def test_an_answer_with_a_tool_in_one_turn_is_complete_after_a_moment(capsys):
    call = FakeCall([STARTED, DONE, *says(1, "One moment. At nine."), ended(1)])
    assert await asked(call) == 0
    assert capsys.readouterr().out == "One moment. At nine.\n"
    assert asyncio.get_running_loop().time() == 1.5


@in_virtual_time
async def test_the_greeting_is_not_the_answer(capsys):
    greeting = [*says(1, "Front desk."), ended(1, first_audio_ms=None)]
    call = FakeCall([*says(2, "At nine."), ended(2)], at_the_start=greeting)
    # The session knows the greeting, and still waits after it.
    assert await asked(call) == 0
    assert capsys.readouterr().out == "At nine.\n"


@in_virtual_time
async def test_an_answer_that_is_restarted_is_printed_once(capsys):
    call = FakeCall(
        [
            *says(1, "At ni"),
            TurnRestarted(1),
            *says(1, "At nine."),
            Transcript(1, "user", "x", True),
            ended(1),
        ]
    )
    assert await asked(call) == 0
    assert capsys.readouterr() == ("At nine.\n", "")


@in_virtual_time
async def test_the_text_of_a_lost_reply_is_printed(capsys):
    call = FakeCall([ReplyLost(1, "At nine."), ended(1)])
    assert await asked(call) == 0
    assert capsys.readouterr().out == "At nine.\n"


@in_virtual_time
async def test_an_answer_that_cannot_be_spoken_is_reported_in_words(capsys):
    problem = Problem("no_answer", "I could not say it: you are booked at nine.", True)
    call = FakeCall([problem, ended(1, first_audio_ms=None)])
    with pytest.raises(NoAnswerError, match="the agent gave no answer"):
        await asked(call)
    assert "you are booked at nine" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("superseded", "another call of this user has taken over the conversation"),
        ("busy", "the model's quota is used up"),
        ("a_later_reason", "a_later_reason"),
    ],
)
@in_virtual_time
async def test_a_call_that_is_closed_without_an_answer_says_why(reason, words):
    with pytest.raises(CallOverError, match=words):
        await asked(FakeCall([Closed(reason)]))


@in_virtual_time
async def test_a_turn_that_another_call_cut_off_is_no_answer():
    call = FakeCall([ended(1), Closed("superseded")])
    with pytest.raises(CallOverError, match="another call of this user"):
        await asked(call)


@pytest.mark.parametrize("as_json", [False, True])
@in_virtual_time
async def test_an_answer_that_another_call_cut_off_is_an_error(as_json):
    with pytest.raises(CallOverError, match="another call of this user"):
        await asked(FakeCall([*says(1, "At ni"), ended(1), Closed("superseded")]), as_json=as_json)


@in_virtual_time
async def test_the_answer_that_uses_a_daily_limit_up_is_an_answer(capsys):
    limit = LimitReached("cost", 5.0, 0)
    assert await asked(FakeCall([*says(1, "Bye."), limit, ended(1), Closed("limit_reached")])) == 0
    assert capsys.readouterr() == ("Bye.\n", "the limit is reached: 5 of cost a day is used up\n")


@in_virtual_time
async def test_a_lost_line_and_a_silent_server_are_errors():
    with pytest.raises(ConnectionLostError, match="the line broke"):
        await asked(FakeCall([ConnectionLostError("the line broke")]))
    with pytest.raises(NoAnswerError, match="no complete answer within 5 s"):
        await asked(FakeCall([*says(1, "At")]), timeout_s=5.0)


@in_virtual_time
async def test_json_has_an_object_per_event_on_a_line(capsys):
    ready = Ready("S", "C", 200, 30)
    call = FakeCall([*says(1, "Às nove."), ended(1)], at_the_start=[ready])
    assert await asked(call, as_json=True) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == [
        *("ready", "reply_audio", "transcript", "turn_ended", "closed"),
    ]
    assert lines[1] == {"event": "reply_audio", "turn": 1, "bytes": 960}
    assert lines[2]["text"] == "Às nove."


@in_virtual_time
async def test_an_output_that_fails_is_the_error_and_not_the_end_of_the_call(monkeypatch):
    def refuse(*_arguments: object, **_options: object) -> None:
        raise BrokenPipeError

    call = FakeCall([*says(1, "At nine."), ended(1)])
    monkeypatch.setattr("builtins.print", refuse)
    with pytest.raises(BrokenPipeError):
        await asked(call, as_json=True)
