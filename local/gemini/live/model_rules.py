"""The rules of each Live model, by its name: which set-ups it refuses and what it sends.

The rules come from Google's documentation and from public reports. For anything that these do not
describe, a model follows the rules of ``gemini-3.8-live``.
"""

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Literal

from local.gemini.live.protocol import FunctionDeclaration, FunctionResponse, ServerClose, Setup

# An assumption: 500 ms of silence brought no reply, continuous silence did (openclaw#152830).
TRAILING_SILENCE_MS = 800

# Google's list of the values of SpeechConfig.languageCode (Gemini API reference).
LANGUAGE_CODES = frozenset(
    {
        *("ar-XA", "bn-IN", "cmn-CN", "de-DE", "en-AU", "en-GB", "en-IN", "en-US"),
        *("es-ES", "es-US", "fr-CA", "fr-FR", "gu-IN", "hi-IN", "id-ID", "it-IT"),
        *("ja-JP", "kn-IN", "ko-KR", "ml-IN", "mr-IN", "nl-NL", "pl-PL", "pt-BR"),
        *("ru-RU", "ta-IN", "te-IN", "th-TH", "tr-TR", "vi-VN"),
    }
)


class FunctionBlocking(StrEnum):
    """The functions that block their turn, by their declared ``behavior``."""

    ASYNC_ONLY = auto()  # BLOCKING is refused
    ASYNC = auto()  # unless declared BLOCKING
    SYNC = auto()  # unless declared NON_BLOCKING
    SYNC_ONLY = auto()  # NON_BLOCKING is accepted and has no effect


@dataclass(frozen=True, slots=True)
class ModelRules:
    """The rules of one model.

    Attributes:
        obeys_audio_stream_end: ``audioStreamEnd`` ends the user's turn; otherwise only audio that
            keeps arriving after the speech does, and silence is enough.
        silence_ms: The silence that ends a turn, if the set-up names none.
        sends_status: ``interactionStatus`` comes with each ``turnComplete``. Without it, a turn
            ends at ``turnComplete``, and the answer of a function is a separate turn.
        calls: The functions that block their turn.
        takes_scheduling: Function responses may carry ``scheduling``.
        thinking: Whether the set-up must, may or must not have a ``thinkingLevel``.
        is_affective: ``enableAffectiveDialog`` is accepted, and proactive audio can be turned off.
        language_codes: The accepted values of ``languageCode``; None ignores it.
        content_after_seed: ``clientContent`` is accepted during the whole session.
        is_transcript_late: The user's transcript is sent whole, after the start of the reply;
            otherwise in pieces before the reply.
    """

    obeys_audio_stream_end: bool = False
    silence_ms: int = TRAILING_SILENCE_MS
    sends_status: bool = False
    calls: FunctionBlocking = FunctionBlocking.ASYNC
    takes_scheduling: bool = True
    thinking: Literal["required", "optional", "refused"] = "refused"
    is_affective: bool = False
    language_codes: frozenset[str] | None = None
    content_after_seed: bool = True
    is_transcript_late: bool = True

    def check_setup(self, setup: Setup) -> None:
        """Check a set-up against the model's rules.

        Raises:
            ServerClose: 1007 for settings that the model rejects.
        """
        config = setup.generation_config
        if config.response_modalities != ("AUDIO",):
            raise ServerClose(1007, "This model answers with the modality AUDIO only.")
        thinking = config.thinking_config or {}
        level = str(thinking.get("thinkingLevel", thinking.get("thinking_level"))).upper()
        if self.thinking == "refused" and config.thinking_config is not None:
            raise ServerClose(1007, "Thinking level is not supported for this model.")
        if self.thinking == "required" and level not in {"LOW", "MEDIUM", "HIGH"}:
            raise ServerClose(1007, "This model requires the thinking level LOW, MEDIUM or HIGH.")
        if not self.is_affective:
            if config.enable_affective_dialog is not None:
                raise ServerClose(1007, "enable_affective_dialog is not supported by this model.")
            if setup.proactivity and False in setup.proactivity.values():
                raise ServerClose(1007, "proactive_audio cannot be turned off for this model.")
        code = config.speech_config.language_code
        if self.language_codes is not None and code and code not in self.language_codes:
            raise ServerClose(1007, f"Unsupported language code '{code}' for this model.")
        if self.calls is FunctionBlocking.ASYNC_ONLY and any(
            map(self.is_blocking, setup.functions)
        ):
            raise ServerClose(1007, "Synchronous function calling is not supported for this model.")

    def check_response(self, response: FunctionResponse) -> None:
        """Check the answer of a function against the model's rules.

        Raises:
            ServerClose: 1007 for a scheduling hint that the model rejects.
        """
        if not self.takes_scheduling and "scheduling" in response.model_fields_set:
            raise ServerClose(1007, "Function response scheduling is not supported for this model")

    def is_blocking(self, function: FunctionDeclaration) -> bool:
        """Return whether the model is silent in this turn until the function answers."""
        match self.calls:
            case FunctionBlocking.SYNC_ONLY:
                return True
            case FunctionBlocking.SYNC:
                return function.behavior != "NON_BLOCKING"
            case _:
                return function.behavior == "BLOCKING"


_RULES_BY_MODEL = {
    "gemini-3.8-live": ModelRules(),
    # thinkingLevel and scheduling: openclaw#152413; IN_PROGRESS and IDLE: Live API thinking page.
    "gemini-3.8-live-extended-thinking": ModelRules(
        sends_status=True,
        calls=FunctionBlocking.ASYNC_ONLY,
        takes_scheduling=False,
        thinking="required",
    ),
    # Clients that send content after the first reply are closed with 1007: livekit/agents#5251.
    "gemini-3.1-flash-live-preview": ModelRules(
        obeys_audio_stream_end=True,
        silence_ms=500,
        calls=FunctionBlocking.SYNC_ONLY,
        thinking="optional",
        content_after_seed=False,
    ),
    # audioStreamEnd brings no reply here either: python-genai#1328.
    "gemini-2.5-flash-native-audio-preview": ModelRules(
        calls=FunctionBlocking.SYNC,
        thinking="optional",
        is_affective=True,
        language_codes=LANGUAGE_CODES,
        is_transcript_late=False,
    ),
}


def model_rules_of(model: str) -> ModelRules:
    """Return the rules of a model; ``models/`` before its name and a date after it are optional.

    Raises:
        ServerClose: 1008 for an unknown name, as with the service.
    """
    name = model.removeprefix("models/")
    for known, rules in _RULES_BY_MODEL.items():
        if name == known or (known.endswith("-preview") and name.startswith(f"{known}-")):
            return rules
    raise ServerClose(1008, f"models/{name} is not found for bidiGenerateContent.")
