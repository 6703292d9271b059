"""A transcript that comes twice is remembered once."""

import pytest

from repartee.domain.live.model import LiveAudio
from repartee.domain.protocol.frames import Transcript
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.session.effects import AmendTurn, CommitTurn, FinishReason
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import IDLE, SECOND, heard, said, started
from tests.unit.domain.session.turns.transcribed_calls import ROBERT, SEE, answered, shown

pytestmark = pytest.mark.unit


class TestTwice:
    @pytest.mark.parametrize("gap_ms", [0, 50, 1_500])
    @pytest.mark.parametrize("again", [ROBERT, f"{ROBERT} ", f" {ROBERT}"])
    def test_it_is_remembered_and_shown_once(self, gap_ms: int, again: str):
        call = started()
        call.utter()
        call.live(LiveAudio(SECOND), heard(ROBERT))
        call.pass_ms(gap_ms)
        call.live(heard(again), said("Good morning."), IDLE)
        call.ack()

        assert [turn.heard for turn in call.remembered] == [ROBERT]
        assert shown(call, 1).strip() == ROBERT

    @pytest.mark.parametrize("final", [False, True])
    @pytest.mark.parametrize("late_ms", [0, 500, 5_000])
    def test_a_repeated_transcript_does_not_go_to_the_next_turn(self, late_ms: int, final: bool):
        call = answered()
        call.live(heard(ROBERT, final=final))
        call.send(SpeechStart(), Audio(SPEECH))
        call.pass_ms(late_ms)
        call.live(heard(ROBERT, final=final))
        call.send(SpeechEnd())
        call.live(heard(SEE, final=final))
        call.reply()
        call.ack()

        assert [turn.heard for turn in call.remembered] == [ROBERT, SEE]
        assert len(call.all(AmendTurn)) == 1

    def test_the_client_is_shown_that_the_second_one_is_final(self):
        call = started()
        call.utter()
        call.live(heard(ROBERT), heard(ROBERT, final=True), heard(ROBERT, final=True))

        finals = [one.final for one in call.frames(Transcript)]
        assert shown(call, 1) == ROBERT
        assert finals == [False, True]

    def test_words_repeated_in_another_turn_stay(self):
        call = started()
        for _ in range(2):
            call.utter()
            call.live(heard("Yes."))
            call.reply()
            call.ack()

        assert [turn.heard for turn in call.remembered] == ["Yes.", "Yes."]

    def test_words_repeated_in_the_same_turn_stay(self):
        call = started()
        call.utter()
        call.utter()
        call.pass_ms(300)
        call.live(heard("Hello?"))
        call.pass_ms(300)
        call.live(heard("Hello?"))
        call.reply()
        call.ack()

        assert [turn.heard for turn in call.remembered] == ["Hello? Hello?"]

    @pytest.mark.parametrize("late", [" How are you?", "how are you", "How are you\uff1f"])
    def test_a_repeated_transcript_of_the_reply_is_remembered_once(self, late: str):
        call = started()
        call.utter()
        call.live(LiveAudio(SECOND))
        for text in ("Good morning.", "Good morning.", " How are", " How are", " you?"):
            call.live(said(text))
        call.live(IDLE, said(late))
        call.ack()
        call.pass_ms(60_000)

        assert [turn.said for turn in call.remembered] == ["Good morning. How are you?"]
        assert call.finish() is FinishReason.IDLE
        assert len(call.all(CommitTurn)) == 1
