"""Drives one session machine by hand, as the shell, the client, the model and time would."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from repartee.domain.conversation.conversation import Conversation, Memory, Turn
from repartee.domain.cost.prices import Prices
from repartee.domain.cost.usage import Bill
from repartee.domain.live.model import (
    LiveAudio,
    LiveClosed,
    LiveEvent,
    LiveFailure,
    LiveOpened,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    Role,
    TurnStatus,
)
from repartee.domain.protocol.frames import Frame, NumberedFrame, ReplyAudio, SessionError, TurnEnd
from repartee.domain.protocol.messages import (
    Acknowledged,
    Audio,
    Hello,
    Message,
    Notice,
    Notified,
    Numbered,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
    Unknown,
)
from repartee.domain.session.effects import (
    AmendTurn,
    AskCoreAgent,
    CommitTurn,
    DeleteInput,
    Effect,
    EndActivity,
    EndAudioStream,
    Finish,
    FinishReason,
    OpenLive,
    PostFrame,
    RespondToTool,
    SendAudio,
    SendSilence,
    SendText,
    StartActivity,
)
from repartee.domain.session.events import (
    CoreAnswered,
    Event,
    FramePosted,
    FromLive,
    MailboxRead,
    Started,
    Tick,
    TurnCommitted,
)
from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.memory.allowance import GOODBYE
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease, PendingCall, SessionState
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from repartee.domain.tools.core_calls import ASK_CORE_AGENT, CoreAnswer, ToolCallKey, ToolCallStatus
from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS
from tests.fakes.speech_detector import SPEECH, FakeSpeechDetector

START_MS = 1_000
EPOCH = 3
# A second of a reply, mono 16 bit at 24 kHz.
SECOND = bytes([0, 1]) * 24_000
PRICES = Prices(Decimal(1), Decimal(2), Decimal(3), Decimal(4), "made up for tests")
SETTINGS = SessionSettings(
    live_model="gemini-3.8-live",
    voice="Kore",
    language="en-US",
    linger_ms=30_000,
    grace_ms=30_000,
    zone=ZoneInfo("Europe/London"),
    zone_name="Europe/London",
    prices=PRICES,
)
# What the model is sent at once where speech ends; what follows in real time is shorter.
SPEECH_END = SendSilence(SETTINGS.profile.silence_burst_ms)
STATE = SessionState("S", "U", "C", "A", epoch=EPOCH, owner="me")
# The ends of a turn: gemini-3.8-live gives no status.
COMPLETE = LiveTurnComplete()
IDLE = LiveTurnComplete(TurnStatus.IDLE)
IN_PROGRESS = LiveTurnComplete(TurnStatus.IN_PROGRESS)
MEMORY = Memory(Conversation("U", "C", "", 0, 0, live_session_id="S"), Profile("U"), ())


def heard(text: str, *, final: bool = False) -> LiveTranscript:
    """Return a piece of the user's transcript."""
    return LiveTranscript(Role.USER, text, final)


def said(text: str, *, final: bool = False) -> LiveTranscript:
    """Return a piece of the reply's transcript."""
    return LiveTranscript(Role.MODEL, text, final)


def speaks(text: str, *rest: LiveEvent) -> list[LiveEvent]:
    """Return a second of a reply with its words, and what follows it."""
    return [LiveAudio(SECOND), said(text), *rest]


def remembering(*turns: Turn, profile: Profile | None = None) -> Memory:
    """What a conversation of ``turns`` remembers."""
    header = replace(MEMORY.conversation, turn_count=len(turns))
    return Memory(header, profile or MEMORY.profile, turns)


@dataclass
class SessionHarness:
    """A call in which everything that the test does not do itself goes well.

    It answers for the shell: posts are taken, commits succeed, live sessions open, unless the
    test holds them back. What may never happen in any session fails at once, see ``_check``.

    Attributes:
        effects: All that the machine wanted, in order.
        posted: The frames that were taken, repetitions included.
        to_model: What reached each live session, by its generation.
        commits_taken: How many of the commits have come to their end.
    """

    state: SessionState = STATE
    memory: Memory = MEMORY
    settings: SessionSettings = SETTINGS
    is_takeover: bool = False
    taken_at_ms: int = 0
    takes_posts: bool = True
    takes_commits: bool = True
    opens_live: bool = True
    now_ms: int = START_MS
    next_seq: int = 0
    effects: list[Effect] = field(default_factory=list)
    posted: list[NumberedFrame] = field(default_factory=list)
    to_model: dict[int, list[Effect]] = field(default_factory=dict)
    generation: int = 0
    is_live_open: bool = False
    awaits_live: bool = False
    _numbered: dict[int, Frame] = field(default_factory=dict)
    _commits: int = 0
    commits_taken: int = 0
    _cursor: int = 0
    _cued_at_ms: int | None = None
    _ended: set[int] = field(default_factory=set)
    _open_reply: int | None = None

    def __post_init__(self) -> None:
        self.machine = SessionMachine(
            Lease(self.state, 10**12, self.is_takeover, self.taken_at_ms),
            self.memory,
            self.settings,
            FakeSpeechDetector(),
            unix_offset_ms=NOON_MS,
        )
        self.next_seq = self.next_seq or self.state.cursor + 1
        self._cursor = self.state.cursor

    # Events

    def start(self) -> list[Effect]:
        return self.feed(Started())

    def feed(self, event: Event) -> list[Effect]:
        """Let something happen; return all that follows from it."""
        was_done = self.finish() is not None
        effects = self.machine.handle(event, self.now_ms).in_lane_order
        assert not (was_done and effects), f"{effects} after the end"
        for effect in effects:
            self._check(effect)
        self.effects += effects
        deadline_ms = self.machine.next_deadline_ms()
        assert deadline_ms is None or deadline_ms > self.now_ms, "a deadline that is due forever"
        assert self.machine.cursor >= self._cursor, "the cursor moved back"
        self._cursor = self.machine.cursor
        everything = list(effects)
        for effect in effects:
            everything += self._carry_out(effect)
        return everything

    def _check(self, effect: Effect) -> None:
        match effect:
            case PostFrame(frame=NumberedFrame(epoch=epoch, seq=seq, frame=frame)):
                assert epoch == self.state.epoch
                if seq in self._numbered:
                    let_go = ReplyAudio(frame.turn, b"") if isinstance(frame, ReplyAudio) else None
                    same = frame in (self._numbered[seq], let_go)
                    assert same, "one number, two frames"
                else:
                    assert seq == len(self._numbered) + 1, "a gap in the output's numbers"
                    self._numbered[seq] = frame
                    self._check_reply(frame)
            case AmendTurn(turn=turn):
                last = self.memory.conversation.turn_count + self.commits_taken
                assert turn.number <= last, "a turn is put right before it is written"
            case CommitTurn(turn=turn, cursor=cursor):
                assert self._commits == self.commits_taken, "two commits in flight"
                self._commits += 1
                assert turn.number == self.memory.conversation.turn_count + self._commits
                assert cursor >= self.state.cursor
            case OpenLive(generation=generation):
                assert generation > self.generation
                self.generation = generation
                self.to_model[generation] = []
                self.is_live_open, self.awaits_live = False, True
                self._cued_at_ms = None
            case (
                SendAudio()
                | SendSilence()
                | StartActivity()
                | EndActivity()
                | EndAudioStream()
                | SendText()
                | RespondToTool()
            ):
                assert self.is_live_open, "the model is not open"
                self.to_model[self.generation].append(effect)
                if isinstance(effect, SendText):
                    self._check_text(effect.text)
            case _:
                pass

    def _check_reply(self, frame: Frame) -> None:
        if isinstance(frame, TurnEnd):
            assert frame.turn not in self._ended, "a turn ends twice"
            self._ended.add(frame.turn)
            self._open_reply = None
        elif isinstance(frame, ReplyAudio):
            assert frame.turn not in self._ended, "a reply goes on after its end"
            assert self._open_reply in (None, frame.turn), "two replies at once"
            self._open_reply = frame.turn

    def _check_text(self, text: str) -> None:
        """What no user typed never follows another such text that the model has not taken up."""
        if text.startswith("(") and text not in (GOODBYE, NUDGE):
            cued_at_ms = self._cued_at_ms
            is_free = cued_at_ms is None or self.now_ms >= cued_at_ms + SPEAK_WITHIN_MS
            assert is_free, "one text interrupts another"
            self._cued_at_ms = self.now_ms

    def _carry_out(self, effect: Effect) -> list[Effect]:
        match effect:
            case PostFrame() if self.takes_posts:
                return self.take_post(effect)
            case CommitTurn() if self.takes_commits:
                return self.take_commit()
            case OpenLive() if self.opens_live:
                return self.open_live()
            case _:
                return []

    def take_post(self, post: PostFrame | None = None) -> list[Effect]:
        """API Gateway takes the frame that is in flight."""
        post = post or self.all(PostFrame)[-1]
        self.posted.append(post.frame)
        return self.feed(FramePosted(post.connection_id, post.frame.seq))

    def take_commit(self) -> list[Effect]:
        """The turn that is being written is in memory."""
        self.commits_taken += 1
        return self.feed(TurnCommitted())

    def open_live(self) -> list[Effect]:
        """The live session that was asked for is set up."""
        self.is_live_open, self.awaits_live = True, False
        return self.live(LiveOpened())

    @property
    def speech_ends(self) -> list[Effect]:
        """Where the model was given the end of the user's speech."""
        return [effect for effect in self.effects if effect == SPEECH_END]

    # Time

    def pass_ms(self, duration_ms: int) -> list[Effect]:
        """Let time pass, with a tick at each deadline on the way."""
        end_ms = self.now_ms + duration_ms
        everything: list[Effect] = []
        while (at_ms := self.machine.next_deadline_ms()) is not None and at_ms <= end_ms:
            self.now_ms = at_ms
            everything += self.feed(Tick())
        self.now_ms = end_ms
        return everything

    def wait_for_end(self, limit_ms: int = 600_000) -> FinishReason | None:
        """Let time pass until the machine is done or waits for no deadline any more."""
        end_ms = self.now_ms + limit_ms
        while self.finish() is None and (at_ms := self.machine.next_deadline_ms()) is not None:
            if at_ms > end_ms:
                break
            self.now_ms = at_ms
            self.feed(Tick())
        return self.finish()

    # The client

    def read(self, *entries: Numbered | Notified) -> list[Effect]:
        return self.feed(MailboxRead(entries))

    def numbered(
        self, message: Message | Unknown, seq: int | None = None, connection: str = "A"
    ) -> Numbered:
        """Number a message as the client's next, unless ``seq`` says otherwise."""
        if seq is None:
            seq = self.next_seq
        self.next_seq = max(self.next_seq, seq + 1)
        return Numbered(seq, message, connection, NOON_MS + self.now_ms)

    def send(
        self, *messages: Message | Unknown, seq: int | None = None, connection: str = "A"
    ) -> list[Effect]:
        """The client sends messages, each in a mailbox read of its own."""
        everything: list[Effect] = []
        for message in messages:
            everything += self.read(self.numbered(message, seq, connection))
        return everything

    def hello(
        self, connection: str = "A", received: int | None = None, epoch: int = EPOCH
    ) -> list[Effect]:
        position = None if received is None else OutputPosition(epoch, received)
        return self.send(Hello(position), connection=connection)

    def utter(self, pcm: bytes = SPEECH, chunks: int = 2) -> list[Effect]:
        """The user says something, marked by the client."""
        return self.send(SpeechStart(), *[Audio(pcm)] * chunks, SpeechEnd())

    def notice(self, notice: Notice | Unknown, notice_id: str = "n") -> list[Effect]:
        return self.read(Notified(notice_id, notice))

    def ack(
        self, through: int | None = None, turn: int = 0, played_ms: int | None = 0
    ) -> list[Effect]:
        """The client acknowledges, by default all that was posted."""
        received = OutputPosition(self.state.epoch, len(self._numbered))
        if through is not None:
            received = replace(received, seq=through)
        return self.notice(Acknowledged(received, turn, played_ms))

    # The model

    def live(self, *events: LiveEvent) -> list[Effect]:
        """The current live session says something."""
        everything: list[Effect] = []
        for event in events:
            if isinstance(event, LiveAudio | LiveTranscript | LiveTurnComplete):
                self._cued_at_ms = None
            everything += self.feed(FromLive(self.generation, event))
        return everything

    def reply(self, text: str = "Good morning.", pcm: bytes = SECOND[:960]) -> list[Effect]:
        """The model answers, and its turn ends."""
        return self.live(LiveAudio(pcm), said(text), IDLE)

    def lose_live(
        self, failure: LiveFailure = LiveFailure.DROPPED, code: int = 1006
    ) -> list[Effect]:
        self.is_live_open = self.awaits_live = False
        return self.live(LiveClosed(failure, code, ""))

    def call_tool(
        self,
        call_id: str = "x",
        arguments: str = '{"question":"When?"}',
        name: str = ASK_CORE_AGENT,
    ) -> list[Effect]:
        return self.live(LiveToolCall(call_id, name, arguments))

    def answer_tool(
        self,
        answer: str = "At three.",
        turn: int = 1,
        index: int = 1,
        bill: Bill | None = None,
        status: ToolCallStatus = ToolCallStatus.DONE,
    ) -> list[Effect]:
        """core_agent answers the newest question of that place."""
        done = CoreAnswer(status, answer, bill=bill or Bill())
        key = ToolCallKey(turn, index)
        asked = next((one for one in reversed(self.asked) if one.key == key), None)
        return self.feed(CoreAnswered(key, asked.arguments_hash if asked else "", done))

    def answer_late(self, asked: AskCoreAgent, answer: str) -> list[Effect]:
        """core_agent answers a question that may not be the newest of its place."""
        done = CoreAnswer(ToolCallStatus.DONE, answer)
        return self.feed(CoreAnswered(asked.key, asked.arguments_hash, done))

    # What came of it

    def finish(self) -> FinishReason | None:
        """Return why the machine is done, None while it is not."""
        last = self.effects[-1] if self.effects else None
        return last.reason if isinstance(last, Finish) else None

    def all[E: Effect](self, kind: type[E]) -> list[E]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def frames[F: Frame](self, kind: type[F]) -> list[F]:
        return [one.frame for one in self.posted if isinstance(one.frame, kind)]

    @property
    def turns(self) -> list[Turn]:
        """The turns that were committed, or are being."""
        return [commit.turn for commit in self.all(CommitTurn)]

    @property
    def remembered(self) -> list[Turn]:
        """The turns as memory has them in the end: those that were put right later, too."""
        turns = {turn.number: turn for turn in self.turns}
        turns |= {one.turn.number: one.turn for one in self.all(AmendTurn)}
        return list(turns.values())

    @property
    def replies(self) -> list[str]:
        """The reply's transcript of each turn that was committed."""
        return [turn.said for turn in self.turns]

    @property
    def exchanges(self) -> list[tuple[str, str]]:
        """The transcripts of the remembered turns: the user's and the reply's."""
        return [(turn.heard, turn.said) for turn in self.remembered]

    @property
    def ended_turns(self) -> list[int]:
        """The numbers of the turns whose end the client was sent."""
        return [frame.turn for frame in self.frames(TurnEnd)]

    @property
    def error_messages(self) -> list[str]:
        """The texts of the errors that the client was sent."""
        return [frame.message for frame in self.frames(SessionError)]

    @property
    def texts(self) -> list[str]:
        """The texts that the model was sent, in all live sessions."""
        return [effect.text for effect in self.all(SendText)]

    @property
    def asked(self) -> list[AskCoreAgent]:
        return self.all(AskCoreAgent)

    @property
    def responses(self) -> list[tuple[str, str]]:
        """Each answered call id with its status."""
        return [(one.response.call_id, one.response.status) for one in self.all(RespondToTool)]

    @property
    def deleted(self) -> list[int]:
        return [seq for one in self.all(DeleteInput) for seq in one.seqs]

    def pcm_posted(self, turn: int) -> bytes:
        """The reply's audio as the client got it."""
        return b"".join(frame.pcm for frame in self.frames(ReplyAudio) if frame.turn == turn)


def of_kind[E: Effect](effects: Iterable[Effect], *kinds: type[E]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kinds)]


def started(**fields: object) -> SessionHarness:
    """A call whose worker has started and whose client has said hello."""
    call = SessionHarness(**fields)  # type: ignore[arg-type]
    call.start()
    call.hello()
    return call


def pending(turn: int = 1, index: int = 1, question: str = "When?") -> PendingCall:
    arguments = f'{{"question":"{question}"}}'
    return PendingCall(ToolCallKey(turn, index), ASK_CORE_AGENT, arguments, "")
