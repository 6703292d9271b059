"""Each live model is served by its own rules, and an unknown one by the most cautious rules."""

from dataclasses import replace

import pytest

from repartee.domain.audio import OUTPUT_RATE_HZ
from repartee.domain.live.model_profiles import FALLBACK_PROFILE, known_profile_of, profile_of
from repartee.domain.tools.core_calls import ASK_CORE_AGENT
from tests.session_harness import SETTINGS

pytestmark = pytest.mark.unit

MODELS = (
    "gemini-3.8-live",
    "gemini-3.8-live-extended-thinking",
    "gemini-3.1-flash-live-preview",
    "gemini-2.5-flash-native-audio-preview-12-2025",
)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_known_by_its_name_and_by_its_resource_name(model):
    assert known_profile_of(model) is not None
    assert known_profile_of(f"models/{model}") is known_profile_of(model)


@pytest.mark.parametrize("model", ["gemini-4-live", "gemini-3.8-live-mini", "gemini-3.8", ""])
def test_a_model_without_a_profile_gets_the_most_cautious_one(model):
    assert known_profile_of(model) is None
    assert profile_of(model) is FALLBACK_PROFILE


def test_an_edition_of_a_model_behaves_like_the_model():
    assert profile_of("gemini-3.8-live-001") is profile_of("gemini-3.8-live")
    assert profile_of("gemini-3.8-live-extended-thinking") is not profile_of("gemini-3.8-live")


@pytest.mark.parametrize("model", [*MODELS, "gemini-4-live"])
def test_every_model_is_given_the_end_of_speech_and_speaks_at_the_rate_that_clients_play(model):
    profile = profile_of(model)
    assert profile.ends_speech_by_stream_end or profile.silence_burst_ms > 0
    assert profile.output_rate_hz == OUTPUT_RATE_HZ


@pytest.mark.parametrize("model", MODELS)
def test_the_default_tag_of_a_language_is_one_of_its_tags(model):
    languages = profile_of(model).languages
    assert all(tag.startswith(f"{name}-") for name, tags in languages.items() for tag in tags)
    assert "en-US" in languages["en"]


def test_tools_block_where_the_model_has_no_others():
    assert not SETTINGS.blocking_tools
    legacy = replace(SETTINGS, live_model="gemini-3.1-flash-live-preview")
    assert ASK_CORE_AGENT in legacy.blocking_tools
