"""Gemini Live through google-genai, behind the LiveModel port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any

from google import genai
from google.genai import errors, types
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from repartee.adapters.gemini.events import translate
from repartee.domain.errors import LiveSetupFailed, StoreUnavailable
from repartee.domain.live.model import (
    LiveClosed,
    LiveConfig,
    LiveEvent,
    LiveFailure,
    LiveUnknown,
    ResponseScheduling,
    ToolDeclaration,
    ToolResponse,
    TurnDetection,
)
from repartee.domain.live.model_profiles import LiveModelProfile, profile_of

if TYPE_CHECKING:
    from google.genai.live import AsyncSession

# google-genai 3 changes the default to v1, which does not serve every model.
API_VERSION = "v1beta"
AUDIO_MIME_TYPE = "audio/pcm;rate=16000"
# Pongs of 8 to 30 s have been measured (aicc2025/sip-to-ai#14): a ping timeout would end calls.
# Parts above 1 MiB close a connection with the default limit. Deflate costs CPU for nothing.
WEBSOCKET_OPTIONS = {"ping_interval": None, "max_size": 16 * 1024 * 1024, "compression": None}
# A safety margin: the model drops its oldest context well before the window is full.
COMPRESSION_TRIGGER_SHARE = 0.75
# Replaces an answer that must not be spoken, for a model that does not take scheduling.
DUPLICATE_CALL_ANSWER = (
    "(This call came twice. Speak the answer to the other one, and nothing more.)"
)
# Set-up refusals after which a retry cannot succeed: bad argument or key, unknown model.
NON_RETRYABLE_CODES = frozenset({400, 401, 403, 404, 1007, 1008})


class GeminiLiveSession:
    """One open Live connection; owns it until ``close``."""

    def __init__(
        self,
        session: "AsyncSession",
        stack: contextlib.AsyncExitStack,
        profile: LiveModelProfile,
    ):
        self._session = session
        self._stack = stack
        self._profile = profile

    async def send_audio(self, pcm: bytes) -> None:
        """Send PCM16 little-endian mono, 16 kHz."""
        with _ignoring_closed():
            await self._session.send_realtime_input(
                audio=types.Blob(data=pcm, mime_type=AUDIO_MIME_TYPE)
            )

    async def start_activity(self) -> None:
        """Mark the start of the user's speech."""
        with _ignoring_closed():
            await self._session.send_realtime_input(activity_start=types.ActivityStart())

    async def end_activity(self) -> None:
        """Mark the end of the user's speech."""
        with _ignoring_closed():
            await self._session.send_realtime_input(activity_end=types.ActivityEnd())

    async def end_audio_stream(self) -> None:
        """Mark a pause in the audio."""
        with _ignoring_closed():
            await self._session.send_realtime_input(audio_stream_end=True)

    async def send_text(self, text: str) -> None:
        """Send typed text as a complete turn."""
        with _ignoring_closed():
            await self._session.send_realtime_input(text=text)

    async def respond_to_tools(self, responses: Sequence[ToolResponse]) -> None:
        """Answer tool calls with a status and a speakable sentence each."""
        with _ignoring_closed():
            await self._session.send_tool_response(
                function_responses=[
                    types.FunctionResponse(
                        id=one.call_id,
                        name=one.name,
                        scheduling=types.FunctionResponseScheduling(one.scheduling)
                        if self._profile.takes_scheduling
                        else None,
                        response={
                            "status": one.status,
                            "answer": self._answer_text(one),
                            "retryable": one.retryable,
                        },
                    )
                    for one in responses
                ]
            )

    def _answer_text(self, response: ToolResponse) -> str:
        """Return the text for the model; without scheduling, it may speak every answer."""
        profile = self._profile
        speaks_each = profile.takes_non_blocking_tools and not profile.takes_scheduling
        is_repeat = response.scheduling is ResponseScheduling.SILENT and not response.is_held
        return DUPLICATE_CALL_ANSWER if speaks_each and is_repeat else response.answer

    async def events(self) -> AsyncIterator[LiveEvent]:
        """Yield events until the connection closes; the last one is ``LiveClosed``."""
        while True:
            try:
                async for message in self._session.receive():
                    for event in translate(message):
                        yield event
            except errors.APIError as error:
                yield LiveClosed(LiveFailure.DROPPED, error.code or 1006, _reason(error))
                return
            except ConnectionClosed as error:
                code = error.rcvd.code if error.rcvd else 1006
                yield LiveClosed(LiveFailure.DROPPED, code, "")
                return
            except (TypeError, ValueError, AttributeError):
                # google-genai 2.34 raises these for a message whose only key it does not know, and
                # for one that has another shape. The errors quote the message, so they are dropped.
                yield LiveUnknown(())

    async def close(self) -> None:
        """Close the connection and wait until it is closed."""
        with contextlib.suppress(WebSocketException, OSError):
            await self._stack.aclose()


class GeminiLive:
    """Opens Live sessions.

    Args:
        api_key: Returns the key; called in a thread whenever a session is opened, not before.
        base_url: Empty for Google's own servers.
        profiles: Returns the profile of a model by its name.
    """

    def __init__(
        self,
        api_key: Callable[[], str],
        base_url: str = "",
        profiles: Callable[[str], LiveModelProfile] = profile_of,
    ):
        self._api_key = api_key
        self._base_url = base_url
        self._profiles = profiles
        self._client: genai.Client | None = None
        self._client_key = ""

    async def open(self, config: LiveConfig) -> GeminiLiveSession:
        """Set up a session and seed it.

        Raises:
            LiveSetupFailed: The model refused or could not be reached.
        """
        profile = self._profiles(config.model)
        options = _connect_config(config, profile)
        try:
            # This may read a secret and certificates, which would block the event loop too long.
            client = await asyncio.to_thread(self._client_with_current_key)
            async with contextlib.AsyncExitStack() as stack:
                session = await stack.enter_async_context(
                    client.aio.live.connect(model=config.model, config=options)
                )
                if config.history:
                    await session.send_client_content(
                        turns=[
                            types.Content(role=entry.role, parts=[types.Part(text=entry.text)])
                            for entry in config.history
                        ],
                        turn_complete=True,
                    )
                return GeminiLiveSession(session, stack.pop_all(), profile)
        except errors.APIError as error:
            raise _refused(_reason(error) or "refused", error.code or 0) from error
        except InvalidStatus as error:
            raise _refused("handshake refused", error.response.status_code) from error
        except ConnectionClosed as error:
            # The server closed the session while the history was sent.
            raise _refused("closed", error.rcvd.code if error.rcvd else 0) from error
        except (WebSocketException, OSError, ValueError, StoreUnavailable) as error:
            raise _refused(type(error).__name__, 0) from error

    def _client_with_current_key(self) -> genai.Client:
        key = self._api_key()
        if self._client is None or key != self._client_key:
            self._client, self._client_key = self._make_client(key), key
        return self._client

    def _make_client(self, key: str) -> genai.Client:
        return genai.Client(
            api_key=key,
            http_options=types.HttpOptions(
                api_version=API_VERSION,
                base_url=self._base_url or None,
                async_client_args=dict(WEBSOCKET_OPTIONS),
            ),
        )


def _reason(error: errors.APIError) -> str:
    # google-genai stores the reason of a closing frame in ``details``.
    details = error.details
    return details if isinstance(details, str) else error.message or ""


def _refused(reason: str, code: int) -> LiveSetupFailed:
    return LiveSetupFailed(reason, code=code, retryable=code not in NON_RETRYABLE_CODES)


def _connect_config(config: LiveConfig, profile: LiveModelProfile) -> types.LiveConnectConfig:
    optional: dict[str, Any] = {}
    if config.history:
        optional["history_config"] = types.HistoryConfig(initial_history_in_client_content=True)
    if config.turn_detection is TurnDetection.CLIENT:
        optional["realtime_input_config"] = types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(disabled=True)
        )
    if profile.thinking_level is not None:
        optional["thinking_config"] = types.ThinkingConfig(
            thinking_level=types.ThinkingLevel(profile.thinking_level.upper())
        )
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        system_instruction=config.system_instruction,
        speech_config=types.SpeechConfig(
            language_code=config.language if profile.takes_language_code else None,
            voice_config=types.VoiceConfig(
                prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=config.voice)
            ),
        ),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        context_window_compression=types.ContextWindowCompressionConfig(
            trigger_tokens=int(profile.context_tokens * COMPRESSION_TRIGGER_SHARE),
            sliding_window=types.SlidingWindow(),
        ),
        tools=[
            types.Tool(function_declarations=[_declaration(tool, profile) for tool in config.tools])
        ],
        **optional,
    )


def _declaration(tool: ToolDeclaration, profile: LiveModelProfile) -> types.FunctionDeclaration:
    behavior = types.Behavior.BLOCKING if tool.blocking else types.Behavior.NON_BLOCKING
    return types.FunctionDeclaration(
        name=tool.name,
        description=tool.description,
        # A model with synchronous tools only does not know the field.
        behavior=behavior if profile.takes_non_blocking_tools else None,
        parameters=types.Schema(
            type=types.Type.OBJECT,
            properties={
                one.name: types.Schema(
                    type=types.Type.BOOLEAN if one.is_boolean else types.Type.STRING,
                    description=one.description,
                )
                for one in tool.parameters
            },
            required=[one.name for one in tool.parameters if one.required],
        )
        if tool.parameters
        else None,
    )


@contextlib.contextmanager
def _ignoring_closed() -> Any:
    # ``events`` reports that the connection is closed, so sending does not raise.
    with contextlib.suppress(ConnectionClosed):
        yield
