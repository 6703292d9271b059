"""Builds the components of one session, in the order of the folders' imports."""

from repartee.domain.conversation.conversation import Memory
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.input.marked_speech import MarkedSpeech
from repartee.domain.session.input.messages import MessageIntake
from repartee.domain.session.input.notices import NoticeIntake
from repartee.domain.session.input.order import InputOrder
from repartee.domain.session.input.speech_channel import SpeechChannel
from repartee.domain.session.memory.commits import MemoryKeeper
from repartee.domain.session.memory.daily_allowance import Allowance
from repartee.domain.session.memory.lost_replies import LostReplies
from repartee.domain.session.memory.writes import TableWrites
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.model.link import LiveLink
from repartee.domain.session.model.setup_fallbacks import SetupFallbacks
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease
from repartee.domain.session.tools.answer_watch import AnswerWatch
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.tools.filler import Filler
from repartee.domain.session.tools.preference_mentions import PreferenceMentions
from repartee.domain.session.tools.preferences import ActivePreferences
from repartee.domain.session.tools.router import ToolRouter
from repartee.domain.session.turns import barge_in
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.turns.transcripts import UserTranscripts
from repartee.domain.session.upkeep.agent_greeting import AgentGreeting
from repartee.domain.session.upkeep.client_presence import ClientPresence
from repartee.domain.session.upkeep.departure import Departure
from repartee.domain.session.upkeep.duplicate_replies import DuplicateReplies
from repartee.domain.session.upkeep.limit_watch import LimitWatch
from repartee.domain.session.upkeep.live_context import LiveContext
from repartee.domain.session.upkeep.live_sessions import LiveSessions
from repartee.domain.session.upkeep.model_events import ModelEvents
from repartee.domain.session.upkeep.reply_events import ReplyEvents
from repartee.domain.session.upkeep.reply_stops import ReplyStops
from repartee.domain.session.upkeep.restarts import TurnRestarts
from repartee.domain.session.upkeep.session_end import SessionClosing
from repartee.domain.session.upkeep.utterance_retry import UtteranceRetry
from repartee.domain.session.upkeep.watchdog import Watchdog
from repartee.domain.speech_detection import SpeechDetector
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallStatus


class SessionParts:
    """The components of one session, grouped by folder."""

    def __init__(
        self,
        lease: Lease,
        memory: Memory,
        settings: SessionSettings,
        detector: SpeechDetector,
        *,
        unix_offset_ms: int,
    ):
        state, prices, profile = lease.state, settings.prices, memory.profile
        phrases = settings.persona.phrases
        self.writes = writes = TableWrites()

        # client/
        self.outbox = outbox = Outbox(state.epoch)
        self.client = client = ClientLink(
            outbox,
            state.connection_id,
            state.cursor,
            state.marks_speech,
            state.served_connection,
            state.features,
        )

        # model/
        self.live = live = LiveLink(state.session_id)
        self.channel = channel = live.channel
        self.cues = cues = Cues(live)
        self.fallbacks = fallbacks = SetupFallbacks(
            settings.history_as_text, starts_without_preferences=settings.without_preferences
        )

        # turns/
        self.turns = turns = TurnLedger.from_memory(memory)
        self.replies = replies = Replies(client, turns, cues, prices, barge_in.POLICY)
        transcripts = UserTranscripts(client, turns, settings.profile.transcribes_after_speech)

        # memory/
        self.keeper = keeper = MemoryKeeper(
            memory, state, settings, turns, outbox, writes, unix_offset_ms=unix_offset_ms
        )
        limits = profile.limits.over(settings.limits)
        self.allowance = Allowance(
            limits,
            prices,
            turns,
            outbox,
            channel,
            writes,
            unix_offset_ms=unix_offset_ms,
            service_cap_usd=settings.service_cap_usd,
            phrases=phrases,
        )
        self.lost_replies = LostReplies(keeper, client, cues)

        # tools/
        no_answer = CoreAnswer(ToolCallStatus.FAILED, phrases.no_answer, retryable=True)
        self.calls = calls = ToolCalls(no_answer, settings.blocking_tools)
        self.preferences = preferences = ActivePreferences(
            profile, settings, fallbacks, writes, unix_offset_ms, lease.taken_at_ms
        )
        self.preference_mentions = PreferenceMentions(
            phrases.preferences_refused, preferences, fallbacks, cues
        )
        self.router = router = ToolRouter(
            preferences, calls, turns, cues, outbox, channel, phrases=phrases
        )
        self.filler = Filler(settings.filler_after_ms, turns, calls, cues)
        self.answer_watch = AnswerWatch(turns, calls, cues, replies, outbox)

        # input/
        taken = state.taken or InputTaken()
        self.order = order = InputOrder(state.cursor, taken, settings.max_in_flight)
        speech = SpeechChannel(settings.profile, turns, calls, channel)
        self.marked = marked = MarkedSpeech(detector, turns, calls, cues, speech, replies)
        self.feed = feed = InputFeed(
            order, client, turns, detector, speech, marked, unix_offset_ms=unix_offset_ms
        )
        self.messages = messages = MessageIntake(order, client, self.lost_replies, writes)
        self.notices = NoticeIntake(messages, feed, client, keeper, self.answer_watch, preferences)

        # upkeep/
        self.presence = presence = ClientPresence(settings, client, turns)
        self.departure = departure = Departure(
            settings.linger_ms, presence, client, turns, calls, cues
        )
        self.closing = closing = SessionClosing(departure, feed, turns, replies, live, keeper)
        self.context = context = LiveContext(
            settings, keeper, preferences, client, fallbacks, unix_offset_ms=unix_offset_ms
        )
        # Workers of older versions do not record that the greeting is over.
        is_greeting_over = state.is_greeting_over or state.talk_ms > 0 or not settings.greeting
        self.greeting = AgentGreeting(
            context, client, cues, turns, feed, writes, is_over=is_greeting_over
        )
        self.watchdog = watchdog = Watchdog(
            phrases.not_understood, turns, calls, live, replies, outbox
        )
        self.restarts = restarts = TurnRestarts(feed, turns, calls, cues, replies, transcripts)
        self.sessions = sessions = LiveSessions(
            live, context, watchdog, restarts, departure, outbox, busy_text=phrases.busy
        )
        self.limit_watch = LimitWatch(self.allowance, feed, turns, calls, sessions, closing)
        self.stops = ReplyStops(feed, client, turns, replies, calls, cues)
        self.retry = UtteranceRetry(feed, turns, calls, context, watchdog)
        duplicates = DuplicateReplies(turns, calls, cues, context)
        reply_events = ReplyEvents(sessions, watchdog, replies, router, calls, turns)
        self.model_events = ModelEvents(
            sessions, transcripts, keeper, duplicates, departure, reply_events
        )

    @property
    def cursor(self) -> int:
        """Return the last input message that no later worker needs."""
        return self.turns.cursor(self.feed.settled, after_commit=False)
