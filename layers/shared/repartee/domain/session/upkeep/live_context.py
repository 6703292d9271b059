"""Builds the set-up of a Live session, and decides when a fresh one is cheaper or better."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.context_policy import carried, reseed_saves_usd, seed_tokens
from repartee.domain.live.greeting_cue import greeting_cue
from repartee.domain.live.model import LiveConfig, TurnDetection
from repartee.domain.live.prompt import PromptContext, system_instruction
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.memory.commits import MemoryKeeper
from repartee.domain.session.model.setup_fallbacks import SetupContent, SetupFallbacks
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.tools.preferences import ActivePreferences
from repartee.domain.users.notes import Note

# Users sometimes change the device and change back. Without this limit, a client that changes its
# answer in each ``hello`` would open a Live session each time.
MAX_DETECTION_CHANGES = 4


@dataclass(slots=True)
class LiveContext:
    """The context of one worker's Live sessions.

    Attributes:
        unix_offset_ms: What to add to the machine's time to get Unix time.
        is_reseed_due: Whether to check if a fresh Live session is better. It is set after a commit,
            a change of preferences or a forgotten note.
        detection: Which side detects the user's speech in the current Live session, None before
            the first one.
        repeated_turn: The turn whose utterance the current Live session received twice, or in which
            it received a nudge during a slow reply, so that it may answer twice; 0 without one.
    """

    _settings: SessionSettings
    _keeper: MemoryKeeper
    _preferences: ActivePreferences
    _client: ClientLink
    _setup_fallbacks: SetupFallbacks
    unix_offset_ms: int = field(kw_only=True)
    is_reseed_due: bool = False
    detection: TurnDetection | None = None
    repeated_turn: int = 0
    _voice: str = ""
    _detection_changes: int = 0
    _notes: tuple[Note, ...] = ()
    _carried: TokenUsage = field(default_factory=TokenUsage)

    def config(self, now_ms: int) -> LiveConfig:
        """Return the set-up of a fresh Live session."""
        settings, preferences = self._settings, self._preferences
        fallback = self._setup_fallbacks.current
        profile = replace(preferences.profile, style=preferences.style)
        memory, history = replace(self._keeper.memory, profile=profile), self._keeper.history()
        if fallback.without_memory:
            conversation = replace(memory.conversation, summary="")
            memory, history = replace(memory, conversation=conversation, notes=()), ()
        as_text = history if fallback.history_as_text else ()
        unix_s = (now_ms + self.unix_offset_ms) / 1000
        now = datetime.fromtimestamp(unix_s, UTC).astimezone(settings.zone)
        when = PromptContext(
            now, settings.zone_name, preferences.language, settings.persona.languages
        )
        return LiveConfig(
            model=settings.live_model,
            voice=preferences.voice,
            language=preferences.language,
            system_instruction=system_instruction(
                settings.persona.instructions, memory, when, as_text
            ),
            tools=settings.tools,
            history=() if as_text else history,
            turn_detection=self._wanted_detection,
        )

    def greeting_cue(self) -> str:
        """Return the cue for the greeting, in the language in force."""
        memory, language = self._keeper.memory, self._preferences.language
        return greeting_cue(self._settings.greeting, memory, language)

    @property
    def is_detection_outdated(self) -> bool:
        """Return whether the detection mode of the Live session does not fit the client.

        The mode is fixed at set-up, and another device may have connected since.
        """
        return self.detection not in (None, self._wanted_detection)

    @property
    def is_outdated(self) -> bool:
        """Return whether a fresh Live session serves the user better than this one.

        It does after a change of the voice, a change of preferences outside the session, or a
        deletion of a note, and if this Live session may answer twice.
        """
        preferences = self._preferences
        is_other = preferences.has_unsent_change or self._voice != preferences.voice
        return bool(self.repeated_turn) or is_other or self._notes != self._keeper.memory.notes

    def begin(self) -> None:
        """Note that a fresh Live session begins, which has no context yet."""
        self._setup_fallbacks.begin()
        if self.is_detection_outdated:
            self._detection_changes += 1
        self.detection = self._wanted_detection
        self._voice = self._preferences.voice
        self._notes = self._keeper.memory.notes
        self.repeated_turn = 0
        self._preferences.mark_sent()
        self._carried = TokenUsage()

    def try_smaller_setup(self) -> bool:
        """Leave out the next part of the set-up; return False if nothing more can be left out."""
        memory, has_history = self._keeper.memory, bool(self._keeper.history())
        has_memory = bool(memory.conversation.summary or memory.notes or has_history)
        content = SetupContent(self._preferences.has_custom_values, has_history, has_memory)
        return self._setup_fallbacks.try_next(content)

    def confirm_setup(self) -> None:
        """Note that the live model has accepted its set-up."""
        self._setup_fallbacks.confirm()

    def request_reseed(self) -> None:
        """Check at the next pause whether a fresh Live session is better."""
        self.is_reseed_due = True

    def postpone_reseed(self) -> None:
        """Do not check for a fresh Live session before the next commit."""
        self.is_reseed_due = False

    def note_repeated_input(self, turn: int) -> None:
        """Note that the Live session received a turn's input twice and may answer it twice."""
        self.repeated_turn = turn

    def note_usage(self, usage: TokenUsage) -> None:
        """Estimate the context of the current Live session from its newest usage."""
        self._carried = carried(usage)

    def reseed_saves_usd(self, now_ms: int) -> Decimal | None:
        """Decide, once after each commit, whether to continue in a fresh Live session.

        Returns:
            The estimated saving, None to stay.
        """
        self.is_reseed_due = False
        tokens = seed_tokens(self.config(now_ms))
        settings = self._settings
        return reseed_saves_usd(settings.context_policy, self._carried, tokens, settings.prices)

    @property
    def _wanted_detection(self) -> TurnDetection:
        # Without marks only the model's detector can detect speech. It works with all devices.
        takes_marks = self._client.marks_speech and self._detection_changes < MAX_DETECTION_CHANGES
        return self._settings.turn_detection if takes_marks else TurnDetection.SERVER
