"""The demo's conversation on the whole stack, with the committed recordings."""

from dataclasses import dataclass

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import AnsweredUtterance, Pace, say
from local.demo.checks import (
    Check,
    check_bookings,
    check_name,
    check_replies,
    check_speech,
    check_time,
    says_name,
)
from local.demo.front_desk import FrontDesk
from local.demo.recorded_script import Utterance
from local.demo.script_player import (
    SpokenUtterance,
    match_replies,
    play_script,
    recalled_from,
)
from repartee.domain.audio import OUTPUT_RATE_HZ
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.tools.core_calls import ASK_CORE_AGENT
from repartee_client.recordings import Recording, read_wav, write_wav
from tests.integration.running import RunningStack, new_user, recordings

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


@dataclass(frozen=True, slots=True)
class Held:
    """A finished conversation and its records."""

    user: str
    spoken: list[SpokenUtterance]
    bookings: list[Booking]
    emitted: list[bytes]

    def checks(self) -> list[Check]:
        heard = {one.name: one.answered.heard for one in self.spoken}
        said, first = [one.answered.said for one in self.spoken], recalled_from(self.spoken)
        return [
            check_speech(heard),
            check_name([*heard.values()], said, recalled_from=first),
            check_bookings(self.bookings),
            check_time(self.bookings, said[first:]),
            check_replies(
                [one.reply_pcm for one in self.spoken], match_replies(self.spoken, self.emitted)
            ),
        ]


def hold(running: RunningStack, script: list[Utterance], user: str) -> Held:
    """Run the script, with a restart of the simulator before the last utterance."""
    running.clear_desk()
    before = {record.name for record in running.records()}

    async def converse() -> tuple[list[SpokenUtterance], list[Booking]]:
        spoken = await play_script(
            await running.api_of(user),
            script,
            pace=Pace.FAST,
            between=running.stack.restart_gemini,
        )
        return spoken, list(await FrontDesk(running.stack).bookings(user))

    spoken, bookings = running.run(converse())
    emitted = [
        reply
        for record in running.records()
        if record.name not in before
        for reply in record.replies
    ]
    return Held(user, spoken, bookings, emitted)


@pytest.fixture(scope="module")
def default(running: RunningStack) -> Held:
    return hold(running, recordings("default"), new_user("default"))


def failures(checks: list[Check]) -> list[Check]:
    return [check for check in checks if check.passed is not True]


def test_speech_is_answered_with_the_expected_speech(default: Held):
    assert failures(default.checks()) == []


def test_the_booking_asks_core_agent_and_the_recall_does_not(default: Held):
    calls = [one.answered.tool_calls for one in default.spoken]
    assert calls == [[], [ASK_CORE_AGENT], []]


def test_every_turn_is_timed_and_billed(default: Held):
    for one in default.spoken:
        assert one.answered.first_audio_ms is not None
        assert one.answered.first_audio_ms > 0
        assert one.answered.tokens_in > 0
        assert one.answered.tokens_out > 0
        assert one.answered.cost_usd > 0


def test_every_turn_is_stored_once_across_sessions(running: RunningStack, default: Held):
    async def remembered() -> list[dict[str, object]]:
        api = await running.api_of(default.user)
        ticket = await api.start_session()
        return await api.turns(ticket.conversation_id)

    turns = running.run(remembered())

    exchanges = [(one.answered.heard, one.answered.said) for one in default.spoken]
    assert [(turn["heard"]["text"], turn["said"]["text"]) for turn in turns] == exchanges  # type: ignore[index]
    assert [turn["number"] for turn in turns] == [1, 2, 3]
    sessions = [one.session_id for one in default.spoken]
    assert [turn["session_id"] for turn in turns] == sessions
    assert sessions[0] == sessions[1] != sessions[2]


def test_a_saved_reply_equals_what_gemini_emitted_and_no_other_reply(tmp_path, default: Held):
    replies = match_replies(default.spoken, default.emitted)
    for number, one in enumerate(default.spoken):
        wav = tmp_path / f"{one.name}.wav"
        write_wav(wav, Recording(one.reply_pcm, OUTPUT_RATE_HZ))
        saved = read_wav(wav, sample_rate_hz=OUTPUT_RATE_HZ).pcm
        matches = [saved == reply for reply in replies]
        assert matches == [number == other for other in range(3)]

    first, *rest = (one.reply_pcm for one in default.spoken)
    swapped = check_replies([*rest, first], replies)
    assert swapped.passed is False


def test_other_recordings_work_as_well(running: RunningStack, default: Held):
    other = hold(running, recordings("alternative"), new_user("alternative"))

    assert failures(other.checks()) == []
    assert other.bookings[0].slot != default.bookings[0].slot
    # The checks can fail: the answers to one user are wrong for another.
    heard = [one.answered.heard for one in default.spoken]
    said = [one.answered.said for one in other.spoken]
    assert check_name(heard, said, recalled_from=2).passed is False
    assert check_time(default.bookings, said).passed is False


def test_another_user_does_not_get_the_name(running: RunningStack, default: Held):
    exchange = ask_for_the_name(running, new_user("stranger"))

    assert exchange.said
    assert not says_name(exchange.said, "robert")


def test_without_memory_the_name_is_unknown(running: RunningStack):
    user = new_user("forgotten")
    script = recordings("default")
    hold_greeting(running, script[0], user)
    assert says_name(ask_for_the_name(running, user).said, "robert"), "it is remembered at first"

    table = running.stack.table_names["MemoryTable"]
    for item in running.items("MemoryTable"):
        running.dynamodb().delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})

    said = ask_for_the_name(running, user).said
    assert said
    assert not says_name(said, "robert")


def hold_greeting(running: RunningStack, greeting: Utterance, user: str) -> AnsweredUtterance:
    async def greet() -> AnsweredUtterance:
        ticket = await (await running.api_of(user)).start_session()
        async with open_voice_call(ticket.url) as call:
            exchange = await say(call, read_wav(greeting.wav), pace=Pace.FAST)
            await call.hang_up()
            return exchange

    return running.run(greet())


def ask_for_the_name(running: RunningStack, user: str) -> AnsweredUtterance:
    return hold_greeting(running, recordings("default")[-1], user)
