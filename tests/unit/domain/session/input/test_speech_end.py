"""How the live model finds out that the user has stopped speaking, in both detection modes."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import LiveAudio, LiveInterrupted, LiveToolCall, TurnDetection
from repartee.domain.protocol.frames import ReplyAudio, SessionClosed
from repartee.domain.protocol.messages import Audio, Bye, Hello, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import (
    Effect,
    EndActivity,
    EndAudioStream,
    OpenLive,
    SendAudio,
    SendSilence,
    SendText,
    SetConnection,
    StartActivity,
)
from repartee.domain.session.input.speech_channel import MAX_SILENCE_MS
from repartee.domain.session.upkeep.live_context import MAX_DETECTION_CHANGES
from repartee.domain.session.upkeep.watchdog import NUDGE
from repartee.domain.tools.core_calls import ASK_CORE_AGENT
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import (
    COMPLETE,
    SECOND,
    SETTINGS,
    SPEECH_END,
    STATE,
    SessionHarness,
    heard,
    said,
    started,
)

pytestmark = pytest.mark.unit

CLIENT = replace(SETTINGS, turn_detection=TurnDetection.CLIENT)
LEGACY = replace(SETTINGS, live_model="gemini-3.1-flash-live-preview")


def silence_ms(call: SessionHarness) -> int:
    """How much silence the current Live session was sent."""
    given = call.to_model[call.generation]
    return sum(effect.duration_ms for effect in given if isinstance(effect, SendSilence))


def marking(*, opens_live: bool = True) -> SessionHarness:
    """A call with a client that announces its marks, where the deployment relies on them."""
    call = SessionHarness(settings=CLIENT, opens_live=opens_live)
    call.read(call.numbered(Hello(marks_speech=True)))
    call.start()
    return call


class TestSilenceAfterSpeech:
    def test_a_second_at_once_then_more_in_real_time(self):
        call = started()
        call.utter()
        assert call.to_model[1] == [SendAudio(SPEECH), SendAudio(SPEECH), SPEECH_END]

        call.pass_ms(99)
        assert silence_ms(call) == 1_000
        call.pass_ms(1)
        assert silence_ms(call) == 1_100
        call.pass_ms(1_900)
        assert silence_ms(call) == 3_000

    @pytest.mark.parametrize(
        "sign",
        [
            heard("Hello"),
            said("Good morning"),
            LiveAudio(SECOND),
            LiveToolCall("x", ASK_CORE_AGENT, '{"question":"When?"}'),
        ],
    )
    def test_until_the_model_shows_a_sign(self, sign):
        call = started()
        call.utter()
        call.pass_ms(300)
        call.live(sign)
        call.pass_ms(1_000)
        assert silence_ms(call) == 1_300

    def test_until_the_utterance_counts_as_unheard(self):
        call = started()
        call.utter(SPEECH * 32_000)
        call.pass_ms(MAX_SILENCE_MS)
        assert SendText(NUDGE) in call.to_model[1]
        sent_ms = silence_ms(call)
        call.pass_ms(3_000)
        assert silence_ms(call) == sent_ms < 1_000 + MAX_SILENCE_MS

    def test_a_late_tick_catches_up(self):
        call = started()
        call.utter()
        call.now_ms += 550
        call.pass_ms(0)
        call.send(Audio(SILENCE), seq=call.next_seq + 5)
        assert silence_ms(call) == 1_500

    def test_speech_that_goes_on_ends_it(self):
        call = started()
        call.utter()
        call.pass_ms(200)
        call.send(SpeechStart(), Audio(SPEECH))
        call.pass_ms(500)
        assert silence_ms(call) == 1_200
        assert call.to_model[1][-1] == SendAudio(SPEECH)

    def test_a_microphone_that_stays_on_supplies_its_own(self):
        call = started()
        call.send(*[Audio(SPEECH)] * 3, *[Audio(SILENCE)] * 6)
        assert silence_ms(call) == 0

    def test_the_words_before_a_goodbye_get_it(self):
        call = started()
        call.utter()
        call.send(Bye())
        call.pass_ms(500)
        assert silence_ms(call) == 1_500
        call.reply("It is noon.")
        call.ack()
        assert call.replies == ["It is noon."]

    @pytest.mark.parametrize("begin", [(SpeechStart(),), ()])
    def test_words_that_a_goodbye_cuts_off_get_it(self, begin):
        call = started()
        call.send(*begin, Audio(SPEECH), Bye())
        assert silence_ms(call) == 1_000
        call.reply("It is noon.")
        call.ack()
        assert call.replies == ["It is noon."]

    @pytest.mark.parametrize("model", ["gemini-99-live", "gemini-3.8-live"])
    def test_none_while_the_model_awaits_an_answer_in_silence(self, model):
        tools = tuple(replace(tool, blocking=True) for tool in SETTINGS.tools)
        call = started(settings=replace(SETTINGS, live_model=model, tools=tools))
        call.utter()
        call.call_tool("x")
        call.answer_tool()
        call.utter()
        call.call_tool("y", '{"question":"Where?"}')
        before_ms = silence_ms(call)
        call.pass_ms(1_000)
        assert silence_ms(call) == before_ms

    def test_an_utterance_that_is_replayed_gets_it_too(self):
        call = started()
        call.utter()
        call.lose_live()
        call.pass_ms(200)
        assert call.generation > 1
        assert call.to_model[call.generation][:3] == [
            SendAudio(SPEECH),
            SendAudio(SPEECH),
            SPEECH_END,
        ]
        assert silence_ms(call) > 1_000

    def test_a_reply_that_was_under_way_is_no_sign_for_what_is_said_over_it(self):
        call = started()
        call.utter()
        call.live(LiveAudio(SECOND))
        call.utter()
        call.live(LiveAudio(SECOND))
        before_ms = silence_ms(call)
        call.pass_ms(300)
        assert silence_ms(call) == before_ms + 300

        call.live(LiveInterrupted(), COMPLETE)
        call.pass_ms(300)
        assert silence_ms(call) == before_ms + 600
        call.live(LiveAudio(SECOND))
        call.pass_ms(300)
        assert silence_ms(call) == before_ms + 600

    def test_a_reply_that_begins_while_the_user_still_speaks_is_no_sign_for_the_end(self):
        call = started()
        call.utter()
        call.send(SpeechStart(), Audio(SPEECH))
        call.live(heard("Hello"), LiveAudio(SECOND))
        call.send(SpeechEnd())
        before_ms = silence_ms(call)
        call.pass_ms(300)
        assert silence_ms(call) == before_ms + 300

    def test_speech_that_belongs_to_no_turn_gets_no_more_than_the_first_second(self):
        call = started()
        call.send(Audio(SILENCE))
        call.pass_ms(3_000)
        assert silence_ms(call) == 1_000

    def test_it_is_neither_remembered_nor_part_of_any_input(self):
        call = started()
        call.utter()
        cursor = call.machine.cursor
        call.pass_ms(1_000)
        assert call.machine.cursor == cursor
        call.live(heard("Hello"))
        call.reply()
        call.ack()
        (turn,) = call.turns
        assert (turn.heard, turn.skipped) == ("Hello", ())

    def test_typed_text_needs_none(self):
        call = started()
        call.send(Text("Hello?"))
        call.pass_ms(1_000)
        assert silence_ms(call) == 0

    def test_a_model_that_takes_the_end_of_the_stream_gets_that_instead(self):
        call = started(settings=LEGACY)
        call.utter()
        call.pass_ms(1_000)
        assert call.to_model[1][2:] == [EndAudioStream()]

    @pytest.mark.parametrize(
        "model", ["gemini-2.5-flash-native-audio-preview-12-2025", "gemini-99-live"]
    )
    def test_a_transcript_in_pieces_is_no_sign_that_the_end_was_found(self, model):
        call = started(settings=replace(SETTINGS, live_model=model))
        call.utter()
        call.live(heard("Hel"))
        call.pass_ms(300)
        assert silence_ms(call) == 1_300


class TestMarksOfTheClient:
    def test_the_model_gets_the_start_and_the_end_of_speech_and_nothing_else(self):
        call = marking()
        assert call.all(OpenLive)[0].config.turn_detection is TurnDetection.CLIENT
        call.utter()
        call.pass_ms(1_000)
        assert call.to_model[1] == [
            StartActivity(),
            SendAudio(SPEECH),
            SendAudio(SPEECH),
            EndActivity(),
        ]

    def test_a_client_without_marks_is_served_by_the_models_detector(self):
        call = started(settings=CLIENT)
        assert call.all(OpenLive)[0].config.turn_detection is TurnDetection.SERVER
        call.utter()
        assert call.to_model[1][-1] == SPEECH_END

    def test_marks_change_nothing_where_the_deployment_relies_on_the_models_detector(self):
        call = SessionHarness()
        call.read(call.numbered(Hello(marks_speech=True)))
        call.start()
        assert call.all(OpenLive)[0].config.turn_detection is TurnDetection.SERVER

    def test_the_session_remembers_for_a_later_worker_that_its_client_marks_speech(self):
        assert SetConnection("A", marks_speech=True) in marking().effects

        later = SessionHarness(settings=CLIENT, state=replace(STATE, marks_speech=True, cursor=9))
        later.start()
        assert later.all(OpenLive)[0].config.turn_detection is TurnDetection.CLIENT

    def test_a_second_mark_in_one_utterance_changes_nothing(self):
        call = marking()
        call.send(SpeechStart(), Audio(SPEECH), SpeechStart(), Audio(SPEECH), SpeechEnd())
        given = call.to_model[1]
        assert (given.count(StartActivity()), given.count(EndActivity())) == (1, 1)

    def test_an_end_without_a_begin_is_no_mark_for_the_model(self):
        call = marking()
        call.send(SpeechEnd())
        assert call.to_model[1] == []

    def test_a_mark_before_a_goodbye_reaches_no_model_that_does_not_listen(self):
        call = SessionHarness(settings=CLIENT, opens_live=False)
        call.start()
        call.send(Hello(marks_speech=True), SpeechStart(), SpeechEnd(), Bye())
        assert not call.all(StartActivity)
        assert not call.all(EndActivity)
        assert call.frames(SessionClosed) == [SessionClosed("bye")]

    def test_speech_whose_end_is_never_marked_is_ended_after_the_pause(self):
        call = marking()
        call.send(SpeechStart(), Audio(SPEECH))
        call.pass_ms(4_000)
        assert call.to_model[1][-1] == EndActivity()
        call.send(Audio(SPEECH))
        assert call.to_model[1][-2:] == [StartActivity(), SendAudio(SPEECH)]

    def test_speech_whose_first_mark_is_lost_is_heard(self):
        call = marking()
        call.utter()
        call.reply()
        lost = call.next_seq
        call.send(Audio(SPEECH), seq=lost + 1)
        call.pass_ms(3_000)
        assert call.to_model[1][-2:] == [StartActivity(), SendAudio(SPEECH)]
        call.send(SpeechEnd())
        assert call.to_model[1][-1] == EndActivity()

    def test_a_client_that_marks_nothing_after_all_is_heard_by_the_workers_own_detector(self):
        call = marking()
        call.send(*[Audio(SPEECH)] * 3, *[Audio(SILENCE)] * 6)
        given = call.to_model[1]
        assert given[:3] == [StartActivity(), SendAudio(SPEECH), SendAudio(SPEECH)]
        assert given.count(EndActivity()) == 1

    def test_typed_text_ends_the_speech_before_it(self):
        call = marking(opens_live=False)
        call.send(SpeechStart(), Audio(SPEECH), Text("Hello?"), Audio(SPEECH), SpeechEnd())
        call.open_live()
        before = [StartActivity(), SendAudio(SPEECH), EndActivity(), SendText("Hello?")]
        assert call.to_model[1][:4] == before

    def test_words_that_a_goodbye_cuts_off_are_marked_to_their_end(self):
        call = marking()
        call.send(SpeechStart(), Audio(SPEECH), Bye())
        assert call.to_model[1][-1] == EndActivity()

    def test_an_utterance_is_replayed_with_its_marks(self):
        call = marking()
        call.utter()
        call.lose_live()
        call.pass_ms(200)
        assert call.to_model[call.generation] == call.to_model[1]

    def test_speech_over_a_reply_is_marked_once_it_is_speech(self):
        call = marking()
        call.utter()
        call.live(LiveAudio(SECOND))
        call.send(SpeechStart(), Audio(SILENCE))
        assert call.to_model[1][-1] == EndActivity()
        call.send(Audio(SPEECH))
        assert call.to_model[1][-3:] == [StartActivity(), SendAudio(SILENCE), SendAudio(SPEECH)]

    def test_a_device_of_the_other_kind_gets_a_live_session_of_its_kind(self):
        call = marking()
        call.utter()
        call.reply()
        call.ack()
        call.send(Hello(), connection="B")
        assert [opened.config.turn_detection for opened in call.all(OpenLive)] == [
            TurnDetection.CLIENT,
            TurnDetection.SERVER,
        ]
        call.utter()
        assert call.to_model[call.generation][-1] == SPEECH_END
        assert call.all(SetConnection)[-1] == SetConnection("B", marks_speech=False)

    def test_a_client_that_says_otherwise_with_each_hello_gets_few_live_sessions(self):
        call = marking()
        for number in range(20):
            call.send(Hello(marks_speech=number % 2 == 1))
        assert len(call.all(OpenLive)) <= 2 + MAX_DETECTION_CHANGES
        assert call.all(OpenLive)[-1].config.turn_detection is TurnDetection.SERVER
        call.utter()
        call.reply()
        assert call.frames(ReplyAudio)

    def test_a_turn_under_way_is_answered_by_the_new_live_session(self):
        call = marking()
        call.utter()
        call.live(LiveAudio(SECOND))
        call.send(Hello(), connection="B")
        assert _without_silence(call.to_model[call.generation]) == [SendAudio(SPEECH)] * 2
        call.reply("Here I am.")
        call.ack()
        assert call.replies == ["Here I am."]

    def test_a_device_that_comes_before_a_live_session_changes_nothing_yet(self):
        call = marking()
        call.lose_live()
        call.pass_ms(0)
        call.lose_live()
        opened = len(call.all(OpenLive))
        call.send(Hello(), connection="B")
        assert len(call.all(OpenLive)) == opened
        call.pass_ms(2_000)
        assert call.all(OpenLive)[-1].config.turn_detection is TurnDetection.SERVER


def _without_silence(given: list[Effect]) -> list[Effect]:
    return [effect for effect in given if not isinstance(effect, SendSilence)]
