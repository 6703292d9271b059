"""The set-up of a live session, and when a fresh session is cheaper than a long context."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.context_policy import carried, reseed_saves_usd, seed_tokens
from repartee.domain.live.model import LiveConfig, TurnDetection
from repartee.domain.live.prompt import PromptContext, system_instruction
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.memory.keeper import MemoryKeeper
from repartee.domain.session.model.fallbacks import SetupContent, SetupFallbacks
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.tools.preferences import ActivePreferences
from repartee.domain.users.notes import Note

# A user goes from one device to another and back now and then. A client whose every ``hello`` says
# otherwise would open a live session with each.
MAX_DETECTION_CHANGES = 4


@dataclass(slots=True)
class LiveContext:
    """The context of one worker's live sessions.

    Attributes:
        is_reseed_due: A fresh session may be due: a turn is in memory, preferences have changed,
            or a note is forgotten.
        detection: Which side finds the user's speech in the current live session, None before the
            first.
        may_answer_twice: The current live session got something twice, or a nudge beside it, and
            may answer twice.
    """

    _settings: SessionSettings
    _keeper: MemoryKeeper
    _preferences: ActivePreferences
    _client: ClientLink
    _setup_fallbacks: SetupFallbacks
    unix_offset_ms: int = field(kw_only=True)
    is_reseed_due: bool = False
    detection: TurnDetection | None = None
    may_answer_twice: bool = False
    _voice: str = ""
    _detection_changes: int = 0
    _notes: tuple[Note, ...] = ()
    _carried: TokenUsage = field(default_factory=TokenUsage)

    def config(self, now_ms: int) -> LiveConfig:
        """Return how a fresh live session is opened now."""
        settings, preferences = self._settings, self._preferences
        concession = self._setup_fallbacks.current
        profile = replace(preferences.profile, style=preferences.style)
        memory, history = replace(self._keeper.memory, profile=profile), self._keeper.history()
        if concession.without_memory:
            conversation = replace(memory.conversation, summary="")
            memory, history = replace(memory, conversation=conversation, notes=()), ()
        as_text = history if concession.history_as_text else ()
        unix_s = (now_ms + self.unix_offset_ms) / 1000
        now = datetime.fromtimestamp(unix_s, UTC).astimezone(settings.zone)
        when = PromptContext(now, settings.zone_name, preferences.language)
        return LiveConfig(
            model=settings.live_model,
            voice=preferences.voice,
            language=preferences.language,
            system_instruction=system_instruction(memory, when, as_text),
            tools=settings.tools,
            history=() if as_text else history,
            turn_detection=self._wanted_detection,
        )

    @property
    def is_detection_outdated(self) -> bool:
        """Return whether the live session was set up for a client of the other kind.

        The detection mode is fixed at set-up, and another device may have connected since.
        """
        return self.detection not in (None, self._wanted_detection)

    @property
    def is_outdated(self) -> bool:
        """Return whether a fresh live session serves the user better than this one.

        It does for another voice, for preferences that were changed outside the call, where this
        one knows a note that is deleted, and where it may answer a copy of what it has answered.
        """
        preferences = self._preferences
        is_other = preferences.has_unsent_change or self._voice != preferences.voice
        return self.may_answer_twice or is_other or self._notes != self._keeper.memory.notes

    def begin(self) -> None:
        """Note that a fresh live session begins; it carries nothing yet."""
        self._setup_fallbacks.begin()
        if self.is_detection_outdated:
            self._detection_changes += 1
        self.detection = self._wanted_detection
        self._voice = self._preferences.voice
        self._notes = self._keeper.memory.notes
        self.may_answer_twice = False
        self._preferences.mark_sent()
        self._carried = TokenUsage()

    def try_smaller_setup(self) -> bool:
        """Leave out what the live model may have refused; return False when nothing is left."""
        memory, has_history = self._keeper.memory, bool(self._keeper.history())
        has_memory = bool(memory.conversation.summary or memory.notes or has_history)
        content = SetupContent(self._preferences.has_custom_values, has_history, has_memory)
        return self._setup_fallbacks.try_next(content)

    def confirm_setup(self) -> None:
        """Note that the live model has taken its set-up."""
        self._setup_fallbacks.confirm()

    def request_reseed(self) -> None:
        """Consider a fresh live session at the next pause."""
        self.is_reseed_due = True

    def postpone_reseed(self) -> None:
        """Consider no fresh live session before the next commit."""
        self.is_reseed_due = False

    def note_duplicate_input(self) -> None:
        """Note that the live session got something twice, and may answer it twice."""
        self.may_answer_twice = True

    def note_usage(self, usage: TokenUsage) -> None:
        """Take what the current live session was billed for its newest reply."""
        self._carried = carried(usage)

    def reseed_saves_usd(self, now_ms: int) -> Decimal | None:
        """Decide, once after each commit, whether to go on in a fresh live session.

        Returns:
            What that is estimated to save, None when to stay.
        """
        self.is_reseed_due = False
        tokens = seed_tokens(self.config(now_ms))
        settings = self._settings
        return reseed_saves_usd(settings.context_policy, self._carried, tokens, settings.prices)

    @property
    def _wanted_detection(self) -> TurnDetection:
        # Without marks only the model's own detector knows when the user speaks. It serves devices
        # of both kinds.
        takes_marks = self._client.marks_speech and self._detection_changes < MAX_DETECTION_CHANGES
        return self._settings.turn_detection if takes_marks else TurnDetection.SERVER
