"""The messages that each Live model accepts, by the simulator's table."""

import json
from typing import Any

import pytest

from local.gemini.live.model_rules import ModelRules, model_rules_of
from local.gemini.live.protocol import ServerClose, Setup, parse_client_message
from repartee.domain.live.model_profiles import profile_of

pytestmark = pytest.mark.unit

LIVE = "gemini-3.8-live"
THINKING = "gemini-3.8-live-extended-thinking"
FLASH = "gemini-3.1-flash-live-preview"
NATIVE = "gemini-2.5-flash-native-audio-preview-12-2025"
MODELS = (LIVE, THINKING, FLASH, NATIVE)

LEVEL = {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}}
AFFECTIVE = {"generationConfig": {"enableAffectiveDialog": True}}
NOT_PROACTIVE = {"proactivity": {"proactiveAudio": False}}
LATIN_AMERICA = {"generationConfig": {"speechConfig": {"languageCode": "es-419"}}}
SPAIN = {"generationConfig": {"speechConfig": {"languageCode": "es-ES"}}}


def tool(behavior: str | None) -> dict[str, Any]:
    declared = {"name": "f"} if behavior is None else {"name": "f", "behavior": behavior}
    return {"tools": [{"functionDeclarations": [declared]}]}


def setup_of(model: str, fields: dict[str, Any]) -> Setup:
    setup = parse_client_message(
        json.dumps({"setup": {"model": f"models/{model}", **fields}})
    ).setup
    assert setup is not None
    return setup


def code_of(model: str, fields: dict[str, Any]) -> int | None:
    """The code with which a set-up is refused; None where it is accepted."""
    try:
        model_rules_of(model).check_setup(setup_of(model, fields))
    except ServerClose as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    ("fields", "refusing"),
    [
        ({}, {THINKING}),
        (LEVEL, {LIVE}),
        ({"generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}, {LIVE, THINKING}),
        (LEVEL | tool("BLOCKING"), {LIVE, THINKING}),
        (AFFECTIVE, {LIVE, THINKING, FLASH}),
        (NOT_PROACTIVE, {LIVE, THINKING, FLASH}),
        (LATIN_AMERICA, {THINKING, NATIVE}),
        (SPAIN, {THINKING}),
        ({"generationConfig": {"responseModalities": ["TEXT"]}}, set(MODELS)),
    ],
)
def test_each_model_refuses_what_it_does_not_know(fields, refusing):
    codes = {model: code_of(model, fields) for model in MODELS}
    assert codes == {model: 1007 if model in refusing else None for model in MODELS}


@pytest.mark.parametrize("model", ["gemini-9", "gemini-3.8-live-x", "gemini-3.8-flash", ""])
def test_an_unknown_model_is_refused_like_one_that_is_not_served(model):
    with pytest.raises(ServerClose, match="not found") as refused:
        model_rules_of(model)
    assert refused.value.code == 1008


@pytest.mark.parametrize(
    ("behavior", "blocking"),
    [(None, {FLASH, NATIVE}), ("BLOCKING", set(MODELS)), ("NON_BLOCKING", {FLASH})],
)
def test_which_functions_block_their_turn_depends_on_the_model(behavior, blocking):
    (function,) = setup_of(LIVE, tool(behavior)).functions
    found = {model for model in MODELS if model_rules_of(model).is_blocking(function)}
    assert found == blocking


@pytest.mark.parametrize("model", MODELS)
def test_only_extended_thinking_refuses_scheduling_in_a_tool_answer(model):
    def answered(**hint: str) -> None:
        response = {"id": "1", "name": "f", "response": {}, **hint}
        frame = json.dumps({"toolResponse": {"functionResponses": [response]}})
        given = parse_client_message(frame).tool_response
        assert given is not None
        model_rules_of(model).check_response(given.function_responses[0])

    answered()
    if model == THINKING:
        with pytest.raises(ServerClose) as refused:
            answered(scheduling="WHEN_IDLE")
        assert refused.value.code == 1007
    else:
        answered(scheduling="WHEN_IDLE")


@pytest.mark.parametrize("model", MODELS)
def test_the_product_gives_each_model_what_ends_the_users_speech(model):
    """The two tables were made apart from each other; where they disagree, calls would hang."""
    theirs: ModelRules = model_rules_of(model)
    ours = profile_of(model)
    ends_by_mark = theirs.obeys_audio_stream_end and ours.ends_speech_by_stream_end
    assert ends_by_mark or ours.silence_burst_ms > theirs.silence_ms
    assert ours.sends_status or not theirs.sends_status
    assert theirs.takes_scheduling or not ours.takes_scheduling
    assert not (theirs.thinking == "required" and ours.thinking_level is None)
    assert not (theirs.thinking == "refused" and ours.thinking_level is not None)
