"""The model greets first, once in a session, unless the user was first."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.cost.limits import DailyLimits, DayUsage
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import (
    LiveAudio,
    LiveInterrupted,
    LiveUsage,
)
from repartee.domain.protocol.frames import (
    Interrupted,
    SessionClosed,
    SessionError,
    TurnEnd,
    TurnRestarted,
)
from repartee.domain.protocol.messages import (
    Audio,
    Bye,
    Detached,
    Hello,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.session.effects import EndGreeting, FinishReason, OpenLive
from repartee.domain.session.events import MailboxRead, Started, TimeRunningOut
from repartee.domain.session.timing import SPEAK_WITHIN_MS, STALL_MS
from repartee.domain.session.upkeep.agent_greeting import HOLD_TEXTS_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from repartee.domain.users.preferences import Profile
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import (
    COMPLETE,
    EPOCH,
    MEMORY,
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    pending,
    remembering,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

WORDS = "Bella Vista, good evening."
GREETS = replace(SETTINGS, greeting=WORDS)
NEW = replace(STATE, connection_id=None)


def new_session(**fields: object) -> SessionHarness:
    """A new session whose worker greets and has not read the hello yet."""
    call = SessionHarness(**{"settings": GREETS, "state": NEW} | fields)  # type: ignore[arg-type]
    call.start()
    return call


def cues(call: SessionHarness) -> list[str]:
    return [text for text in call.texts if WORDS in text]


def errors(call: SessionHarness) -> list[SessionError]:
    return call.frames(SessionError)


# The usual case


def test_the_model_is_asked_to_greet_at_the_hello():
    call = new_session()
    assert not call.texts

    call.hello()

    assert len(cues(call)) == 1
    assert "English (en-US)" in call.texts[0]


def test_the_greeting_is_a_turn_without_input_that_is_paid_and_remembered():
    call = new_session()
    call.hello()
    usage = TokenUsage(1, 2, 3, 4)

    assert not call.all(EndGreeting)
    call.live(*speaks(WORDS))
    assert len(call.all(EndGreeting)) == 1
    call.live(LiveUsage(usage), COMPLETE)
    call.ack()

    (turn,) = call.turns
    assert (turn.number, turn.heard, turn.said) == (1, "", WORDS)
    assert turn.usage == usage
    assert turn.cost_usd > 0


def test_without_a_greeting_the_model_waits_for_the_user():
    call = started(state=NEW)

    call.pass_ms(20_000)

    assert not call.texts
    assert not call.all(EndGreeting)


def test_a_client_that_only_says_hello_costs_one_greeting():
    call = new_session()
    call.hello()
    call.live(*speaks(WORDS), COMPLETE)
    call.ack()
    replied_at_ms = call.now_ms

    assert call.wait_for_end() is FinishReason.IDLE
    assert call.now_ms == replied_at_ms + SETTINGS.linger_ms
    assert len(call.texts) == 1
    assert len(call.turns) == 1


def test_a_worker_that_does_not_linger_stays_for_the_greeting():
    settings = replace(GREETS, linger_ms=0)
    call = SessionHarness(settings=settings, state=NEW, opens_live=False)
    call.feed(Started(unread=MailboxRead((call.numbered(Hello(None)),))))
    call.pass_ms(3_000)
    assert call.finish() is None

    call.open_live()
    call.pass_ms(2_000)
    call.live(*speaks(WORDS), COMPLETE)
    call.ack()

    assert call.finish() is FinishReason.IDLE
    assert call.replies == [WORDS]


def test_a_returning_user_is_welcomed_back_in_the_stored_language():
    profile = Profile("U", language="es-ES")
    memory = remembering(Turn(1, "S0", 0, 1, heard="Hello.", said="Hi."), profile=profile)
    call = new_session(memory=memory)

    call.hello()

    assert "Welcome the user back in Spanish (es-ES)" in call.texts[0]


def test_an_open_question_of_an_earlier_session_is_answered_after_the_greeting():
    call = new_session(state=replace(NEW, pending_calls=(pending(),)))
    call.hello()
    call.answer_tool("At three.")
    assert len(call.texts) == len(cues(call)) == 1

    call.live(*speaks(WORDS), COMPLETE)

    assert "At three." in call.texts[1]


# No client is connected


def test_no_greeting_goes_out_while_the_client_is_gone():
    call = new_session(opens_live=False)
    call.hello()
    call.notice(Detached("A"))

    call.open_live()
    assert not call.texts
    call.hello("B")

    assert len(cues(call)) == 1


@pytest.mark.parametrize("first", [Text("When do you open?"), SpeechStart()])
def test_input_before_the_live_session_is_open_drops_the_greeting(first):
    call = new_session(opens_live=False)
    call.hello()
    call.send(first)

    call.open_live()
    call.pass_ms(5_000)

    assert not cues(call)
    assert len(call.all(EndGreeting)) == 1


def test_bye_right_after_the_cue_ends_the_session_without_a_greeting():
    call = new_session()
    call.hello()
    call.send(Bye())
    call.live(*speaks(WORDS), COMPLETE)
    call.ack()

    assert call.finish() is FinishReason.ENDED
    assert not call.turns
    assert [frame.reason for frame in call.frames(SessionClosed)] == ["bye"]


# The user is first


@pytest.mark.parametrize(("second", "is_greeted"), [(SPEECH, False), (SILENCE, True)])
def test_speech_in_a_stream_without_marks_drops_the_greeting(second, is_greeted):
    call = new_session(opens_live=False)
    call.hello()
    call.send(Audio(SILENCE), Audio(second), Audio(second))

    call.open_live()

    assert len(cues(call)) == is_greeted
    assert bool(call.all(EndGreeting)) is not is_greeted


def test_the_cue_waits_for_missing_messages_that_may_hold_speech():
    call = new_session(opens_live=False)
    call.hello()
    call.read(call.numbered(Audio(SILENCE), seq=call.next_seq + 1))
    call.open_live()
    assert not call.texts

    call.read(call.numbered(Text("Hello?"), seq=call.next_seq - 2))

    assert call.texts == ["Hello?"]


def test_speech_before_the_first_word_is_a_turn_of_its_own():
    call = new_session()
    call.hello()
    call.send(SpeechStart(), Audio(SPEECH))

    call.live(LiveAudio(SECOND), said(WORDS), LiveInterrupted(), COMPLETE)
    call.send(SpeechEnd())
    call.live(*speaks("We open at nine."), COMPLETE)
    call.ack()

    assert [turn.said for turn in call.turns][-1] == "We open at nine."
    assert NUDGE not in call.texts
    assert len(cues(call)) == 1


def test_speech_during_the_greeting_cuts_it_to_the_part_that_was_heard():
    call = new_session()
    call.hello()
    call.live(LiveAudio(SECOND), said("Bella Vista, good evening."))
    call.ack(turn=1, played_ms=480)
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)
    call.ack(turn=1, played_ms=480)

    (turn,) = call.turns
    assert (turn.said, turn.said_is_approximate) == ("Bella Vista,", True)
    assert [frame.turn for frame in call.frames(Interrupted)] == [1]


def test_a_text_waits_until_the_model_begins_the_greeting():
    call = new_session()
    call.hello()
    call.send(Text("When do you open?"))
    assert call.texts == cues(call)

    call.live(LiveAudio(SECOND), said(WORDS))
    assert call.texts[1:] == ["When do you open?"]
    call.live(LiveInterrupted(), COMPLETE, *speaks("At nine."), COMPLETE)
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns][1:] == [
        ("When do you open?", "At nine.")
    ]
    assert call.turns[0].heard == ""


def test_a_text_does_not_wait_long_for_a_silent_model():
    call = new_session()
    call.hello()
    call.send(Text("When do you open?"))

    call.pass_ms(HOLD_TEXTS_MS)

    assert call.texts[1:] == ["When do you open?"]
    call.reply("At nine.")
    call.ack()
    assert [(turn.heard, turn.said) for turn in call.turns] == [("When do you open?", "At nine.")]


# The model


def test_a_silent_model_is_not_asked_again_and_the_user_gets_no_error():
    call = new_session()
    call.hello()

    call.pass_ms(SPEAK_WITHIN_MS)

    assert len(call.all(EndGreeting)) == 1
    call.utter()
    call.reply("At nine.")
    call.pass_ms(20_000)
    assert len(cues(call)) == 1
    assert not errors(call)


def test_a_late_greeting_is_spoken():
    call = new_session()
    call.hello()
    call.pass_ms(SPEAK_WITHIN_MS + 1_000)

    call.live(*speaks(WORDS), COMPLETE)
    call.ack()

    assert call.replies == [WORDS]
    assert len(call.texts) == 1


def test_a_greeting_whose_end_the_model_does_not_report_ends_by_itself():
    call = new_session()
    call.hello()
    call.live(*speaks(WORDS))
    call.ack(turn=1, played_ms=1_000)
    call.pass_ms(STALL_MS)
    assert not call.frames(TurnEnd)

    call.pass_ms(2_000)
    call.utter()
    call.live(*speaks("At nine."), COMPLETE)
    call.ack()

    assert [turn.said for turn in call.turns] == [WORDS, "At nine."]
    assert NUDGE not in call.texts
    assert not errors(call)


def test_the_cue_is_repeated_once_after_an_empty_turn():
    call = new_session()
    call.hello()
    call.live(COMPLETE)
    assert len(cues(call)) == 2

    call.live(COMPLETE)
    call.pass_ms(20_000)

    assert len(cues(call)) == 2
    assert not errors(call)
    assert len(call.all(EndGreeting)) == 1


def test_a_cue_that_is_lost_with_its_live_session_is_sent_once_more():
    call = new_session()
    call.hello()
    call.lose_live()
    assert len(cues(call)) == 2

    call.lose_live()
    call.pass_ms(20_000)

    assert len(cues(call)) == 2
    assert len(call.all(EndGreeting)) == 1


def test_a_lost_cue_is_not_repeated_to_a_user_who_has_spoken_since():
    call = new_session()
    call.hello()
    call.opens_live = False
    call.lose_live()
    call.send(Text("Hello?"))

    call.pass_ms(1_000)
    call.open_live()

    assert call.texts[1:] == ["Hello?"]


def test_no_greeting_is_requested_at_a_used_up_limit():
    limited = replace(GREETS, limits=DailyLimits(cost_usd=Decimal(1)))
    call = SessionHarness(settings=limited, state=NEW)
    hello = MailboxRead((call.numbered(Hello(None)),))

    call.feed(Started(DayUsage(date(2026, 11, 20), cost_usd=Decimal(1)), hello))

    assert not call.all(OpenLive)
    assert not call.texts


def test_an_erased_user_is_not_greeted():
    erased = replace(MEMORY, profile=Profile("U", erased_at_ms=1))
    call = new_session(memory=erased)
    call.hello()

    assert not call.texts
    assert not call.all(EndGreeting)


# Once in a session


def test_a_second_hello_of_the_same_or_another_device_is_not_greeted():
    call = new_session()
    call.hello()
    call.live(*speaks(WORDS), COMPLETE)

    call.hello("A", received=0)
    call.notice(Detached("A"))
    call.hello("B", received=2)
    call.hello("C")
    call.pass_ms(5_000)

    assert len(cues(call)) == 1


@pytest.mark.parametrize("is_takeover", [True, False])
def test_a_later_worker_does_not_greet_again(is_takeover):
    greeted = replace(STATE, is_greeting_over=True, cursor=1)
    call = new_session(state=greeted, is_takeover=is_takeover)
    call.hello("B", received=2)
    call.pass_ms(5_000)

    assert not call.texts
    assert bool(call.frames(TurnRestarted)) == is_takeover


def test_a_session_with_turns_of_an_older_version_is_not_greeted():
    call = new_session(state=replace(STATE, talk_ms=900, cursor=4))
    call.hello("B", received=2)

    assert not call.texts


def test_the_successor_of_a_worker_that_died_before_the_greeting_greets():
    call = new_session(state=replace(STATE, epoch=EPOCH + 1), is_takeover=True)

    assert len(cues(call)) == 1


def test_a_hand_over_before_the_greeting_leaves_it_to_the_successor():
    call = new_session(opens_live=False)
    call.hello()

    call.feed(TimeRunningOut(90_000))

    assert call.finish() is FinishReason.HAND_OVER
    assert not call.all(EndGreeting)
