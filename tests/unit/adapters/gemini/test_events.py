"""The events of google-genai become events of the domain."""

from typing import Any

import pytest
from google.genai.types import LiveServerMessage

from repartee.adapters.gemini.events import duration_ms, translate
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

pytestmark = pytest.mark.unit


def events_of(**message: Any) -> list[LiveEvent]:
    return list(translate(LiveServerMessage.model_validate(message)))


def test_each_audio_part_of_a_message_is_passed_on_in_order():
    parts = [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}} for data in
             ("AAE=", "AgM=")]  # fmt: skip
    assert events_of(serverContent={"modelTurn": {"parts": parts}}) == [
        LiveAudio(b"\0\1"),
        LiveAudio(b"\2\3"),
    ]


def test_transcripts_of_both_sides_are_distinguished():
    content = {
        "inputTranscription": {"text": "hello", "finished": True},
        "outputTranscription": {"text": "hi"},
    }
    assert events_of(serverContent=content) == [
        LiveTranscript(Role.USER, "hello", final=True),
        LiveTranscript(Role.MODEL, "hi", final=False),
    ]


def test_an_empty_transcript_says_nothing():
    assert events_of(serverContent={"inputTranscription": {"finished": True}}) == []


def test_an_interruption_comes_first_and_the_end_of_the_turn_last():
    message = {
        "serverContent": {
            "interrupted": True,
            "turnComplete": True,
            "modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": "AAE="}}]},
        },
        "usageMetadata": {"promptTokenCount": 3},
    }
    kinds = [type(event) for event in events_of(**message)]
    assert kinds == [LiveInterrupted, LiveUsage, LiveAudio, LiveTurnComplete]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, None),
        ({"interactionStatus": "IDLE"}, TurnStatus.IDLE),
        ({"interactionStatus": "REQUIRES_ACTION"}, TurnStatus.IDLE),
        ({"interactionStatus": "IN_PROGRESS"}, TurnStatus.IN_PROGRESS),
        ({"interactionStatus": "INTERACTION_STATUS_UNSPECIFIED"}, TurnStatus.IN_PROGRESS),
    ],
)
def test_the_end_of_a_turn_carries_the_models_own_status(status, expected):
    content = {"generationComplete": True, "turnComplete": True, **status}
    assert events_of(serverContent=content) == [
        LiveGenerationComplete(),
        LiveTurnComplete(expected),
    ]


def test_a_tool_calls_arguments_are_canonical_so_that_equal_calls_look_equal():
    calls = [{"id": "1", "name": "ask", "args": {"b": 1, "a": "x"}}, {"id": "2", "name": "end"}]
    assert events_of(toolCall={"functionCalls": calls}) == [
        LiveToolCall("1", "ask", '{"a":"x","b":1}'),
        LiveToolCall("2", "end", "{}"),
    ]


def test_a_call_that_stands_among_the_models_parts_too_is_one_call():
    call = {"id": "1", "name": "ask", "args": {}}
    message = {
        "serverContent": {"modelTurn": {"parts": [{"functionCall": call}]}},
        "toolCall": {"functionCalls": [call]},
    }
    assert events_of(**message) == [LiveToolCall("1", "ask", "{}")]


def test_the_models_thoughts_are_not_passed_on():
    thought = {"text": "The user is on time, so I call the tool.", "thought": True}
    audio = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AAE="}}
    parts = [thought, audio, {"text": "At three."}, {"text": ""}]
    assert events_of(serverContent={"modelTurn": {"parts": parts}}) == [
        LiveAudio(b"\0\1"),
        LiveText("At three."),
    ]


def test_cancelled_calls_are_named():
    assert events_of(toolCallCancellation={"ids": ["1", "2"]}) == [
        LiveToolCallsCancelled(("1", "2"))
    ]


def test_go_away_carries_the_time_that_is_left():
    assert events_of(goAway={"timeLeft": "1.5s"}) == [LiveGoAway(1500)]


@pytest.mark.parametrize(
    ("text", "expected"), [(None, 0), ("50s", 50_000), ("soon", 0), ("inf", 0)]
)
def test_a_duration_that_cannot_be_read_leaves_no_time(text, expected):
    assert duration_ms(text) == expected


def test_usage_is_summed_by_direction_and_modality():
    usage = {
        "promptTokenCount": 30,
        "responseTokenCount": 9,
        "thoughtsTokenCount": 2,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 10},
            {"modality": "AUDIO", "tokenCount": 20},
        ],
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}],
    }
    assert events_of(usageMetadata=usage) == [LiveUsage(TokenUsage(10, 20, 2, 9))]


def test_tool_answers_count_as_input_although_they_are_listed_separately():
    usage = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 7,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}],
    }
    assert events_of(usageMetadata=usage) == [LiveUsage(TokenUsage(text_in=17))]


def test_tokens_without_a_modality_are_counted_as_the_dearer_audio():
    usage = {
        "promptTokenCount": 30,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
    }
    assert events_of(usageMetadata=usage) == [LiveUsage(TokenUsage(text_in=10, audio_in=20))]
