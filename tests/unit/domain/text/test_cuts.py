"""Where a text is cut when not all of it counts."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repartee.domain.conversation.conversation import title_from
from repartee.domain.conversation.summary import MAX_SUMMARY_CHARACTERS, truncated_summary
from repartee.domain.conversation.turn_bounds import CUT_MARK, MAX_SPOKEN_CHARACTERS, shorten_turn
from repartee.domain.live.model import (
    LiveAudio,
    LiveInterrupted,
    LiveTranscript,
    LiveTurnComplete,
    Role,
)
from repartee.domain.live.prompt import history
from repartee.domain.text.cuts import truncate_text
from tests.session_harness import SECOND, started
from tests.unit.domain.conversation.test_turn_bounds import turn

pytestmark = pytest.mark.unit

JAPANESE = "金曜日の午後三時に予約をお取りしました。ほかにご用はありますか。"
THAI = "จองนัดหมายให้คุณวันศุกร์เวลาบ่ายสามโมงแล้วค่ะ"
CHINESE = "我已经为您预约了星期五下午三点。"
KOREAN = "금요일 오후 세 시로 예약해 드렸습니다. 다른 도움이 필요하신가요?"
FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize("reply", [JAPANESE, THAI, CHINESE, KOREAN, FAMILY * 12])
def test_about_a_third_of_a_reply_that_is_cut_at_a_third_is_remembered(reply: str):
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND * 3), LiveTranscript(Role.MODEL, reply))
    call.ack(turn=1, played_ms=1_000)
    call.live(LiveInterrupted(), LiveTurnComplete())
    call.ack()

    said = call.turns[0].said
    assert reply.startswith(said)
    assert 0.2 <= len(said) / len(reply) <= 0.35


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("One two three.", 14, "One two three."),
        ("One two three.", 10, "One two"),
        ("One two three.", 7, "One two"),
        ("One  two", 5, "One"),
        ("One", 0, ""),
        ("One", -1, ""),
        ("x" * 50, 40, "x" * 40),
        ("Hello 金曜日の午後三時", 12, "Hello 金曜日の午後"),
        ("金曜日 に", 4, "金曜日"),
        ("cafe\u0301s", 4, "caf"),
        ("น้ำ", 2, ""),
        ("👍🏽👍🏽", 3, "👍🏽"),
        ("🇩🇪🇫🇷🇪🇸", 3, "🇩🇪"),
        ("🇩🇪🇫🇷🇪🇸", 4, "🇩🇪🇫🇷"),
        (f"Hi {FAMILY}", 6, "Hi"),
        (FAMILY * 2, 10, FAMILY),
        ("❤\ufe0f❤\ufe0f", 3, "❤\ufe0f"),
        ("नमस्ते", 4, "नम"),
        ("\u1112\u1161\u11ab\u1112\u1161", 4, "\u1112\u1161\u11ab"),
        ("Your appointment", 1, ""),
        ("Your appointment", 4, "Your"),
        ("Appointment.", 3, "App"),
    ],
)
def test_a_cut_leaves_words_and_characters_whole(text: str, most: int, kept: str):
    assert truncate_text(text, most) == kept


@given(st.text(), st.integers(-1, 50))
@example("", -1)
def test_a_cut_is_a_start_of_the_text_within_the_limit(text: str, most: int):
    kept = truncate_text(text, most)

    assert text.startswith(kept)
    assert len(kept) <= max(0, most)
    assert kept == text or len(text) > most


def test_no_other_cut_divides_a_character_or_falls_back_to_a_space_far_away():
    summary = truncated_summary("Robert. " + "金曜日の予約。" * 400)
    assert len(summary) > MAX_SUMMARY_CHARACTERS - 8

    emoji = "👍🏽"
    assert title_from(f"x{emoji * 40}") == f"x{emoji * 29}…"
    long = turn(heard=emoji * MAX_SPOKEN_CHARACTERS)
    assert shorten_turn(long).heard.removesuffix(CUT_MARK).endswith(emoji)
    (heard, _) = history((long,), 203)
    assert heard.text == emoji * 50
