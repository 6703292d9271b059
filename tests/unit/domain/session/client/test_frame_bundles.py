"""Parts of a reply share messages, and the user cannot hear the difference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.adapters.wire.encoding import encode
from repartee.domain.audio import OUTPUT_RATE_HZ, duration_ms
from repartee.domain.live.model import LiveAudio
from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    NumberedFrame,
    ReplyAudio,
    ToolProgress,
    Transcript,
    TurnEnd,
)
from repartee.domain.protocol.messages import Detached
from repartee.domain.session.client.frame_bundles import HOLD_MS, MAX_BUNDLE_BYTES, MIN_LEAD_MS
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.effects import PostFrame
from tests.session_harness import SECOND, SessionHarness, said, started

pytestmark = pytest.mark.unit

# Gemini's usual part of 240 ms.
PART = bytes(range(256)) * 45
PART_MS = 240
MESSAGE_UNIT_BYTES = 32 * 1024


def audio(pcm: bytes = PART, turn: int = 1) -> ReplyAudio:
    return ReplyAudio(turn, pcm)


def text(words: str, turn: int = 1, *, final: bool = False) -> Transcript:
    return Transcript(turn, "model", words, final)


def outbox(*frames: Frame) -> Outbox:
    box = Outbox(epoch=1)
    for frame in frames:
        box.offer(frame)
    return box


def posted(box: Outbox, now_ms: int = 0) -> list[Frame]:
    frames = []
    while (numbered := box.next_post(now_ms)) is not None:
        box.mark_posted(numbered.seq)
        frames.append(numbered.frame)
    return frames


def answering(**fields: object) -> SessionHarness:
    call = started(**fields)
    call.utter()
    return call


def speak(call: SessionHarness, parts: int, every_ms: int) -> None:
    """The model says something in parts, each with its words."""
    for number in range(parts):
        call.live(said(f" {number}"), LiveAudio(PART))
        call.pass_ms(every_ms)


def words_heard(call: SessionHarness) -> str:
    return "".join(one.text for one in call.frames(Transcript) if one.role == "model")


def test_parts_that_wait_join_up_each_with_its_kind():
    box = outbox(text("Good"), audio(b"\1\2" * 100), text(" morning"), audio(b"\3\4" * 101))

    assert posted(box) == [text("Good morning"), audio(b"\1\2" * 100 + b"\3\4" * 101)]


@pytest.mark.parametrize(
    "between",
    [Accepted(7), ToolProgress(1, "look", "started"), audio(turn=2), text("So", turn=2)],
    ids=lambda frame: type(frame).__name__,
)
def test_nothing_but_the_other_kind_of_the_same_turn_is_passed(between):
    frames = [audio(b"\1\2"), between, audio(b"\3\4")]
    assert posted(outbox(*frames)) == frames


def test_texts_of_two_sides_and_what_follows_a_final_text_stay_apart():
    frames = [Transcript(1, "user", "Hi", False), text("Good", final=True), text("day")]
    assert posted(outbox(*frames)) == frames


def test_a_bundle_with_its_json_fits_one_unit_of_the_bill():
    frames = posted(outbox(*[audio()] * 5, TurnEnd(1, 0, 0, 0.0, None, 0)))
    lengths = [len(one.pcm) for one in frames if isinstance(one, ReplyAudio)]
    assert lengths == [23_040, 23_040, 11_520]

    # The largest there may be, with the longest numbers.
    [largest] = posted(outbox(*[audio(bytes(6_000), turn=99_999_999)] * 4))
    assert isinstance(largest, ReplyAudio)
    assert len(largest.pcm) == MAX_BUNDLE_BYTES
    numbered = NumberedFrame(999_999_999, 999_999_999, largest)
    assert len(encode(numbered).encode()) <= MESSAGE_UNIT_BYTES


def test_the_begin_of_a_reply_is_posted_part_by_part_at_once():
    call = answering()
    for number in range(4):
        posts = call.live(LiveAudio(PART))
        assert [type(one) for one in posts] == [PostFrame], number
        call.pass_ms(60)


def test_once_the_client_has_a_second_to_play_two_parts_share_a_message():
    call = answering()
    speak(call, parts=20, every_ms=60)
    call.pass_ms(HOLD_MS)

    assert call.pcm_posted(1) == PART * 20
    assert words_heard(call) == "".join(f" {number}" for number in range(20))
    # 1,000 ms ahead after five parts: 1,200 ms of sound less the 240 ms that they took.
    assert len(call.frames(ReplyAudio)) <= 5 + 8
    assert len(call.frames(Transcript)) <= 1 + 5 + 8


def test_a_part_that_nothing_follows_is_held_for_a_moment_only():
    call = answering()
    call.live(LiveAudio(SECOND), LiveAudio(SECOND))
    call.pass_ms(HOLD_MS)
    before = call.pcm_posted(1)
    call.live(LiveAudio(PART))
    assert call.pcm_posted(1) == before

    call.pass_ms(HOLD_MS - 1)
    assert call.pcm_posted(1) == before
    call.pass_ms(1)
    assert call.pcm_posted(1) == before + PART


def test_the_end_of_a_turn_releases_the_audio_held_before_it():
    call = answering()
    call.reply("Good morning.", SECOND * 2 + PART)
    assert call.pcm_posted(1) == SECOND * 2 + PART
    assert call.frames(TurnEnd)


def test_the_next_reply_begins_at_once_though_the_last_one_still_plays():
    call = answering()
    call.reply("Good morning.", SECOND * 5)
    call.ack()
    call.utter()
    posts = call.live(LiveAudio(PART))
    assert [type(one) for one in posts] == [PostFrame]


def test_after_an_interruption_the_client_has_nothing_to_play():
    box = outbox(audio(bytes(24_000)))
    for _ in range(4):
        posted(box)
        box.offer(audio(bytes(24_000)))
    posted(box)
    box.interrupt(1)
    posted(box)

    box.offer(audio())

    assert posted(box) == [audio()]


def test_a_reply_no_faster_than_it_plays_is_never_held():
    call = answering()
    for _ in range(30):
        posts = call.live(LiveAudio(PART))
        assert [type(one) for one in posts] == [PostFrame]
        call.pass_ms(PART_MS)


def test_held_audio_goes_to_the_next_connection_when_the_connection_drops():
    call = answering()
    call.live(LiveAudio(SECOND), LiveAudio(SECOND))
    call.pass_ms(HOLD_MS)
    call.live(LiveAudio(PART))
    call.notice(Detached("A"))
    call.pass_ms(HOLD_MS)
    assert call.pcm_posted(1) == SECOND * 2

    call.hello("B", received=call.posted[-1].seq)

    assert call.pcm_posted(1) == SECOND * 2 + PART


@given(st.lists(st.tuples(st.integers(1, 6_000), st.integers(0, 400)), max_size=30))
def test_held_audio_never_lets_the_client_run_short(parts):
    """Held audio is posted while enough of the earlier audio is still to be played."""
    call = answering()
    playing_ends_ms, seen = 0.0, 0

    def take(*, was_held: bool) -> None:
        nonlocal playing_ends_ms, seen
        for frame in call.frames(ReplyAudio)[seen:]:
            if was_held:
                assert playing_ends_ms - call.now_ms >= MIN_LEAD_MS - HOLD_MS
            length_ms = duration_ms(len(frame.pcm), OUTPUT_RATE_HZ)
            playing_ends_ms = max(playing_ends_ms, call.now_ms) + length_ms
            seen += 1

    for samples, wait_ms in parts:
        call.live(LiveAudio(bytes(2 * samples)))
        take(was_held=False)
        end_ms = call.now_ms + wait_ms
        while (at_ms := call.machine.next_deadline_ms()) is not None and at_ms <= end_ms:
            call.pass_ms(at_ms - call.now_ms)
            take(was_held=True)
        call.pass_ms(end_ms - call.now_ms)
    call.pass_ms(HOLD_MS)
    assert len(call.pcm_posted(1)) == sum(2 * samples for samples, _ in parts)
