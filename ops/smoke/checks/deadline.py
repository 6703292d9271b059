"""Tests which client deadlines Gemini's REST API accepts."""

from collections.abc import Callable, Mapping
from decimal import Decimal

import httpx
from google import genai
from google.genai import errors, types

from ops.finding import Finding, judged, noted
from ops.smoke.check_context import CheckNotRunError, prices_of
from repartee.adapters.gemini.live import API_VERSION
from repartee.domain.cost.usage import TokenUsage

BELOW_MINIMUM_S = 8
MINIMUM_S = 10
_OUTPUT_TOKENS = 200


def findings(
    api_key: str, model: str, base_url: str, spend: Callable[[Decimal], None]
) -> list[Finding]:
    """Make the same small call with a deadline below the minimum, and with the minimum.

    Raises:
        CheckNotRunError: A call failed for another reason than its deadline.
    """
    client = genai.Client(
        api_key=api_key,
        http_options=types.HttpOptions(api_version=API_VERSION, base_url=base_url or None),
    )
    try:
        refusals = {
            seconds: _call(client, model, seconds, spend)
            for seconds in (BELOW_MINIMUM_S, MINIMUM_S)
        }
    finally:
        client.close()
    return judge(refusals)


def _call(
    client: genai.Client, model: str, deadline_s: int, spend: Callable[[Decimal], None]
) -> str:
    """Return the refusal as text, "" if the call was answered."""
    try:
        answer = client.models.generate_content(
            model=model,
            contents="Say yes.",
            config=types.GenerateContentConfig(
                max_output_tokens=_OUTPUT_TOKENS,
                thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW),
                http_options=types.HttpOptions(headers={"X-Server-Timeout": str(deadline_s)}),
            ),
        )
    except errors.APIError as error:
        if "deadline" in (error.message or ""):
            return f"refused with {error.code} {error.message}"
        raise CheckNotRunError(f"{model} answers {error.code} {error.message}") from error
    except httpx.HTTPError as error:
        raise CheckNotRunError(f"{model} was not reached: {type(error).__name__}") from error
    if answer.usage_metadata is not None:
        used = answer.usage_metadata
        out = (used.candidates_token_count or 0) + (used.thoughts_token_count or 0)
        spend(prices_of(model).cost_usd(TokenUsage(used.prompt_token_count or 0, 0, out, 0)))
    return ""


def judge(refusals: Mapping[int, str]) -> list[Finding]:
    """Judge the refusals by deadline in seconds; "" stands for an answered call."""
    below, at = refusals[BELOW_MINIMUM_S], refusals[MINIMUM_S]
    return [
        noted(
            f"a model call with a deadline of {BELOW_MINIMUM_S} s",
            below or "served",
            f"core_agent never requests less than {MINIMUM_S} s and enforces its own limit"
            + ("" if below else "; the service accepts less"),
        ),
        judged(
            f"a model call with a deadline of {MINIMUM_S} s",
            not at,
            at or "served",
            "nothing to set"
            if not at
            else "core_agent's calls with little time left are refused: choose another "
            "GeminiCoreModel",
        ),
    ]
