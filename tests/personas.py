"""Personas: the default one for tests that need any, and others for tests of their texts."""

from repartee.adapters.personas import load_persona
from repartee.config import DEFAULT_PERSONA
from repartee.domain.live.model_profiles import FALLBACK_PROFILE
from repartee.domain.live.persona_prompt import live_persona, tools_of
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallStatus
from tests.documents import ROOT

FRONT_DESK = load_persona(DEFAULT_PERSONA)
PIZZERIA = load_persona("pizzeria")
BAKERY = load_persona("bakery", ROOT / "tests" / "fixtures" / "personas")
LIVE_PERSONA = live_persona(DEFAULT_PERSONA, FRONT_DESK)
PHRASES = LIVE_PERSONA.phrases
TOOLS = tools_of(FRONT_DESK, FALLBACK_PROFILE)
NO_ANSWER = CoreAnswer(ToolCallStatus.FAILED, PHRASES.no_answer, retryable=True)
