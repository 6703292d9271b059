"""Translates the messages of google-genai's Live session into domain events."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import (
    LiveAudio,
    LiveEvent,
    LiveGenerationComplete,
    LiveGoAway,
    LiveInterrupted,
    LiveText,
    LiveToolCall,
    LiveToolCallsCancelled,
    LiveTranscript,
    LiveTurnComplete,
    LiveUsage,
    Role,
    TurnStatus,
)
from repartee.domain.text.characters import cleaned

if TYPE_CHECKING:
    from google.genai.types import (
        LiveServerContent,
        LiveServerMessage,
        ModalityTokenCount,
        Transcription,
        UsageMetadata,
    )

# According to google-genai, REQUIRES_ACTION is a deprecated alias of IDLE. A client that read it as
# IN_PROGRESS waited without end (AidenAI-IO/aiden-firmware#708).
_IDLE_STATUSES = {"IDLE", "REQUIRES_ACTION"}


def translate(message: "LiveServerMessage") -> Iterator[LiveEvent]:
    """Yield the events of one server message, in the order that a session needs.

    Usage comes before the end of the turn that it belongs to, an interruption before anything
    that follows it.
    """
    content = message.server_content
    if content is not None and content.interrupted:
        yield LiveInterrupted()
    if message.usage_metadata is not None:
        yield LiveUsage(_usage(message.usage_metadata))
    if content is not None:
        yield from _content(content)
    if message.tool_call is not None:
        for call in message.tool_call.function_calls or []:
            arguments = json.dumps(_clean(call.args or {}), sort_keys=True, separators=(",", ":"))
            yield LiveToolCall(call.id or "", call.name or "", arguments)
    if message.tool_call_cancellation is not None:
        yield LiveToolCallsCancelled(tuple(message.tool_call_cancellation.ids or ()))
    if message.go_away is not None:
        yield LiveGoAway(duration_ms(message.go_away.time_left))
    if content is not None and content.turn_complete:
        yield LiveTurnComplete(_status(content))


def _content(content: "LiveServerContent") -> Iterator[LiveEvent]:
    yield from _transcript(Role.USER, content.input_transcription)
    if content.model_turn is not None:
        for part in content.model_turn.parts or []:
            if part.inline_data is not None and part.inline_data.data:
                yield LiveAudio(part.inline_data.data)
            elif (text := cleaned(part.text or "")) and not part.thought:
                yield LiveText(text)
    yield from _transcript(Role.MODEL, content.output_transcription)
    if content.generation_complete:
        yield LiveGenerationComplete()


def _transcript(role: Role, transcription: "Transcription | None") -> Iterator[LiveEvent]:
    if transcription is not None and (text := cleaned(transcription.text or "")):
        yield LiveTranscript(role, text, bool(transcription.finished))


def _clean(value: object) -> object:
    """Return a call's arguments with clean texts, because tables and events store them."""
    match value:
        case str():
            return cleaned(value)
        case list():
            return [_clean(one) for one in value]
        case dict():
            return {cleaned(name): _clean(one) for name, one in value.items()}
        case _:
            return value


def _status(content: "LiveServerContent") -> TurnStatus | None:
    status = content.interaction_status
    if status is None:
        return None
    # A status of a later API version is not known to be the end.
    return TurnStatus.IDLE if status.value in _IDLE_STATUSES else TurnStatus.IN_PROGRESS


def _usage(usage: "UsageMetadata") -> TokenUsage:
    text_in, audio_in = _by_modality(usage.prompt_tokens_details, usage.prompt_token_count)
    text_out, audio_out = _by_modality(usage.response_tokens_details, usage.response_token_count)
    # According to google-genai, the total is the sum of these four. Tools answer in text.
    text_in += usage.tool_use_prompt_token_count or 0
    text_out += usage.thoughts_token_count or 0
    return TokenUsage(text_in, audio_in, text_out, audio_out)


def _by_modality(details: "list[ModalityTokenCount] | None", total: int | None) -> tuple[int, int]:
    """Return text and audio tokens; tokens without details count as audio, which costs more.

    Details need not add up to the total (discuss.ai.google.dev, thread 188765).
    """
    text = audio = 0
    for detail in details or []:
        if detail.modality is not None and detail.modality.value == "TEXT":
            text += detail.token_count or 0
        else:
            audio += detail.token_count or 0
    return text, audio + max(0, (total or 0) - text - audio)


def duration_ms(duration: str | None) -> int:
    """Read a protobuf duration such as ``50s`` or ``1.5s``; return 0 for any other text."""
    try:
        return int(float((duration or "0s").removesuffix("s")) * 1000)
    except (ValueError, OverflowError):
        return 0
