"""Drives one session machine by hand, in place of the shell, the client, the model and time."""

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
    LiveText,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    Role,
    TurnStatus,
)
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
    AskCoreAgent,
    CommitTurn,
    Effect,
    FinishReason,
    OpenLive,
    PostFrame,
    SendSilence,
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
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease, PendingCall, SessionState
from repartee.domain.tools.core_calls import ASK_CORE_AGENT, CoreAnswer, ToolCallKey, ToolCallStatus
from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS
from tests.fakes.speech_detector import SPEECH, FakeSpeechDetector
from tests.personas import LIVE_PERSONA, TOOLS
from tests.session_invariants import SessionInvariants, ToModel
from tests.session_record import SessionRecord

START_MS = 1_000
EPOCH = 3
# A second of a reply, mono 16 bit at 24 kHz.
SECOND = bytes([0, 1]) * 24_000
PRICES = Prices(Decimal(1), Decimal(2), Decimal(3), Decimal(4), "made up for tests")
SETTINGS = SessionSettings(
    live_model="gemini-3.8-live",
    voice="Kore",
    language="en-US",
    persona=LIVE_PERSONA,
    tools=TOOLS,
    linger_ms=30_000,
    grace_ms=30_000,
    zone=ZoneInfo("Europe/London"),
    zone_name="Europe/London",
    prices=PRICES,
)
# The silence that the model gets at once at the end of speech. Later pieces are shorter.
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
    """Return a second of a reply with its words and the events that follow it."""
    return [LiveAudio(SECOND), said(text), *rest]


def remembering(*turns: Turn, profile: Profile | None = None) -> Memory:
    """Return the memory of a conversation of ``turns``."""
    header = replace(MEMORY.conversation, turn_count=len(turns))
    return Memory(header, profile or MEMORY.profile, turns)


@dataclass
class SessionHarness(SessionRecord):
    """A call in which everything goes well, except for the events of the test.

    It stands in for the shell: posts are taken, commits succeed and Live sessions open, unless
    the test holds them back. A broken rule of ``SessionInvariants`` fails the test at once.

    Attributes:
        to_model: The effects that reached each Live session, by its generation.
        awaits_live: Whether a Live session was asked for and is not open yet.
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
    to_model: dict[int, list[Effect]] = field(default_factory=dict)
    awaits_live: bool = False

    def __post_init__(self) -> None:
        self.machine = SessionMachine(
            Lease(self.state, 10**12, self.is_takeover, self.taken_at_ms),
            self.memory,
            self.settings,
            FakeSpeechDetector(),
            unix_offset_ms=NOON_MS,
        )
        self.next_seq = self.next_seq or self.state.cursor + 1
        self._invariants = SessionInvariants(
            self.state.epoch, self.state.cursor, self.memory.conversation.turn_count
        )

    @property
    def generation(self) -> int:
        """The Live session that was opened last."""
        return self._invariants.generation

    @property
    def is_committing(self) -> bool:
        """Whether a commit is in flight."""
        return len(self.turns) > self._invariants.commits_taken

    @property
    def is_live_open(self) -> bool:
        """Whether that Live session is set up."""
        return self._invariants.is_live_open

    # Events

    def start(self) -> list[Effect]:
        return self.feed(Started())

    def feed(self, event: Event) -> list[Effect]:
        """Handle an event; return its effects and those of the shell's answers to them."""
        was_done = self.finish() is not None
        effects = self.machine.handle(event, self.now_ms).in_lane_order
        assert not (was_done and effects), f"{effects} after the end"
        for effect in effects:
            self._invariants.check(effect, self.now_ms)
            if isinstance(effect, OpenLive):
                self.to_model[effect.generation] = []
                self.awaits_live = True
            elif isinstance(effect, ToModel.__value__):
                self.to_model[self.generation].append(effect)
        self.effects += effects
        self._invariants.check_machine(self.machine, self.now_ms)
        everything = list(effects)
        for effect in effects:
            everything += self._carry_out(effect)
        return everything

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
        """The commit in flight succeeds."""
        return self.end_commit(TurnCommitted())

    def end_commit(self, event: Event) -> list[Effect]:
        """The commit in flight ends, with success or not."""
        self._invariants.commits_taken += 1
        return self.feed(event)

    def open_live(self) -> list[Effect]:
        """The requested Live session is set up."""
        self._invariants.is_live_open, self.awaits_live = True, False
        return self.live(LiveOpened())

    @property
    def speech_ends(self) -> list[Effect]:
        """The effects that gave the model the end of the user's speech."""
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
        """Let time pass until the machine has finished or has no deadline left."""
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
        """The client sends messages, each in a separate mailbox read."""
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
        """The user speaks, and the client marks the start and the end."""
        return self.send(SpeechStart(), *[Audio(pcm)] * chunks, SpeechEnd())

    def notice(self, notice: Notice | Unknown, notice_id: str = "n") -> list[Effect]:
        return self.read(Notified(notice_id, notice))

    def ack(
        self, through: int | None = None, turn: int = 0, played_ms: int | None = 0
    ) -> list[Effect]:
        """The client acknowledges, by default all frames that were posted."""
        received = OutputPosition(self.state.epoch, len(self._invariants.frames))
        if through is not None:
            received = replace(received, seq=through)
        return self.notice(Acknowledged(received, turn, played_ms))

    # The model

    def live(self, *events: LiveEvent) -> list[Effect]:
        """The current Live session sends events."""
        everything: list[Effect] = []
        for event in events:
            if isinstance(event, LiveAudio | LiveText | LiveTranscript | LiveTurnComplete):
                self._invariants.note_reply()
            everything += self.feed(FromLive(self.generation, event))
        return everything

    def reply(self, text: str = "Good morning.", pcm: bytes = SECOND[:960]) -> list[Effect]:
        """The model answers, and its turn ends."""
        return self.live(LiveAudio(pcm), said(text), IDLE)

    def lose_live(
        self, failure: LiveFailure = LiveFailure.DROPPED, code: int = 1006
    ) -> list[Effect]:
        self._invariants.is_live_open = self.awaits_live = False
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
        """core_agent answers the newest question with that key."""
        done = CoreAnswer(status, answer, bill=bill or Bill())
        key = ToolCallKey(turn, index)
        asked = next((one for one in reversed(self.asked) if one.key == key), None)
        return self.feed(CoreAnswered(key, asked.arguments_hash if asked else "", done))

    def answer_late(self, asked: AskCoreAgent, answer: str) -> list[Effect]:
        """core_agent answers a question that may not be the newest with its key."""
        done = CoreAnswer(ToolCallStatus.DONE, answer)
        return self.feed(CoreAnswered(asked.key, asked.arguments_hash, done))


def of_kind[E: Effect](effects: Iterable[Effect], *kinds: type[E]) -> list[E]:
    return [effect for effect in effects if isinstance(effect, kinds)]


def started(**fields: object) -> SessionHarness:
    """Return a call whose worker has started and whose client has sent hello."""
    call = SessionHarness(**fields)  # type: ignore[arg-type]
    call.start()
    call.hello()
    return call


def pending(turn: int = 1, index: int = 1, question: str = "When?") -> PendingCall:
    arguments = f'{{"question":"{question}"}}'
    return PendingCall(ToolCallKey(turn, index), ASK_CORE_AGENT, arguments, "")
