"""The contract of LiveModel, on the scripted fake and on google-genai against the simulator."""

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from local.gemini.live.protocol import parse_client_message
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import LiveSetupFailed, StoreUnavailable
from repartee.domain.live.model import (
    HistoryEntry,
    LiveAudio,
    LiveClosed,
    LiveConfig,
    LiveEvent,
    LiveFailure,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    LiveUnknown,
    LiveUsage,
    ResponseScheduling,
    Role,
    ToolResponse,
    TurnDetection,
    TurnStatus,
)
from repartee.ports.live_model import LiveModel, LiveSession
from tests.fakes.live_model import FakeLiveModel, FakeLiveSession
from tests.integration.simulator_process import SimulatorProcess, running_simulator
from tests.personas import TOOLS

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("gemini")]

CONFIG = LiveConfig(
    model="gemini-3.8-live",
    voice="Kore",
    language="en-US",
    system_instruction="You are the voice of a front desk. It is Friday, 2026-11-20, 12:00.",
    tools=TOOLS,
)
PATIENCE_S = 20


class Stage:
    """A live model, and what it needs for its replies.

    Attributes:
        model: The model under test.
        refusing: A model with a bad key.
    """

    def __init__(self, model: LiveModel, refusing: LiveModel) -> None:
        self.model = model
        self.refusing = refusing

    def prompt(self, session: LiveSession, *lines: LiveEvent) -> None:
        """Emit the scripted events of a fake; the simulator answers without a script."""
        if isinstance(session, FakeLiveSession):
            session.emit(*lines)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with running_simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture(params=["fake", "google-genai"])
def stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Stage:
    if request.param == "fake":
        refusing = FakeLiveModel()
        refusing.refusals.append(LiveSetupFailed("bad key", code=1007, retryable=False))
        return Stage(FakeLiveModel(), refusing)
    from repartee.adapters.gemini.live import GeminiLive

    simulator: SimulatorProcess = request.getfixturevalue("simulator")
    monkeypatch.setenv("SSL_CERT_FILE", str(Path(simulator.ca_file)))
    return Stage(
        GeminiLive(lambda: "a-key", simulator.base_url),
        GeminiLive(lambda: "bad-key", simulator.base_url),
    )


async def until_turn_is_over(session: LiveSession) -> list[LiveEvent]:
    events = []
    async with asyncio.timeout(PATIENCE_S):
        async for event in session.events():
            events.append(event)
            if isinstance(event, LiveTurnComplete) and event.status is not TurnStatus.IN_PROGRESS:
                break
            if isinstance(event, LiveToolCall):
                break
    return events


def said(events: Sequence[LiveEvent]) -> str:
    return "".join(
        event.text
        for event in events
        if isinstance(event, LiveTranscript) and event.role is Role.MODEL
    )


def lines(text: str) -> tuple[LiveEvent, ...]:
    """Return the events of a fake's whole reply of ``text``."""
    return (
        LiveAudio(b"\1\0" * 240),
        LiveTranscript(Role.MODEL, text),
        LiveUsage(TokenUsage(text_in=10, audio_out=5)),
        LiveTurnComplete(TurnStatus.IDLE),
    )


@asynccontextmanager
async def opened(model: LiveModel, config: LiveConfig = CONFIG) -> AsyncIterator[LiveSession]:
    session = await model.open(config)
    try:
        yield session
    finally:
        await session.close()


def test_a_text_is_answered_with_audio_transcript_usage_and_a_turn_end(stage):
    async def main() -> None:
        async with opened(stage.model) as session:
            await session.send_text("hello my name is robert")
            stage.prompt(session, *lines("Hello Robert, how can I help you?"))
            events = await until_turn_is_over(session)
            assert "Robert" in said(events)
            assert b"".join(e.pcm for e in events if isinstance(e, LiveAudio))
            assert sum(e.usage.tokens_in for e in events if isinstance(e, LiveUsage)) > 0

    asyncio.run(main())


def test_a_seeded_history_is_known_and_not_answered(stage):
    async def main() -> None:
        history = (
            HistoryEntry(Role.USER, "hello my name is linda"),
            HistoryEntry(Role.MODEL, "Hello Linda, how can I help you?"),
        )
        async with opened(stage.model, replace(CONFIG, history=history)) as session:
            await session.send_text("can you tell me my name")
            stage.prompt(session, *lines("Your name is Linda."))
            # If the history were treated as a turn, its answer would come first.
            assert said(await until_turn_is_over(session)) == "Your name is Linda."

    asyncio.run(main())


def test_a_tool_call_is_made_and_its_answer_spoken(stage):
    async def main() -> None:
        async with opened(stage.model) as session:
            await session.send_text("i would like to book an appointment on friday at three")
            stage.prompt(session, LiveToolCall("call-1", "ask_core_agent", '{"question":"book"}'))
            call = (await until_turn_is_over(session))[-1]
            assert isinstance(call, LiveToolCall)
            assert call.name == "ask_core_agent"
            await session.respond_to_tools(
                [ToolResponse(call.call_id, call.name, "done", "You are booked.", retryable=False)]
            )
            stage.prompt(session, *lines("You are booked."))
            spoken = ""
            # A filler may be spoken before it, in a separate turn.
            while "You are booked." not in spoken:
                spoken = said(await until_turn_is_over(session))

    asyncio.run(main())


def test_a_closed_session_reports_it_last_and_ignores_input(stage):
    async def main() -> None:
        session = await stage.model.open(CONFIG)
        await session.close()
        await session.send_audio(b"\0" * 640)
        await session.end_audio_stream()
        await session.start_activity()
        await session.end_activity()
        await session.send_text("hello")
        await session.respond_to_tools([ToolResponse("call-1", "ask", "done", "", retryable=False)])
        async with asyncio.timeout(PATIENCE_S):
            events = [event async for event in session.events()]
        assert isinstance(events[-1], LiveClosed)

    asyncio.run(main())


def test_a_bad_key_is_refused_permanently(stage):
    async def main() -> None:
        with pytest.raises(LiveSetupFailed) as refused:
            await stage.refusing.open(CONFIG)
        assert not refused.value.retryable

    asyncio.run(main())


class TestGeminiLiveAlone:
    """Cases that only the real client can meet."""

    @pytest.fixture
    def model(self, simulator: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> LiveModel:
        from repartee.adapters.gemini.live import GeminiLive

        monkeypatch.setenv("SSL_CERT_FILE", str(Path(simulator.ca_file)))
        return GeminiLive(lambda: "a-key", simulator.base_url)

    def test_an_unreachable_server_may_be_retried(self, monkeypatch, simulator):
        from repartee.adapters.gemini.live import GeminiLive

        monkeypatch.setenv("SSL_CERT_FILE", str(Path(simulator.ca_file)))

        async def main() -> None:
            with pytest.raises(LiveSetupFailed) as refused:
                await GeminiLive(lambda: "a-key", "https://127.0.0.1:9").open(CONFIG)
            assert refused.value.retryable

        asyncio.run(main())

    def test_an_unknown_model_is_refused_permanently(self, model):
        async def main() -> None:
            with pytest.raises(LiveSetupFailed) as refused:
                await model.open(replace(CONFIG, model="gemini-0-nothing"))
            assert not refused.value.retryable
            assert "gemini-0-nothing is not found" in refused.value.reason

        asyncio.run(main())

    def test_an_unreadable_key_may_be_retried_and_does_not_block(self):
        from repartee.adapters.gemini.live import GeminiLive

        readers = []

        def key() -> str:
            readers.append(threading.get_ident())
            raise StoreUnavailable("a secret could not be read")

        async def main() -> None:
            with pytest.raises(LiveSetupFailed) as refused:
                await GeminiLive(key).open(CONFIG)
            assert refused.value.retryable

        asyncio.run(main())
        assert readers
        assert threading.get_ident() not in readers

    def test_a_new_key_is_used_by_the_next_session(self, simulator, monkeypatch):
        from repartee.adapters.gemini.live import GeminiLive

        monkeypatch.setenv("SSL_CERT_FILE", str(Path(simulator.ca_file)))
        keys = iter(["a-key", "bad-key", "another-key"])
        model = GeminiLive(lambda: next(keys), simulator.base_url)

        async def main() -> None:
            first = await model.open(CONFIG)
            with pytest.raises(LiveSetupFailed):
                await model.open(CONFIG)
            await first.send_text("hello")
            assert await until_turn_is_over(first)
            await first.close()
            await (await model.open(CONFIG)).close()

        asyncio.run(main())

    @pytest.mark.parametrize(("status", "retryable"), [(403, False), (429, True), (503, True)])
    def test_a_refused_handshake_is_final_by_its_status(
        self, status, retryable, tmp_path, monkeypatch
    ):
        async def main() -> None:
            async with odd_server(tmp_path, monkeypatch, status=status) as model:
                with pytest.raises(LiveSetupFailed) as refused:
                    await model.open(CONFIG)
                assert (refused.value.code, refused.value.retryable) == (status, retryable)

        asyncio.run(main())

    @pytest.mark.parametrize(
        ("code", "retryable"), [(1007, False), (1008, False), (1011, True), (1006, True)]
    )
    def test_a_closed_set_up_is_final_by_its_code(self, code, retryable, tmp_path, monkeypatch):
        async def main() -> None:
            async with odd_server(tmp_path, monkeypatch, code=code) as model:
                with pytest.raises(LiveSetupFailed) as refused:
                    await model.open(CONFIG)
                assert refused.value.retryable is retryable

        asyncio.run(main())

    @pytest.mark.parametrize("code", [1000, 1001, 1006, 1007, 1008, 1011])
    def test_each_end_of_a_session_is_one_event_with_the_code(self, code, tmp_path, monkeypatch):
        async def main() -> None:
            async with (
                odd_server(
                    tmp_path, monkeypatch, frames=('{"setupComplete":{}}',), code=code
                ) as model,
                asyncio.timeout(PATIENCE_S),
                opened(model) as session,
            ):
                (closed,) = [event async for event in session.events()]
                await session.send_audio(b"\0" * 640)
                await session.send_text("hello")
            assert isinstance(closed, LiveClosed)
            assert (closed.failure, closed.code) == (LiveFailure.DROPPED, code)

        asyncio.run(main())

    @pytest.mark.parametrize("code", [1007, 1008])
    @pytest.mark.parametrize("then", [0, 1])
    def test_a_refused_history_is_reported_with_its_code(self, code, then, tmp_path, monkeypatch):
        history = (HistoryEntry(Role.USER, "hola"), HistoryEntry(Role.MODEL, "x" * 500_000))

        async def main() -> tuple[int, bool]:
            frames = ('{"setupComplete":{}}',)
            async with (
                odd_server(tmp_path, monkeypatch, frames=frames, code=code, then=then) as model,
                asyncio.timeout(PATIENCE_S),
            ):
                try:
                    session = await model.open(replace(CONFIG, history=history))
                except LiveSetupFailed as refused:
                    return refused.code, refused.retryable
                (closed,) = [event async for event in session.events()]
                await session.close()
                assert isinstance(closed, LiveClosed)
                return closed.code, False

        assert asyncio.run(main()) == (code, False)

    def test_a_session_is_set_up_with_the_whole_configuration(self, tmp_path, monkeypatch):
        history = (HistoryEntry(Role.USER, "hola"), HistoryEntry(Role.MODEL, "Hola, Ana."))
        config = replace(CONFIG, language="es-ES", voice="Puck", history=history)
        heard, _ = held(tmp_path, monkeypatch, config=config)
        setup, seeded = (parse_client_message(frame) for frame in heard)
        assert setup.setup is not None
        assert seeded.client_content is not None
        speech = setup.setup.generation_config.speech_config
        assert speech is not None
        assert '"language_code"' not in heard[0]
        assert speech.voice_config.prebuilt_voice_config.voice_name == "Puck"
        assert setup.setup.instruction == CONFIG.system_instruction
        assert setup.setup.history_config.initial_history_in_client_content
        assert [turn.role for turn in seeded.client_content.turns] == ["user", "model"]
        assert [one.name for one in setup.setup.functions] == [one.name for one in TOOLS]
        # The model continues to accept speech while a tool call is answered.
        assert heard[0].count('"NON_BLOCKING"') == len(TOOLS)
        # A safety net; the product replaces a context long before this.
        assert setup.setup.context_window_compression is not None
        assert setup.setup.context_window_compression.trigger_tokens == 98_304

    def test_an_answer_is_scheduled_for_when_the_model_is_idle(self, tmp_path, monkeypatch):
        _, answered = set_up_and_answer(CONFIG.model, tmp_path, monkeypatch)
        message = parse_client_message(answered).tool_response
        assert message is not None
        assert [one.id for one in message.function_responses] == ["call-1"]
        assert '"scheduling": "WHEN_IDLE"' in answered

    def test_a_thinking_model_is_set_up_with_a_level_and_gets_answers_without_scheduling(
        self, tmp_path, monkeypatch
    ):
        model = "gemini-3.8-live-extended-thinking"
        setup, answered = set_up_and_answer(model, tmp_path, monkeypatch)
        assert json.loads(setup)["setup"]["generationConfig"]["thinkingConfig"] == {
            "thinking_level": "LOW"
        }
        assert "scheduling" not in answered

    def test_with_client_marks_the_models_detector_is_off_and_the_marks_are_sent(
        self, tmp_path, monkeypatch
    ):
        async def speak(session: LiveSession) -> None:
            await session.start_activity()
            await session.send_audio(b"\1\0")
            await session.end_activity()

        config = replace(CONFIG, turn_detection=TurnDetection.CLIENT)
        heard, _ = held(tmp_path, monkeypatch, speak, config=config, then=3)
        setup, started, _, ended = (json.loads(frame) for frame in heard)
        detection = setup["setup"]["realtimeInputConfig"]["automatic_activity_detection"]
        assert detection == {"disabled": True}
        assert started == {"realtime_input": {"activityStart": {}}}
        assert ended == {"realtime_input": {"activityEnd": {}}}

    @pytest.mark.parametrize("model", ["gemini-3.1-flash-live-preview", "gemini-99-live"])
    def test_a_model_with_synchronous_tools_gets_no_other_declarations(
        self, model, tmp_path, monkeypatch
    ):
        setup, answered = set_up_and_answer(model, tmp_path, monkeypatch)
        assert "behavior" not in setup
        assert "thinking" not in setup
        assert "scheduling" not in answered

    @pytest.mark.parametrize(
        ("model", "texts"),
        [
            ("gemini-3.8-live", ["Yes.", "Yes."]),
            ("gemini-3.8-live-extended-thinking", ["Yes.", "(This"]),
            # The model speaks once for all calls of a turn.
            ("gemini-3.1-flash-live-preview", ["Yes.", "Yes."]),
        ],
    )
    def test_a_silent_answer_is_empty_for_a_model_without_scheduling(
        self, model, texts, tmp_path, monkeypatch
    ):
        async def answer(session: LiveSession) -> None:
            first = ToolResponse("x", "ask_core_agent", "done", "Yes.", retryable=False)
            second = replace(first, call_id="y", scheduling=ResponseScheduling.SILENT)
            await session.respond_to_tools([first, second])

        config = replace(CONFIG, model=model)
        heard, _ = held(tmp_path, monkeypatch, answer, config=config)
        responses = json.loads(heard[1])["tool_response"]["functionResponses"]
        assert [one["response"]["answer"].split()[0] for one in responses] == texts

    def test_an_answer_that_waits_for_the_user_is_given_without_scheduling_too(
        self, tmp_path, monkeypatch
    ):
        async def answer(session: LiveSession) -> None:
            silent = ResponseScheduling.SILENT
            held = ToolResponse("x", "ask_core_agent", "done", "Yes.", False, silent, is_held=True)
            await session.respond_to_tools([held])

        config = replace(CONFIG, model="gemini-3.8-live-extended-thinking")
        heard, _ = held(tmp_path, monkeypatch, answer, config=config)
        (response,) = json.loads(heard[1])["tool_response"]["functionResponses"]
        assert response["response"]["answer"] == "Yes."

    def test_an_answer_has_the_name_of_its_call_which_may_lack_an_id(self, tmp_path, monkeypatch):
        async def answer(session: LiveSession) -> None:
            async for call in session.events():
                assert isinstance(call, LiveToolCall)
                response = ToolResponse(call.call_id, call.name, "done", "Yes.", retryable=False)
                await session.respond_to_tools([response])
                break

        called = '{"toolCall":{"functionCalls":[{"name":"ask_core_agent","args":{}}]}}'
        heard, _ = held(tmp_path, monkeypatch, answer, frames=[called])
        (response,) = json.loads(heard[1])["tool_response"]["functionResponses"]
        assert (response["id"], response["name"]) == ("", "ask_core_agent")

    def test_typed_text_is_sent_as_realtime_input_and_not_as_content(self, tmp_path, monkeypatch):
        heard, _ = held(tmp_path, monkeypatch, lambda session: session.send_text("hello"))
        assert json.loads(heard[1]) == {"realtime_input": {"text": "hello"}}

    def test_a_session_continues_after_the_end_of_a_turn(self, tmp_path, monkeypatch):
        over = '{"serverContent":{"turnComplete":true}}'
        later = '{"serverContent":{"outputTranscription":{"text":"Once more."}}}'
        _, events = held(tmp_path, monkeypatch, frames=[over, later, over], then=0)
        assert events[:-1] == [
            LiveTurnComplete(None),
            LiveTranscript(Role.MODEL, "Once more."),
            LiveTurnComplete(None),
        ]

    def test_the_connection_sends_no_pings(self, tmp_path, monkeypatch):
        async def main() -> None:
            frames = ('{"setupComplete":{}}',)
            async with (
                odd_server(tmp_path, monkeypatch, frames=frames, then=1) as model,
                opened(model) as session,
            ):
                # google-genai passes the options to websockets; only the connection shows them.
                connection = session._session._ws  # type: ignore[attr-defined]
                assert connection.ping_interval is None
                await session.end_audio_stream()

        asyncio.run(main())

    def test_unknown_messages_do_not_end_the_session(self, tmp_path, monkeypatch):
        odd = (
            "no json",
            "[1]",
            '{"serverContent":{"modelTurn":"hello"}}',
            '{"serverContent":{"interactionStatus":{"is":"new"}}}',
            '{"news":{}}',
        )
        _, events = held(tmp_path, monkeypatch, frames=odd, then=0)
        assert events[:-1] == [LiveUnknown(())] * len(odd)
        assert isinstance(events[-1], LiveClosed)


async def nothing(_: LiveSession) -> None:
    """Do nothing with a session."""


def held(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[LiveSession], Awaitable[None]] = nothing,
    *,
    config: LiveConfig = CONFIG,
    frames: Sequence[str] = (),
    then: int = 1,
) -> tuple[list[str], list[LiveEvent]]:
    """Run a session; return what the server received, and the events after ``act``.

    Args:
        tmp_path: For the server's certificate.
        monkeypatch: Has the certificate trusted.
        act: Called with the session after its set-up.
        config: The configuration of the session.
        frames: The server's frames.
        then: How many messages after the set-up the server waits for.
    """
    heard: list[str] = []

    async def main() -> list[LiveEvent]:
        sent = ('{"setupComplete":{}}', *frames)
        async with (
            odd_server(tmp_path, monkeypatch, frames=sent, heard=heard, then=then) as model,
            asyncio.timeout(PATIENCE_S),
            opened(model, config) as session,
        ):
            await act(session)
            return [event async for event in session.events()]

    events = asyncio.run(main())
    return heard, events


def set_up_and_answer(
    model_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """Return the set-up and the tool answer that this model receives."""
    answer = ToolResponse("call-1", "ask_core_agent", "done", "Yes.", retryable=False)
    config = replace(CONFIG, model=model_name)
    heard, _ = held(
        tmp_path, monkeypatch, lambda session: session.respond_to_tools([answer]), config=config
    )
    setup, answered = heard
    return setup, answered


@asynccontextmanager
async def odd_server(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    status: int = 101,
    frames: Sequence[str] = (),
    code: int = 1000,
    heard: list[str] | None = None,
    then: int = 0,
) -> AsyncIterator[LiveModel]:
    """Answer handshakes with ``status``, or each session's set-up with ``frames`` and a close.

    ``heard`` is given the set-up, and so many messages that are waited for before the close.
    """
    from repartee.adapters.gemini.live import GeminiLive

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def speak(connection: ServerConnection) -> None:
        received = [await connection.recv(decode=True)]
        for frame in frames:
            await connection.send(frame)
        received += [await connection.recv(decode=True) for _ in range(then)]
        if heard is not None:
            heard.extend(received)
        if code == 1006:
            connection.transport.abort()
        else:
            await connection.close(code)

    def answer(connection: ServerConnection, _request: Request) -> Response | None:
        return None if status == 101 else connection.respond(status, "")

    async with serve(speak, "127.0.0.1", 0, ssl=context, process_request=answer) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield GeminiLive(lambda: "a-key", f"https://127.0.0.1:{port}")
