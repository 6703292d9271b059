"""The oracle passes a good run and names each broken promise."""

from dataclasses import replace
from decimal import Decimal

import pytest

from local.calls.turn_collector import TurnRecord
from repartee.domain.conversation.conversation import Conversation, SkippedInput, ToolCall, Turn
from repartee.domain.session.state import SessionState
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from repartee_client.events import TurnEnded
from tests.chaos.judgement.evidence import Evidence, LiveRecord, SaidUtterance, TableRecord
from tests.chaos.judgement.oracle import judge
from tests.chaos.judgement.replays import LeaseRecord

pytestmark = pytest.mark.unit

WORDS = ("hello my name is robert", "do you remember my name")
PCM = (bytes([1, 2] * 40), bytes([3, 4] * 40))
SAID = ("Hello Robert.", "You are Robert.")
REPLIES = (bytes([5, 6] * 40), bytes([7, 8] * 40))


def remembered(number: int, **changes: object) -> Turn:
    turn = Turn(number, "S", 0, 1, WORDS[number - 1], SAID[number - 1], cost_usd=Decimal(0))
    return replace(turn, **changes)  # type: ignore[arg-type]


def received(number: int, **changes: object) -> TurnRecord:
    record = TurnRecord(
        number,
        bytearray(REPLIES[number - 1]),
        said=SAID[number - 1],
        end=TurnEnded(number, 1, 1, 0.0, 1, 0),
    )
    for name, value in changes.items():
        setattr(record, name, value)
    return record


def live(*numbers: int) -> LiveRecord:
    events = []
    for number in numbers:
        events += [
            {"kind": "heard", "text": WORDS[number - 1]},
            {"kind": "turn_complete", "said": SAID[number - 1]},
        ]
    return LiveRecord(
        "L",
        b"".join(PCM[number - 1] for number in numbers),
        tuple(REPLIES[number - 1] for number in numbers),
        events,
    )


def tables(*turns: Turn, count: int | None = None, ended: bool = True) -> TableRecord:
    header = Conversation("U", "C", "", 0, 0, len(turns) if count is None else count)
    return TableRecord(turns, header, [SessionState("S", "U", "C", None, ended=ended)])


def good() -> Evidence:
    return Evidence(
        failure="",
        ends=[("bye", "bye")],
        utterances=[SaidUtterance(words, pcm, True) for words, pcm in zip(WORDS, PCM, strict=True)],
        client_turns=[received(1), received(2)],
        barged_in=frozenset(),
        cut_off=frozenset(),
        turned_away=frozenset(),
        out_of_turn=(),
        lines_lost=0,
        lines_broken=0,
        stale_frames_accepted=0,
        stale_writes=(),
        live=[live(1, 2)],
        tables=tables(remembered(1), remembered(2)),
        bookings=(),
        leases=[LeaseRecord("S-000001", "", hands_over=False, is_forced=False)],
    )


CUT = received(2, is_interrupted=True, pcm=bytearray(REPLIES[1][:10]), said="You are")
CUT_SHORT = {"client_turns": [received(1), CUT], "barged_in": frozenset({2})}


def test_a_run_without_fault_is_good():
    assert judge(good()) == []


def test_another_live_session_may_answer_a_turn_again():
    torn = replace(live(1), heard=PCM[0][:30], replies=(REPLIES[0][:20],), events=[])
    assert judge(replace(good(), live=[torn, live(1), live(2)])) == []


def test_two_utterances_in_one_turn_are_in_exactly_one_turn():
    both = remembered(1, heard=" ".join(WORDS))
    events = [live(1).events[0], live(2).events[0], live(1).events[1]]
    evidence = replace(
        good(),
        tables=tables(both),
        client_turns=[received(1)],
        live=[replace(live(1, 2), events=events)],
    )
    assert judge(evidence) == []


@pytest.mark.parametrize(
    ("sessions", "broken"),
    [
        (("S", "S2"), []),
        (("S", "S"), ["doubled: the agent greeted 2 times in session S"]),
    ],
)
def test_a_session_has_one_greeting(sessions: tuple[str, ...], broken: list[str]):
    greetings = [
        remembered(number, heard="", session_id=session_id, said="Front desk, hello.")
        for number, session_id in enumerate(sessions, 1)
    ]
    evidence = replace(good(), tables=tables(*greetings), greeting="Front desk, hello.")
    assert [one for one in judge(evidence) if "greeted" in one] == broken


def test_a_reply_that_the_user_interrupted_may_be_cut():
    heard = remembered(2, said="You", said_is_approximate=True)
    evidence = replace(good(), **CUT_SHORT, tables=tables(remembered(1), heard))  # type: ignore[arg-type]
    assert judge(evidence) == []


LOST = received(2, is_lost=True, end=None, pcm=bytearray(REPLIES[1][:10]))


def test_a_reply_that_was_lost_with_its_worker_may_be_repeated():
    again, repeated = replace(received(2), number=3), replace(remembered(2), number=3, heard="")
    evidence = replace(
        good(),
        client_turns=[received(1), LOST, again],
        live=[live(1, 2), replace(live(2), heard=b"", events=live(2).events[1:])],
        tables=tables(remembered(1), remembered(2), repeated),
    )
    assert judge(evidence) == []


def test_a_conversation_may_go_on_in_another_session():
    both = replace(tables(remembered(1), remembered(2)), states=[*tables().states] * 2)
    ends = [("refused", "refused"), ("bye", "bye")]
    assert judge(replace(good(), tables=both, ends=ends)) == []


def test_an_utterance_that_was_not_accepted_may_be_in_no_turn():
    first, second = good().utterances
    evidence = replace(
        good(),
        utterances=[first, replace(second, is_accepted=False)],
        client_turns=[received(1)],
        tables=tables(remembered(1)),
        live=[live(1)],
    )
    assert judge(evidence) == []


def test_input_of_a_session_that_was_given_up_may_be_reported_as_skipped():
    first, second = good().utterances
    evidence = replace(
        good(),
        utterances=[first, replace(second, skip_reported_in_turn=2)],
        client_turns=[received(1), TurnRecord(2)],
        tables=tables(
            remembered(1), remembered(2, heard="", said="", skipped=(SkippedInput(7, 9),))
        ),
        live=[live(1)],
        ends=[("refused", "refused")],
    )
    assert judge(evidence) == []
    assert judge(replace(evidence, utterances=[first, second])) != []


def taken_over(**changes: object) -> Evidence:
    """Another device took over in the reply to the last words."""
    first, second = good().utterances
    cut = remembered(2, said="You", said_is_approximate=True)
    evidence = replace(
        good(),
        utterances=[first, replace(second, is_cut_off=True)],
        client_turns=[received(1), CUT],
        cut_off=frozenset({2}),
        tables=tables(remembered(1), cut),
        live=[replace(live(1, 2), events=[*live(1).events, live(2).events[0]])],
        ends=[("superseded", "superseded")],
    )
    return replace(evidence, **changes)  # type: ignore[arg-type]


def test_a_takeover_may_cut_a_reply():
    assert judge(taken_over()) == []


def test_words_before_a_takeover_may_remain_unanswered():
    unanswered = remembered(2, said="")
    silent = TurnRecord(2, end=TurnEnded(2, 1, 1, 0.0, None, 0))
    evidence = taken_over(
        client_turns=[received(1), silent], tables=tables(remembered(1), unanswered)
    )
    assert judge(evidence) == []


def test_words_before_a_takeover_may_not_be_lost():
    evidence = taken_over(tables=tables(remembered(1)))
    assert f"lost: “{WORDS[1]}” was accepted, but is in no turn" in judge(evidence)


def test_a_cut_off_turn_ends_at_the_client_unless_its_reconnect_was_refused():
    endless = taken_over(client_turns=[received(1), replace(CUT, end=None)])
    assert judge(endless) == ["hung: turn 2 did not end at the client"]
    assert judge(replace(endless, turned_away=frozenset({2}))) == []


def test_a_turn_that_ended_before_a_takeover_is_remembered_completely():
    first, second = good().utterances
    evidence = taken_over(cut_off=frozenset(), utterances=[first, second], live=[live(1, 2)])
    assert judge(evidence) != []


def test_a_connection_that_the_campaign_broke_may_be_lost():
    assert judge(replace(good(), lines_lost=2, lines_broken=2)) == []


def test_the_last_utterance_of_a_session_may_be_truncated():
    torn = replace(live(1), heard=PCM[0] + PCM[1][:6])
    assert judge(replace(good(), live=[torn, live(2)])) == []


@pytest.mark.parametrize(("duration_ms", "is_good"), [(2_500, True), (2_501, False)])
def test_a_short_utterance_may_be_sent_twice_and_a_long_one_not(duration_ms: int, is_good: bool):
    pcm = PCM[0] + bytes([5, 6]) * (duration_ms * 16 - len(PCM[0]) // 2)
    first, second = good().utterances
    twice = replace(
        good(),
        utterances=[replace(first, pcm=pcm), second],
        live=[replace(live(1, 2), heard=pcm + pcm + PCM[1])],
    )
    assert (judge(twice) == []) is is_good


def test_silence_may_surround_an_utterance_and_not_interrupt_it():
    silence = bytes(3_200 * 11)
    around = silence + PCM[0] + silence + PCM[0] + silence + PCM[1] + silence
    assert judge(replace(good(), live=[replace(live(1, 2), heard=around)])) == []
    torn = replace(live(1), heard=PCM[0] + silence + PCM[1][:6] + silence)
    assert judge(replace(good(), live=[torn, live(2)])) == []
    within = PCM[0] + PCM[1][:40] + silence + PCM[1][40:]
    assert judge(replace(good(), live=[replace(live(1, 2), heard=within)])) != []


def test_a_worker_that_was_woken_too_late_may_send_the_rest_of_its_input():
    stale = replace(live(1), name="M", heard=PCM[0] + PCM[1][6:])
    assert judge(replace(good(), live=[stale, live(1, 2)])) == []


def test_a_reply_in_two_pieces_is_remembered_as_one():
    first, second = live(1).events
    pieces = [{**second, "said": "Hello"}, {**second, "said": "Robert."}]
    assert judge(replace(good(), live=[replace(live(1), events=[first, *pieces]), live(2)])) == []


def kept_back(sent_ms: int | None = None, ended: dict[str, object] | None = None) -> LiveRecord:
    """A Live session that answers the first utterance and ends at 5 s."""
    overdue = {"kind": "transcript_overdue", "text": WORDS[0]}
    heard, complete = live(1).events
    events = [heard, overdue, complete]
    if sent_ms is not None:
        events.append({"kind": "overdue_sent", "t_ms": sent_ms})
    killed = {"kind": "connection_ended", "close_code": 1006}
    return replace(live(1), events=[*events, {**(ended or killed), "t_ms": 5_000}])


LEFT = {"kind": "connection_ended", "close_code": 1000}
FENCED = LeaseRecord("S-000001", "", hands_over=False, is_forced=False, is_fenced=True)
HANDED_OVER = LeaseRecord("S-000001", "", hands_over=True, is_forced=False)
WORDLESS = tables(remembered(1, heard=""), remembered(2))


@pytest.mark.parametrize(
    ("lives", "leases"),
    [
        pytest.param([kept_back(), live(2)], (), id="a killed worker"),
        pytest.param([kept_back(4_001), live(2)], (), id="killed as the transcript came"),
        pytest.param(
            [kept_back(ended={"kind": "closed_by_server"}), live(2)], (), id="a lost Live session"
        ),
        pytest.param([kept_back(ended=LEFT), live(2)], (HANDED_OVER,), id="a hand-over"),
        pytest.param([kept_back(1_000, LEFT), live(2)], (FENCED,), id="a frozen worker"),
        pytest.param([live(2), kept_back(ended=LEFT)], (), id="the user's hang-up"),
    ],
)
def test_words_may_be_missing_if_their_session_ended_before_it_sent_them(
    lives: list[LiveRecord], leases: tuple[LeaseRecord, ...]
):
    evidence = replace(good(), live=lives, tables=WORDLESS, leases=leases)
    assert judge(evidence) == []


def test_the_transcript_after_one_that_is_missing_stays_in_its_own_turn():
    moved = tables(remembered(1, heard=WORDS[1]), remembered(2, heard=""))
    found = judge(replace(good(), live=[kept_back(), live(2)], tables=moved))
    assert [one for one in found if one.startswith("misplaced: turn 1 contains")]
    assert [one for one in found if one.startswith(f"misplaced: “{WORDS[1]}” is not in turn 2")]


@pytest.mark.parametrize(
    "lives",
    [
        pytest.param([live(1), live(2)], id="the transcript was not late"),
        pytest.param([kept_back(3_999), live(2)], id="it came long before the worker died"),
        pytest.param(
            [kept_back(ended=LEFT), live(2)], id="the worker closed the session without need"
        ),
        pytest.param(
            [kept_back(), live(1, 2)], id="another session heard it and sent the transcript"
        ),
    ],
)
def test_words_may_not_be_missing_without_a_reason(lives: list[LiveRecord]):
    found = judge(replace(good(), live=lives, tables=WORDLESS))
    assert f"lost: “{WORDS[0]}” was accepted, but is in no turn" in found


ALIKE = ("do you remember my name and my visit", "do you remember my name and my appointment")


@pytest.mark.parametrize("said", [ALIKE, ALIKE[::-1]])
@pytest.mark.parametrize("is_sent", [False, True])
def test_words_that_are_missing_are_not_taken_for_similar_words(said: tuple[str, str], is_sent):
    events = [
        {"kind": "heard", "text": said[0]},
        {"kind": "transcript_overdue", "text": said[0]},
        live(1).events[1],
        *([{"kind": "overdue_sent", "t_ms": 1}] if is_sent else []),
        {"kind": "connection_ended", "close_code": 1006, "t_ms": 5_000},
    ]
    answered = [{"kind": "heard", "text": said[1]}, live(2).events[1]]
    evidence = replace(
        good(),
        utterances=[SaidUtterance(words, pcm, True) for words, pcm in zip(said, PCM, strict=True)],
        live=[replace(live(1), events=events), replace(live(2), events=answered)],
        tables=tables(remembered(1, heard=""), remembered(2, heard=said[1])),
    )
    lost = [one for one in judge(evidence) if one.startswith("lost")]
    assert len(lost) == is_sent


@pytest.mark.parametrize("heard", [WORDS[0], " ".join(WORDS)])
def test_the_words_of_a_turn_are_not_put_into_another(heard: str):
    moved = tables(remembered(1, heard=""), remembered(2, heard=heard))
    found = judge(replace(good(), tables=moved))
    text = f"“{WORDS[0]}” is not in turn 1, where it was answered, but in another turn"
    assert f"misplaced: {text}" in found


ASKED = {"kind": "tool_call", "id": "call-1"}
ANSWERED = {"kind": "tool_response", "id": "call-1"}


def with_events(*more: dict[str, str]) -> list[LiveRecord]:
    return [replace(live(1, 2), events=[*live(1, 2).events, *more])]


def with_call(**changes: object) -> TableRecord:
    return tables(remembered(1, tool_calls=(BOOKED,)), remembered(2), **changes)  # type: ignore[arg-type]


def test_a_call_that_was_answered_and_is_remembered_is_good():
    evidence = replace(good(), live=with_events(ASKED, ANSWERED), tables=with_call())
    assert judge(replace(evidence, bookings=("one",))) == []  # type: ignore[arg-type]


BOOKED = ToolCall(ToolCallKey(1, 1), "ask_core_agent", "{}", ToolCallStatus.DONE, "booked")


def test_a_turn_with_a_cancelled_call_may_be_silent_if_a_later_one_says_the_answer():
    silent, spoken = (
        remembered(1, said="", tool_calls=(BOOKED,)),
        remembered(2, said="It is booked."),
    )
    later = received(2, said="It is booked.")
    cancelled = replace(
        live(1, 2),
        events=[
            live(1).events[0],
            {"kind": "calls_cancelled"},
            {"kind": "turn_complete", "said": ""},
            live(2).events[0],
            {"kind": "turn_complete", "said": "It is booked."},
        ],
    )
    evidence = replace(
        good(),
        client_turns=[received(1, pcm=bytearray(), said=""), later],
        tables=tables(silent, spoken),
        live=[cancelled],
        bookings=("one",),  # type: ignore[arg-type]
    )
    assert judge(evidence) == []
    unsaid = remembered(2), received(2)
    found = judge(
        replace(
            evidence,
            tables=tables(silent, unsaid[0]),
            client_turns=[evidence.client_turns[0], unsaid[1]],
        )
    )
    assert f"lost: “{WORDS[0]}” of turn 1 got no audible reply" in found


def test_a_broken_connection_may_lose_the_answer_to_a_goodbye():
    cut = replace(good(), ends=[("bye", "")], lines_lost=1, lines_broken=1)

    assert judge(cut) == []
    assert judge(replace(cut, lines_lost=0, lines_broken=0)) == [
        "hung: the client got the reason “” for the end, not “bye”"
    ]


BROKEN = {
    "a run that was given up": ({"failure": "no answer"}, "hung: no answer"),
    "a session that stays open": (
        {"tables": tables(remembered(1), remembered(2), ended=False)},
        "hung: the session was not closed",
    ),
    "one session of two that stays open": (
        {"tables": replace(tables(remembered(1), remembered(2)), states=(*tables().states, None))},
        "hung: the session was not closed",
    ),
    "a wrong reason of an end": (
        {"ends": [("refused", "bye"), ("bye", "bye")]},
        "hung: the client got the reason “bye” for the end, not “refused”",
    ),
    "audio after the cut": (
        {"out_of_turn": ["audio of turn 2 after its reply was cut"]},
        "cut: audio of turn 2 after its reply was cut",
    ),
    "a cut reply with other audio": (
        {**CUT_SHORT, "client_turns": [received(1), replace(CUT, pcm=bytearray(b"xy"))]},
        "cut: the audio of turn 2 is not the start of a reply",
    ),
    "a cut reply that is remembered beyond its cut": (
        {**CUT_SHORT, "tables": tables(remembered(1), remembered(2, said_is_approximate=True))},
        "cut: turn 2 is remembered as “You are Robert.”, but the client got only “You are”",
    ),
    "a recording that replays otherwise": (
        {"leases": [LeaseRecord("S-000001", "line 4: effects[0] was this", False, False)]},
        "replay: S-000001, line 4: effects[0] was this",
    ),
    "an accepted utterance in no turn": (
        {"tables": tables(remembered(1), remembered(2, heard=""))},
        f"lost: “{WORDS[1]}” was accepted, but is in no turn",
    ),
    "an utterance remembered twice": (
        {"tables": tables(remembered(1), remembered(2, heard=WORDS[0]))},
        f"doubled: turn 2 contains “{WORDS[0]}”",
    ),
    "audio with a hole": (
        {"live": [replace(live(1, 2), heard=PCM[0] + PCM[1][:-2])]},
        f"lost: no Live session heard all audio of “{WORDS[1]}”",
    ),
    "audio with a hole in one of two sessions": (
        {"live": [live(1, 2), replace(live(1, 2), name="M", heard=PCM[0][2:] + PCM[1])]},
        "lost: M answered input that from byte 0 on",
    ),
    "audio that came once too often": (
        {"live": [replace(live(1, 2), heard=PCM[0] * 3 + PCM[1])]},
        "lost: L answered input that from byte 160 on",
    ),
    "a short utterance that is lost beside a long one": (
        {
            "utterances": [
                *good().utterances,
                SaidUtterance(" ".join(WORDS * 3), bytes([9, 9]), is_accepted=True),
            ],
            "tables": tables(remembered(1), remembered(2, heard=" ".join(WORDS * 3))),
        },
        f"lost: “{WORDS[1]}” was accepted, but is in no turn",
    ),
    "a call that is answered twice": (
        {"live": with_events(ASKED, ANSWERED, ANSWERED)},
        "doubled: L got 2 answers to call-1",
    ),
    "a call that is not remembered": (
        {"live": with_events(ASKED)},
        "lost: Gemini called a tool",
    ),
    "a reply that was spoken differently": (
        {
            "tables": tables(remembered(1), remembered(2, said="You are Linda.")),
            "client_turns": [received(1), received(2, said="You are Linda.")],
        },
        "lost: no Live session said “You are Linda.”",
    ),
    "a connection that was lost unplanned": (
        {"lines_lost": 2, "lines_broken": 1},
        "line: 2 connections ended before the session, but 1 were planned",
    ),
    "audio without an answer": (
        {"live": [replace(live(1, 2), events=live(1).events)]},
        f"lost: no Live session that heard all of “{WORDS[1]}” answered it",
    ),
    "a reply without its end": (
        {"client_turns": [received(1), received(2, pcm=bytearray(REPLIES[1][:-2]))]},
        "cut: the audio of turn 2 is not complete",
    ),
    "a reply with a piece that came twice": (
        {"client_turns": [received(1), received(2, pcm=bytearray(REPLIES[1] + REPLIES[1][:4]))]},
        "cut: the audio of turn 2 is not complete",
    ),
    "a reply that was cut for nothing": (
        {"client_turns": [received(1), received(2, is_interrupted=True)]},
        "cut: the reply of turn 2 was cut",
    ),
    "a turn without end": (
        {"client_turns": [received(1), received(2, end=None)]},
        "hung: turn 2 did not end",
    ),
    "a lost reply that is not repeated": (
        {"client_turns": [received(1), LOST]},
        "cut: the reply of turn 2 was lost, and only its text arrived",
    ),
    "a silent reply": (
        {"client_turns": [received(1), received(2, pcm=bytearray())]},
        "lost: “do you remember my name” of turn 2 got no audible reply",
    ),
    "memory that differs from the client": (
        {"tables": tables(remembered(1), remembered(2, said="You are Linda."))},
        "lost: turn 2 is remembered as “You are Linda.”",
    ),
    "a turn that only memory knows": (
        {"client_turns": [received(1)]},
        "lost: turn 2 is remembered, but never reached the client",
    ),
    "a turn that only the client knows": (
        {"tables": tables(remembered(1))},
        "lost: the client has turn 2, but memory does not",
    ),
    "a hole in the numbers": (
        {"tables": tables(remembered(1), replace(remembered(2), number=3), count=2)},
        "lost: turn numbers are not consecutive: [1, 3]",
    ),
    "a header that counts wrong": (
        {"tables": tables(remembered(1), remembered(2), count=3)},
        "lost: the header counts 3 for 2 turns",
    ),
    "a booking too many": ({"bookings": ("one", "two")}, "doubled: 2 bookings for one request"),
    "a booking that is not there": (
        {"tables": tables(remembered(1, tool_calls=(BOOKED,)), remembered(2))},
        "lost: the tool answered, but its booking is missing",
    ),
    "a frame of a replaced worker": (
        {"stale_frames_accepted": 1},
        "stale: the client got 1 frames",
    ),
    "a write of a replaced worker": (
        {"stale_writes": ("W-1: PutItem",)},
        "stale: a replaced worker wrote: W-1: PutItem",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_oracle_names(name: str):
    changes, expected = BROKEN[name]
    broken = judge(replace(good(), **changes))  # type: ignore[arg-type]
    assert any(text.startswith(expected) for text in broken), broken
