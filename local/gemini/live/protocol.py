"""The client's messages of BidiGenerateContent, and their validation.

google-genai mixes snake and camel case in one frame and writes URL-safe base64; both are accepted.
"""

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel


class ServerClose(Exception):
    """The server closes the connection.

    Attributes:
        code: WebSocket close code: 1001 for the age limit, 1007 for invalid messages, 1008 for
            messages that are not allowed, 1011 for an internal error.
        reason: The reason; at most 123 bytes of it are sent.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def decode_base64(value: object) -> object:
    """Decode standard or URL-safe base64, padded or not."""
    if not isinstance(value, str):
        return value
    text = value.replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("Base64 decoding failed") from error


class _Wire(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


Bytes64 = Annotated[bytes, BeforeValidator(decode_base64)]
Json = dict[str, Any]


class Blob(_Wire):
    data: Bytes64 = b""
    mime_type: str = "audio/pcm;rate=16000"

    @property
    def rate_hz(self) -> int:
        """The sample rate of the MIME type; 16,000 by default."""
        for field in self.mime_type.split(";")[1:]:
            name, _, value = field.strip().partition("=")
            if name == "rate" and value.isdigit() and int(value) > 0:
                return int(value)
        return 16_000


class Part(_Wire):
    model_config = ConfigDict(extra="allow")
    text: str | None = None


class Content(_Wire):
    parts: tuple[Part, ...] = ()
    role: str | None = None

    @property
    def text(self) -> str:
        """All text parts, joined by line breaks."""
        return "\n".join(part.text for part in self.parts if part.text)


class FunctionDeclaration(_Wire):
    name: str
    description: str = ""
    parameters: Json | None = None
    parameters_json_schema: Json | None = None
    response: Json | None = None
    response_json_schema: Json | None = None
    behavior: Literal["UNSPECIFIED", "BLOCKING", "NON_BLOCKING"] = "UNSPECIFIED"


class Tool(_Wire):
    model_config = ConfigDict(extra="allow")
    function_declarations: tuple[FunctionDeclaration, ...] = ()


class PrebuiltVoice(_Wire):
    voice_name: str = "Kore"


class VoiceConfig(_Wire):
    prebuilt_voice_config: PrebuiltVoice = PrebuiltVoice()


class SpeechConfig(_Wire):
    voice_config: VoiceConfig = VoiceConfig()
    language_code: str = ""


class GenerationConfig(_Wire):
    response_modalities: tuple[str, ...] = ("AUDIO",)
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    media_resolution: str | None = None
    speech_config: SpeechConfig = SpeechConfig()
    thinking_config: Json | None = None
    enable_affective_dialog: bool | None = None


class AutomaticActivityDetection(_Wire):
    disabled: bool = False
    start_of_speech_sensitivity: str = "START_SENSITIVITY_HIGH"
    end_of_speech_sensitivity: str = "END_SENSITIVITY_HIGH"
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None


class RealtimeInputConfig(_Wire):
    automatic_activity_detection: AutomaticActivityDetection = AutomaticActivityDetection()
    activity_handling: str = "START_OF_ACTIVITY_INTERRUPTS"
    turn_coverage: str | None = None


class SlidingWindow(_Wire):
    target_tokens: int | None = None


class ContextWindowCompression(_Wire):
    trigger_tokens: int | None = None
    sliding_window: SlidingWindow | None = None


class HistoryConfig(_Wire):
    initial_history_in_client_content: bool = False


class Setup(_Wire):
    model: str
    generation_config: GenerationConfig = GenerationConfig()
    system_instruction: Content | str = Content()
    tools: tuple[Tool, ...] = ()
    realtime_input_config: RealtimeInputConfig = RealtimeInputConfig()
    session_resumption: Json | None = None  # accepted; no handles are given
    context_window_compression: ContextWindowCompression | None = None
    input_audio_transcription: Json | None = None
    output_audio_transcription: Json | None = None
    proactivity: Json | None = None
    explicit_vad_signal: bool = False
    history_config: HistoryConfig = HistoryConfig()
    safety_settings: tuple[Json, ...] = ()

    @property
    def instruction(self) -> str:
        """The system instruction as plain text."""
        return (
            self.system_instruction
            if isinstance(self.system_instruction, str)
            else self.system_instruction.text
        )

    @property
    def functions(self) -> tuple[FunctionDeclaration, ...]:
        """Every declared function, in order."""
        return tuple(one for tool in self.tools for one in tool.function_declarations)


class ClientContent(_Wire):
    turns: tuple[Content, ...] = ()
    turn_complete: bool = False


class RealtimeInput(_Wire):
    audio: Blob | None = None
    media_chunks: tuple[Blob, ...] = ()
    video: Json | None = None
    text: str | None = None
    activity_start: Json | None = None
    activity_end: Json | None = None
    audio_stream_end: bool = False


class FunctionResponse(_Wire):
    id: str = ""
    name: str = ""
    response: Json = {}
    scheduling: Literal["SCHEDULING_UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"] = "WHEN_IDLE"
    will_continue: bool = False
    parts: tuple[Json, ...] = ()


class ToolResponse(_Wire):
    function_responses: tuple[FunctionResponse, ...] = ()


class ClientMessage(_Wire):
    setup: Setup | None = None
    client_content: ClientContent | None = None
    realtime_input: RealtimeInput | None = None
    tool_response: ToolResponse | None = None


def parse_client_message(text: str | bytes) -> ClientMessage:
    """Read one frame.

    Raises:
        ServerClose: 1007, naming the first field that is unknown or of a wrong type.
    """
    try:
        return ClientMessage.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(step) for step in first["loc"]]
        if first["type"] == "extra_forbidden":
            where = ".".join(path[:-1])
            reason = f"Unknown name \"{path[-1]}\" at '{where}': Cannot find field."
        else:
            reason = f"Invalid value at '{'.'.join(path)}': {first['msg']}"
        raise ServerClose(1007, f"Invalid JSON payload received. {reason}") from error


def check_key(key: str | None) -> None:
    """Accept any key but a missing one and those that begin with ``bad-``.

    Raises:
        ServerClose: 1008 without a key, 1007 with a bad one.
    """
    if not key:
        raise ServerClose(1008, "Method doesn't allow unregistered callers. Please use an API key.")
    if key.startswith("bad-"):
        raise ServerClose(1007, "API key not valid. Please pass a valid API key.")
