"""Opens calls."""

import contextlib
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection

from repartee_client.access import HttpApiClient, Token
from repartee_client.audio.port import AudioPort
from repartee_client.call import Call
from repartee_client.line import SessionLines
from repartee_client.protocol.session import ClientSession, common_features
from repartee_client.transport import CallObserver

RECONNECT_FOR_S = 120.0
"""How long a call tries to reconnect after the line is lost."""
HANG_UP_WITHIN_S = 5.0
"""How long the end of the block waits for the server to confirm the end of the session."""


@contextlib.asynccontextmanager
async def connect(
    http_api: str,
    *,
    token: Token,
    conversation: str | None = "new",
    session: str | None = None,
    audio: AudioPort | None = None,
    marks_speech: bool = False,
    reconnect_for_s: float = RECONNECT_FOR_S,
    hang_up_within_s: float = HANG_UP_WITHIN_S,
    observer: CallObserver | None = None,
    origin: str | None = None,
) -> AsyncIterator[Call]:
    """Open a call, and hang up at the end of the block.

    When the line is lost, the call reconnects. Both sides then resend the messages that the other
    side lacks. An error or a cancellation inside the block hangs up too, within 1 s.

    Args:
        http_api: The address of the HTTP API, such as ``https://api.example.com``.
        token: The user's bearer token, or a function that returns the current one.
        conversation: ``"new"`` starts a conversation, None continues the user's latest one, and an
            id continues that one.
        session: The id of a session to return to, after ``call.leave()`` or a crash.
        audio: Records the user and plays the replies; without it the application does.
        marks_speech: Whether the application or the port marks the start and end of all speech.
        reconnect_for_s: How long to try to reconnect after the line is lost.
        hang_up_within_s: How long the end of the block waits for the server.
        observer: Receives every frame, for diagnosis.
        origin: The Origin header of the connection.

    Raises:
        InvalidUrlError: The address is invalid or not encrypted.
        AccessRefusedError: The server refused the token, the conversation or the session.
        DailyLimitReachedError: A daily limit is used up.
        UnreachableError: No server answers at the address.
        NoAnswerError: The server did not get ready in time.
    """
    lines = SessionLines(
        HttpApiClient(http_api, token),
        conversation_id=conversation,
        session_id=session,
        origin=origin,
    )
    state = ClientSession(speaker=audio)

    async def open_line() -> ClientConnection:
        connection = await lines.open()
        state.marks_speech = marks_speech and "marks_speech" in lines.features
        state.features = common_features(lines.features)
        return connection

    call = Call(open_line, state, audio=audio, observer=observer, reconnect_for_s=reconnect_for_s)
    async with call.held(hang_up_within_s):
        yield call
