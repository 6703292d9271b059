"""One user's conversation: a Gemini Live session and a LangChain agent in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web
from google import genai
from google.genai import types
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage, HumanMessage
from langchain_core.tools import tool

if TYPE_CHECKING:
    from google.genai.live import AsyncSession

_PERSONA = (
    "You are the voice of a front desk. Speak warmly and briefly. For anything about opening "
    "hours or appointments call ask_core_agent and say its answer."
)
_AUDIO = "audio/pcm;rate=16000"


@tool
def opening_hours(date: str) -> str:
    """Return the opening hours of one day, given as YYYY-MM-DD."""
    return f"Open on {date} from 9 a.m. to 5 p.m."


class Conversation:
    """A conversation of one WebSocket; its history is in the agent's messages and in Gemini."""

    def __init__(
        self, socket: web.WebSocketResponse, session: "AsyncSession", model: BaseChatModel
    ) -> None:
        self._socket = socket
        self._session = session
        self._messages: list[AnyMessage] = []
        self._agent = create_agent(
            model,
            [opening_hours],
            system_prompt=f"{_PERSONA} It is {datetime.now(UTC):%A, %Y-%m-%d, %H:%M}.",
        )

    async def take_audio(self, pcm: bytes) -> None:
        """Send the user's PCM16 mono 16 kHz to Gemini."""
        await self._session.send_realtime_input(audio=types.Blob(data=pcm, mime_type=_AUDIO))

    async def take_text(self, text: str) -> None:
        """Send the user's text to Gemini."""
        await self._session.send_realtime_input(text=text)

    async def speak(self) -> None:
        """Send Gemini's messages to the user until the connection ends."""
        while True:
            async for message in self._session.receive():
                await self._pass_on(message)

    async def _pass_on(self, message: types.LiveServerMessage) -> None:
        if message.tool_call is not None:
            for call in message.tool_call.function_calls or []:
                await self._answer(call)
        content = message.server_content
        if content is None:
            return
        if content.model_turn is not None:
            for part in content.model_turn.parts or []:
                if part.inline_data is not None and part.inline_data.data:
                    await self._socket.send_bytes(part.inline_data.data)
        for role, heard in (
            ("user", content.input_transcription),
            ("model", content.output_transcription),
        ):
            if heard is not None and heard.text:
                await self._socket.send_json(
                    {"type": "transcript", "role": role, "text": heard.text}
                )
        if content.interrupted:
            await self._socket.send_json({"type": "interrupted"})
        # A turn that waits for a tool's answer continues after it.
        status = content.interaction_status
        if content.turn_complete and (status is None or status.value == "IDLE"):
            await self._socket.send_json({"type": "turn_end"})

    async def _answer(self, call: types.FunctionCall) -> None:
        question = str((call.args or {}).get("question", ""))
        self._messages.append(HumanMessage(question))
        asked: Any = {"messages": self._messages}
        state = await asyncio.to_thread(self._agent.invoke, asked)
        self._messages = list(state["messages"])
        await self._session.send_tool_response(
            function_responses=[
                types.FunctionResponse(
                    id=call.id, name=call.name, response={"answer": self._messages[-1].text}
                )
            ]
        )


@asynccontextmanager
async def open_conversation(
    socket: web.WebSocketResponse, client: genai.Client, live_model: str, model: BaseChatModel
) -> AsyncIterator[Conversation]:
    """Open a Live session for one WebSocket; leaving closes it."""
    question = types.Schema(type=types.Type.STRING, description="The complete request.")
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        system_instruction=_PERSONA,
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        tools=[
            types.Tool(
                function_declarations=[
                    types.FunctionDeclaration(
                        name="ask_core_agent",
                        description="Looks up opening hours and appointments.",
                        behavior=types.Behavior.NON_BLOCKING,
                        parameters=types.Schema(
                            type=types.Type.OBJECT,
                            properties={"question": question},
                            required=["question"],
                        ),
                    )
                ]
            )
        ],
    )
    async with client.aio.live.connect(model=live_model, config=config) as session:
        yield Conversation(socket, session, model)
