"""Rules that no session may break. The session harness checks them at every event."""

from repartee.domain.protocol.frames import Frame, NumberedFrame, ReplyAudio, TurnEnd
from repartee.domain.session.effects import (
    AmendTurn,
    CommitTurn,
    Effect,
    EndActivity,
    EndAudioStream,
    OpenLive,
    PostFrame,
    RespondToTool,
    SendAudio,
    SendSilence,
    SendText,
    StartActivity,
)
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.memory.daily_allowance import SAY_GOODBYE
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from tests.personas import PHRASES

type ToModel = (
    SendAudio
    | SendSilence
    | StartActivity
    | EndActivity
    | EndAudioStream
    | SendText
    | RespondToTool
)


class SessionInvariants:
    """Follows the effects of one worker and fails where one breaks a rule.

    Attributes:
        frames: The frames that were posted, by their number.
        commits_taken: How many commits have succeeded.
        generation: The Live session that was opened last.
        is_live_open: Whether that Live session is set up.
    """

    def __init__(self, epoch: int, cursor: int, turn_count: int) -> None:
        """Start with a lease's epoch and cursor, and the turns that are in memory."""
        self._epoch = epoch
        self._first_cursor = self._cursor = cursor
        self._turn_count = turn_count
        self.frames: dict[int, Frame] = {}
        self.commits_taken = 0
        self.generation = 0
        self.is_live_open = False
        self._commits = 0
        self._cued_at_ms: int | None = None
        self._ended: set[int] = set()
        self._open_reply: int | None = None

    def check_machine(self, machine: SessionMachine, now_ms: int) -> None:
        deadline_ms = machine.next_deadline_ms()
        assert deadline_ms is None or deadline_ms > now_ms, "a deadline that is always due"
        assert machine.cursor >= self._cursor, "the cursor moved back"
        self._cursor = machine.cursor

    def check(self, effect: Effect, now_ms: int) -> None:
        match effect:
            case PostFrame(frame=numbered):
                self._check_frame(numbered)
            case AmendTurn(turn=turn):
                last = self._turn_count + self.commits_taken
                assert turn.number <= last, "a turn is amended before it is written"
            case CommitTurn(turn=turn, cursor=cursor):
                assert self._commits == self.commits_taken, "two commits in flight"
                self._commits += 1
                assert turn.number == self._turn_count + self._commits
                assert cursor >= self._first_cursor
            case OpenLive(generation=generation):
                assert generation > self.generation
                self.generation = generation
                self.is_live_open = False
                self._cued_at_ms = None
            case SendText(text=text):
                assert self.is_live_open, "the model is not open"
                self._check_text(text, now_ms)
            case _ if isinstance(effect, ToModel.__value__):
                assert self.is_live_open, "the model is not open"
            case _:
                pass

    def note_reply(self) -> None:
        """The model has taken up the last text: it speaks, or its turn is complete."""
        self._cued_at_ms = None

    def _check_frame(self, numbered: NumberedFrame) -> None:
        frame = numbered.frame
        assert numbered.epoch == self._epoch
        if numbered.seq in self.frames:
            released = ReplyAudio(frame.turn, b"") if isinstance(frame, ReplyAudio) else None
            assert frame in (self.frames[numbered.seq], released), "one number, two frames"
            return
        assert numbered.seq == len(self.frames) + 1, "a gap in the output's numbers"
        self.frames[numbered.seq] = frame
        if isinstance(frame, TurnEnd):
            assert frame.turn not in self._ended, "a turn ends twice"
            self._ended.add(frame.turn)
            self._open_reply = None
        elif isinstance(frame, ReplyAudio):
            assert frame.turn not in self._ended, "a reply continues after its end"
            assert self._open_reply in (None, frame.turn), "two replies at once"
            self._open_reply = frame.turn

    def _check_text(self, text: str, now_ms: int) -> None:
        """A cue does not interrupt another cue that the model has not taken up."""
        if text.startswith("(") and text not in (SAY_GOODBYE.format(PHRASES.goodbye), NUDGE):
            cued_at_ms = self._cued_at_ms
            is_free = cued_at_ms is None or now_ms >= cued_at_ms + SPEAK_WITHIN_MS
            assert is_free, "one text interrupts another"
            self._cued_at_ms = now_ms
