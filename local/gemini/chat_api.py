"""Serves generateContent and streamGenerateContent of chat models over HTTP."""

import asyncio
import base64
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from local.gemini.faults import Faults
from local.gemini.live.context import text_tokens
from local.gemini.live.protocol import Content, Json, ServerClose, Tool, check_key
from local.gemini.live.records import ChatRecorder
from local.gemini.mind import core_mind
from local.gemini.mind.core_mind import Answer, Message
from local.gemini.mind.known import DeclaredFunction, ToolCall
from local.gemini.mind.tool_files import ToolBook

PATH = r"/{prefix:.*}models/{model:[\w.-]+}:{method:generateContent|streamGenerateContent}"
MIN_DEADLINE_S = 10


class RestError(Exception):
    """An error in the form of Google's APIs."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> web.Response:
        error = {"code": self.status, "message": self.message, "status": self.code}
        return web.json_response({"error": error}, status=self.status)


class _Call(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str
    args: Json = {}


class _Response(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str = ""
    response: Json = {}


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")
    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: _Call | None = None
    function_response: _Response | None = None


class _Content(BaseModel):
    role: str = "user"
    parts: tuple[_Part, ...] = ()

    def message(self) -> Message:
        texts = [part.text for part in self.parts if part.text and not part.thought]
        calls = [part.function_call for part in self.parts if part.function_call]
        answers = [part.function_response for part in self.parts if part.function_response]
        return Message(
            role="model" if self.role == "model" else "user",
            text="\n".join(texts),
            calls=tuple(ToolCall(call.name, call.args) for call in calls),
            responses=tuple((answer.name, answer.response) for answer in answers),
        )


class _Settings(BaseModel):
    """Settings; those without an effect in the simulator are accepted."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class _Thinking(_Settings):
    thinking_level: str = ""


class _GenerationConfig(_Settings):
    thinking_config: _Thinking = _Thinking()


class GenerateRequest(_Settings):
    """A generateContent body."""

    contents: tuple[_Content, ...]
    generation_config: _GenerationConfig = _GenerationConfig()
    system_instruction: Content | None = None
    tools: tuple[Tool, ...] = ()


class ChatApi:
    """Handlers of the chat API; ``served`` counts the answered requests."""

    def __init__(self, faults: Faults, tools: ToolBook, record: ChatRecorder) -> None:
        self._faults = faults
        self._tools = tools
        self._record = record
        self.served = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.post(PATH, self.generate)]

    async def generate(self, request: web.Request) -> web.StreamResponse:
        try:
            _check_deadline(request.headers.get("X-Server-Timeout"))
            if slow := self._faults.take("slow_rest"):
                await asyncio.sleep(slow.delay_ms / 1000)
            body = self._answer(request, await request.read())
        except RestError as error:
            return error.response()
        self.served += 1
        if request.match_info["method"] == "generateContent":
            return web.json_response(body)
        return await _stream(request, body)

    def _answer(self, request: web.Request, data: bytes) -> Json:
        if fault := self._faults.take("rest_error"):
            code = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}.get(fault.status, "INTERNAL")
            raise RestError(fault.status, code, fault.reason)
        key = request.headers.get("x-goog-api-key") or request.query.get("key")
        try:
            check_key(key)
        except ServerClose as refused:
            raise RestError(400, "INVALID_ARGUMENT", refused.reason) from refused
        model = request.match_info["model"]
        if not model.startswith("gemini-") or "live" in model:
            message = f"models/{model} is not found, or is not supported for generateContent."
            raise RestError(404, "NOT_FOUND", message)
        try:
            parsed = GenerateRequest.model_validate_json(data)
        except ValidationError as error:
            raise RestError(400, "INVALID_ARGUMENT", str(error.errors()[0]["msg"])) from error
        _check_thinking(model, parsed)
        _check_signatures(parsed)
        body = _body(model, parsed, self._tools)
        self._record.event(**answered(parsed, body["candidates"][0]["content"]["parts"]))
        return body


def _check_deadline(server_timeout_s: str | None) -> None:
    """Refuse deadlines that the service refuses since October 2025 (livekit/agents#3723)."""
    if server_timeout_s is not None and float(server_timeout_s) < MIN_DEADLINE_S:
        message = (
            f"Manually set deadline {server_timeout_s}s is too short. "
            f"Minimum allowed deadline is {MIN_DEADLINE_S}s."
        )
        raise RestError(400, "INVALID_ARGUMENT", message)


def _check_thinking(model: str, request: GenerateRequest) -> None:
    """Refuse a thinking level for models before Gemini 3 (RooCodeInc/Roo-Code#10700)."""
    if model < "gemini-3" and request.generation_config.thinking_config.thinking_level:
        message = "Thinking level is not supported for this model."
        raise RestError(400, "INVALID_ARGUMENT", message)


def _check_signatures(request: GenerateRequest) -> None:
    """Require the thought signature of each step of the current turn, as Gemini 3 does."""
    contents = request.contents
    asked = max(
        (i for i, one in enumerate(contents) if one.role == "user" and one.message().text),
        default=0,
    )
    for content in contents[asked:]:
        calls = [part for part in content.parts if part.function_call]
        if calls and not calls[0].thought_signature:
            message = "Function call is missing a thought_signature in functionCall parts."
            raise RestError(400, "INVALID_ARGUMENT", message)


def _body(model: str, request: GenerateRequest, tools: ToolBook) -> Json:
    declared = [one for tool in request.tools for one in tool.function_declarations]
    functions = [
        DeclaredFunction(one.name, one.description, one.parameters_json_schema or one.parameters)
        for one in declared
    ]
    instruction = request.system_instruction.text if request.system_instruction else ""
    answer = core_mind.respond(
        instruction,
        [content.message() for content in request.contents],
        functions,
        datetime.now(UTC).replace(tzinfo=None),
        tools,
    )
    parts = _parts(answer)
    prompt = text_tokens(instruction) + sum(
        text_tokens(part.model_dump_json(exclude_unset=True))
        for content in request.contents
        for part in content.parts
    )
    prompt += sum(text_tokens(one.model_dump_json(exclude_unset=True)) for one in declared)
    said = text_tokens(answer.text or json.dumps(parts))
    return {
        "candidates": [
            {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        ],
        "usageMetadata": {
            "promptTokenCount": prompt,
            "candidatesTokenCount": said,
            "totalTokenCount": prompt + said,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        },
        "modelVersion": model,
        "responseId": secrets.token_urlsafe(12),
    }


def answered(request: GenerateRequest, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the results that a request ends with, and the calls or the text of its answer."""
    responses = request.contents[-1].message().responses if request.contents else ()
    return {
        "results": [{"name": name, "response": response} for name, response in responses],
        "calls": [one["functionCall"] for one in parts if "functionCall" in one],
        "said": " ".join(one["text"] for one in parts if "text" in one),
    }


def _parts(answer: Answer) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"functionCall": {"name": call.name, "args": call.args}} for call in answer.calls
    ]
    if not parts:
        return [{"text": answer.text}]
    # Only the first of several parallel calls has the signature.
    parts[0]["thoughtSignature"] = base64.b64encode(secrets.token_bytes(24)).decode()
    return parts


async def _stream(request: web.Request, body: Json) -> web.StreamResponse:
    """Send server-sent events: the text in two pieces, the finish reason and usage in the last."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    (candidate,) = body["candidates"]
    parts = candidate["content"]["parts"]
    pieces = [parts]
    if "text" in parts[0]:
        text = parts[0]["text"]
        half = text.find(" ", len(text) // 2)
        if half > 0:
            pieces = [[{"text": text[:half]}], [{"text": text[half:]}]]
    for number, piece in enumerate(pieces, start=1):
        chunk = {**body, "candidates": [{"content": {"role": "model", "parts": piece}, "index": 0}]}
        if number == len(pieces):
            chunk["candidates"][0]["finishReason"] = candidate["finishReason"]
        await response.write(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n")
    await response.write_eof()
    return response
