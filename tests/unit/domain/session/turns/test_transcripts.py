"""Which turn a transcript belongs to when it comes late, twice, or both."""

import pytest

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import LiveAudio, LiveEvent, LiveGoAway, LiveInterrupted, LiveUsage
from repartee.domain.protocol.frames import TurnEnd
from repartee.domain.protocol.messages import Audio, Bye, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import AmendTurn, FinishReason, OpenLive
from repartee.domain.session.events import ConversationLost, FromLive, SummaryRead, TimeRunningOut
from repartee.domain.session.timing import HAND_OVER_MS
from repartee.domain.session.turns.transcripts import CONTINUES_WITHIN_MS, LATE_MS
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import COMPLETE, SECOND, SETTINGS, heard, said, speaks, started
from tests.unit.domain.session.turns.transcribed_calls import ROBERT, SEE, answered, shown

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("nothing", ["\u200b", " \u200d\ufe0f ", "\u2060", "\u3164"])
def test_a_transcript_in_which_nothing_can_be_seen_is_not_remembered(nothing: str):
    call = started()
    call.utter()
    call.live(heard(nothing), *speaks(nothing, COMPLETE))
    call.ack()

    assert call.exchanges == [("", "")]


class TestLate:
    @pytest.mark.parametrize("late_ms", [50, 500, 1_500, 20_000])
    @pytest.mark.parametrize("final", [False, True])
    def test_it_is_put_into_the_turn_that_is_in_memory_already(self, late_ms: int, final: bool):
        call = answered()
        call.pass_ms(late_ms)
        call.live(heard(ROBERT, final=final))
        call.utter()
        call.live(heard(SEE, final=final))
        call.reply("Of course.")
        call.ack()

        assert [turn.heard for turn in call.turns] == ["", SEE]
        assert call.exchanges == [(ROBERT, "Good morning."), (SEE, "Of course.")]
        assert [shown(call, 1), shown(call, 2)] == [ROBERT, SEE]
        assert len(call.frames(TurnEnd)) == 2

    def test_the_next_live_session_gets_what_came_late(self):
        call = answered()
        call.live(heard(ROBERT))
        call.lose_live()

        history = call.effects[-1].config.history  # type: ignore[union-attr]
        assert [one.text for one in history] == [ROBERT, "Good morning."]

    @pytest.mark.parametrize("why", [LiveUsage(TokenUsage(audio_in=20_000)), LiveGoAway(60_000)])
    def test_a_live_session_is_not_left_in_a_pause_while_it_still_owes_the_words(
        self, why: LiveEvent
    ):
        call = started()
        call.utter()
        call.live(why)
        call.reply("Good morning.")
        call.ack()
        call.pass_ms(LATE_MS - 1)
        assert len(call.all(OpenLive)) == 1

        call.live(heard(ROBERT))

        _, fresh = call.all(OpenLive)
        assert [one.text for one in fresh.config.history] == [ROBERT, "Good morning."]
        assert call.exchanges == [(ROBERT, "Good morning.")]

    @pytest.mark.parametrize("why", [LiveUsage(TokenUsage(audio_in=20_000)), LiveGoAway(60_000)])
    def test_words_that_never_come_do_not_keep_a_live_session(self, why: LiveEvent):
        call = started()
        call.utter()
        call.live(why)
        call.reply()
        call.ack()
        call.pass_ms(LATE_MS)

        assert len(call.all(OpenLive)) == 2

    def test_a_turn_is_amended_once_its_commit_has_ended(self):
        call = started(takes_commits=False)
        call.utter()
        call.reply()
        call.ack()
        call.live(heard("hello my "), heard("name"))
        assert call.all(AmendTurn) == []

        call.take_commit()

        assert [one.turn.heard for one in call.all(AmendTurn)] == ["hello my name"]

    def test_it_goes_to_the_older_of_two_turns_that_lack_theirs(self):
        call = started(takes_commits=False)
        call.utter()
        call.reply()
        call.ack()
        call.utter()
        call.reply("Of course.")
        call.live(heard(ROBERT), heard(SEE))
        call.take_commit()
        call.ack()
        call.take_commit()

        assert [turn.heard for turn in call.remembered] == [ROBERT, SEE]

    def test_it_goes_to_the_turn_before_while_the_user_is_still_speaking(self):
        call = answered()
        call.pass_ms(LATE_MS + 5_000)
        call.send(SpeechStart(), Audio(SPEECH))
        call.live(heard(ROBERT))
        call.send(Audio(SPEECH), SpeechEnd())
        call.live(heard(SEE))
        call.reply()
        call.ack()

        assert [turn.heard for turn in call.remembered] == [ROBERT, SEE]

    @pytest.mark.parametrize("late_ms", [50, CONTINUES_WITHIN_MS])
    def test_a_piece_continues_its_transcript(self, late_ms: int):
        call = started()
        call.utter()
        call.live(heard("hello my name is"))
        call.reply()
        call.ack()
        call.pass_ms(late_ms)
        call.live(heard(" robert"))
        call.utter()
        call.live(heard(SEE))
        call.reply()
        call.ack()

        assert [turn.heard for turn in call.remembered] == [ROBERT, SEE]

    @pytest.mark.parametrize("final", [False, True])
    def test_a_transcript_that_comes_while_the_user_speaks_on_belongs_to_that_speech(
        self, final: bool
    ):
        call = started()
        call.utter()
        call.live(heard(ROBERT, final=final))
        call.reply()
        call.ack()
        call.send(SpeechStart(), Audio(SPEECH))
        call.live(heard("i'd like", final=final))
        call.send(Audio(SPEECH), SpeechEnd())
        call.live(heard(" to see the doctor", final=final))
        call.reply()
        call.ack()

        assert [turn.heard for turn in call.remembered] == [ROBERT, SEE]

    def test_it_is_awaited_for_a_limited_time(self):
        call = answered()
        call.pass_ms(LATE_MS + 1)
        call.utter()
        call.live(heard(SEE))
        call.reply()
        call.ack()

        assert [turn.heard for turn in call.remembered] == ["", SEE]

    def test_the_late_transcript_of_an_interrupted_turn_comes_first(self):
        call = started()
        call.utter()
        call.live(*speaks("One two three."))
        call.send(SpeechStart(), Audio(SPEECH))
        call.live(LiveInterrupted(), COMPLETE)
        call.ack()
        call.live(heard(ROBERT))
        call.send(SpeechEnd())
        call.live(heard(SEE))
        call.reply("Of course.")
        call.ack()

        assert [turn.heard for turn in call.remembered] == [ROBERT, SEE]

    def test_text_typed_after_the_speech_awaits_no_transcript(self):
        call = answered()
        call.send(Text("And when?"))
        call.live(heard(ROBERT))
        call.reply("At nine.")
        call.ack()

        assert call.exchanges == [(ROBERT, "Good morning."), ("And when?", "At nine.")]

    def test_two_utterances_of_one_turn_are_not_glued_together(self):
        call = started()
        call.utter()
        call.utter()
        call.reply()
        call.pass_ms(300)
        call.live(heard(ROBERT))
        call.pass_ms(300)
        call.live(heard(SEE))
        call.ack()

        assert [turn.heard for turn in call.remembered] == [f"{ROBERT} {SEE}"]


class TestNobodyWaits:
    def test_it_begins_no_turn(self):
        call = answered()
        call.live(heard(ROBERT), heard("Psst", final=True))
        call.pass_ms(LATE_MS)

        assert not call.machine.is_answering
        assert len(call.frames(TurnEnd)) == 1

    def test_it_does_not_keep_a_worker(self):
        call = answered()
        call.pass_ms(SETTINGS.linger_ms - 1)
        call.live(heard(ROBERT))
        call.pass_ms(1)

        assert call.finish() is FinishReason.IDLE
        assert [turn.heard for turn in call.remembered] == [ROBERT]

    def test_it_delays_no_hand_over(self):
        call = answered()
        call.live(heard(ROBERT))
        call.feed(TimeRunningOut(HAND_OVER_MS))

        assert call.finish() is FinishReason.HAND_OVER
        assert [turn.heard for turn in call.remembered] == [ROBERT]

    def test_it_does_not_delay_the_end_of_a_call_without_a_farewell(self):
        ends = []
        for late in ([], [heard(ROBERT)]):
            call = answered()
            call.utter()
            call.send(Bye())
            call.pass_ms(1_000)
            call.live(*late)
            call.wait_for_end()
            ends.append((call.now_ms, call.finish()))

        assert ends[0] == ends[1]

    def test_the_transcript_of_last_words_is_remembered_while_the_session_closes(self):
        call = started(takes_commits=False)
        call.utter()
        call.reply()
        call.send(Bye())
        call.live(heard(ROBERT))
        call.take_commit()

        assert [turn.heard for turn in call.remembered] == [ROBERT]
        assert call.finish() is FinishReason.ENDED

    def test_a_turn_of_a_lost_conversation_is_not_amended(self):
        call = answered()
        call.takes_posts = False
        call.feed(ConversationLost(is_erased=True))
        call.live(heard(ROBERT))

        assert call.finish() is None
        assert call.all(AmendTurn) == []

    def test_a_turn_in_a_summary_is_amended_and_stays_out_of_the_history(self):
        call = answered()
        call.feed(SummaryRead("They greeted.", 1))
        call.live(heard(ROBERT))
        call.lose_live()

        assert [one.turn.heard for one in call.all(AmendTurn)] == [ROBERT]
        assert call.effects[-1].config.history == ()  # type: ignore[union-attr]


class TestUnnoticedSpeech:
    def test_its_words_are_those_of_the_turn_that_answers_them(self):
        call = started()
        call.live(heard("Psst"))
        assert not call.machine.is_answering
        call.reply("Yes?")
        call.ack()

        assert call.exchanges == [("Psst", "Yes?")]
        assert shown(call, 1) == "Psst"

    def test_its_words_are_not_those_of_the_turn_before(self):
        call = started()
        call.utter()
        call.live(heard(ROBERT, final=True))
        call.reply("Good morning.")
        call.ack()
        call.pass_ms(5_000)
        call.live(heard("Psst", final=True))
        call.reply("Yes?")
        call.ack()

        assert call.exchanges == [(ROBERT, "Good morning."), ("Psst", "Yes?")]

    def test_its_words_are_forgotten_where_no_answer_comes(self):
        call = started()
        call.live(heard("Psst"))
        call.pass_ms(LATE_MS + 1)
        call.reply("Welcome.")
        call.ack()

        assert call.exchanges == [("", "Welcome.")]


class TestOtherLiveSession:
    def test_the_last_words_of_the_one_before_are_those_of_a_turn_that_is_over(self):
        call = answered()
        before = call.generation
        call.lose_live()
        call.feed(FromLive(before, heard(ROBERT)))

        assert [turn.heard for turn in call.remembered] == [ROBERT]

    def test_the_last_words_of_the_one_before_do_not_join_a_restarted_turn(self):
        call = started()
        call.utter()
        call.live(LiveAudio(SECOND))
        before = call.generation
        call.lose_live()
        call.feed(FromLive(before, heard(ROBERT)))
        call.live(heard(ROBERT))
        call.reply("Good morning.")
        call.feed(FromLive(before, heard(ROBERT)))
        call.feed(FromLive(before, said("Good")))
        call.ack()

        assert call.exchanges == [(ROBERT, "Good morning.")]

    @pytest.mark.parametrize("is_over", [False, True])
    def test_the_next_one_transcribes_speech_that_continued_after_a_reply(self, is_over: bool):
        call = started()
        call.send(SpeechStart(), Audio(SPEECH))
        call.live(heard(ROBERT))
        call.reply("Good morning.")
        call.ack()
        call.send(Audio(SPEECH), *([SpeechEnd()] if is_over else []))
        call.live(heard(SEE))
        call.lose_live()
        call.send(*([] if is_over else [SpeechEnd()]))
        call.live(heard(SEE))
        call.reply("Of course.")
        call.ack()

        assert call.exchanges == [(ROBERT, "Good morning."), (SEE, "Of course.")]

    def test_another_one_transcribes_nothing_that_was_said_before_it(self):
        call = answered()
        call.lose_live()
        call.utter()
        call.live(heard(SEE))
        call.reply()
        call.ack()

        assert [turn.heard for turn in call.remembered] == ["", SEE]
