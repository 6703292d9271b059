"""A session whose conversation another session has taken over, or that was erased."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import SkippedInput
from repartee.domain.live.model import LiveAudio
from repartee.domain.protocol.frames import Interrupted, SessionClosed, TurnEnd
from repartee.domain.protocol.messages import (
    Audio,
    Bye,
    Detached,
    Notified,
    SpeechStart,
    Superseded,
    Text,
)
from repartee.domain.session.effects import DeleteInput, FinishReason, OpenLive
from repartee.domain.session.events import ConversationLost, MailboxRead, Started
from repartee.domain.users.preferences import Profile
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import MEMORY, SECOND, SessionHarness, heard, remembering, said, started

pytestmark = pytest.mark.unit


def test_a_superseded_session_does_not_wait_for_a_client_that_cannot_return():
    call = started()
    call.notice(Detached("A"))
    call.notice(Superseded("S2"))

    assert call.finish() is FinishReason.ENDED


def test_a_superseded_session_waits_for_a_client_that_takes_its_frames_slowly():
    call = started(takes_posts=False)
    call.notice(Superseded("S2"))
    assert call.finish() is None
    call.pass_ms(3_000)

    assert call.finish() is FinishReason.ENDED


def test_a_superseded_session_remembers_what_it_has_and_closes():
    call = started()
    call.utter()
    call.reply("Good morning.")
    call.notice(Superseded("S2"), "s1")

    assert call.replies == ["Good morning."]
    assert DeleteInput((), ("s1",)) in call.effects
    assert call.posted[-1].frame == SessionClosed("superseded")
    assert call.finish() is FinishReason.ENDED


def test_a_superseded_session_cuts_its_reply_where_the_user_heard_it_last():
    call = started()
    call.utter()
    call.live(said("One two."), LiveAudio(SECOND))
    call.ack(turn=1, played_ms=500)
    call.notice(Superseded("S2"))
    call.live(LiveAudio(SECOND))

    assert [(turn.said, turn.said_is_approximate) for turn in call.turns] == [("One", True)]
    closing = [Interrupted(1), TurnEnd, SessionClosed("superseded")]
    last = [one.frame for one in call.posted[-3:]]
    assert [last[0], type(last[1]), last[2]] == closing
    assert call.finish() is FinishReason.ENDED


def test_a_superseded_session_records_words_that_wait_behind_a_gap():
    call = started(opens_live=False)
    call.send(Text("One."))
    call.send(Text("Two."), seq=call.next_seq + 1)
    call.notice(Superseded("S2"))

    assert [turn.heard for turn in call.turns] == ["One. Two."]


def test_all_turns_of_a_superseded_session_are_written_however_long_that_takes():
    call = started(takes_commits=False)
    for _ in range(2):
        call.utter()
        call.reply()
    call.notice(Superseded("S2"))
    call.notice(Superseded("S2"))
    call.pass_ms(10_000)
    assert call.finish() is None
    call.take_commit()
    assert call.finish() is None
    call.take_commit()

    assert [turn.number for turn in call.turns] == [1, 2]
    assert call.finish() is FinishReason.ENDED


@pytest.mark.parametrize(("is_erased", "reason"), [(True, "erased"), (False, "superseded")])
def test_a_conversation_that_was_taken_over_or_erased_closes_the_session(is_erased, reason):
    call = started(takes_commits=False)
    for _ in range(2):
        call.utter()
        call.reply()
    call.ack()
    call.feed(ConversationLost(is_erased=is_erased))

    assert len(call.turns) == 1
    assert call.posted[-1].frame == SessionClosed(reason)
    assert call.finish() is FinishReason.ENDED


def test_a_conversation_lost_while_saying_goodbye_is_not_written_to_again():
    call = started(takes_commits=False)
    for _ in range(2):
        call.utter()
        call.reply()
    call.send(Bye())
    call.feed(ConversationLost(is_erased=False))

    assert len(call.turns) == 1
    assert call.finish() is FinishReason.ENDED


def test_a_session_whose_conversation_was_taken_over_opens_no_live_session():
    header = replace(MEMORY.conversation, live_session_id="S2")
    call = SessionHarness(memory=replace(MEMORY, conversation=header))
    call.start()

    assert call.all(OpenLive) == []
    assert call.frames(SessionClosed) == [SessionClosed("superseded")]
    assert call.turns == []
    assert call.finish() is FinishReason.ENDED


def test_a_session_that_lost_its_conversation_records_its_mailbox_as_skipped():
    header = replace(MEMORY.conversation, live_session_id="S2")
    call = SessionHarness(memory=replace(MEMORY, conversation=header))
    unread = (call.numbered(Text("Hello?")), call.numbered(Audio(SPEECH)))
    call.feed(Started(unread=MailboxRead(unread)))

    assert [(turn.heard, turn.skipped) for turn in call.turns] == [
        ("Hello?", (SkippedInput(2, 2),))
    ]
    assert call.machine.cursor == 2
    assert call.finish() is FinishReason.ENDED


def test_a_session_that_was_taken_over_before_its_worker_began_opens_no_live_session():
    call = SessionHarness()
    unread = (call.numbered(Text("Hello?")), Notified("s1", Superseded("S2")))
    call.feed(Started(unread=MailboxRead(unread)))

    assert call.all(OpenLive) == []
    assert [turn.heard for turn in call.turns] == ["Hello?"]
    assert call.finish() is FinishReason.ENDED


def test_a_session_of_an_erased_user_opens_no_live_session():
    call = SessionHarness(memory=remembering(profile=Profile("U", erased_at_ms=5)))
    call.start()

    assert call.all(OpenLive) == []
    assert call.frames(SessionClosed) == [SessionClosed("erased")]
    assert call.finish() is FinishReason.ENDED


def test_input_waiting_behind_a_reply_that_another_device_cuts_off_is_a_separate_turn():
    call = started()
    call.utter()
    call.live(heard("Hello."), LiveAudio(SECOND))
    call.read(call.numbered(SpeechStart()), call.numbered(Audio(SPEECH)))
    call.notice(Superseded("S2"))

    assert [(turn.heard, len(turn.skipped)) for turn in call.turns] == [("Hello.", 0), ("", 1)]
