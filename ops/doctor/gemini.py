"""Asks the Gemini API about models with the deployed key, without cost."""

from collections.abc import Iterable

from ops.doctor.keys import GeminiAnswer

# The service refuses deadlines below 10 s.
_TIMEOUT_MS = 15_000


def ask(key: str, base_url: str, models: Iterable[str]) -> list[GeminiAnswer]:
    """Read the description of each model; stop at the first error.

    Args:
        key: The Gemini API key.
        base_url: The API's address; empty for Google's servers.
        models: The names of the models.
    """
    # The import takes a second, and is not needed before the first deployment.
    import httpx
    from google import genai
    from google.genai import errors, types

    client = genai.Client(
        api_key=key,
        http_options=types.HttpOptions(
            api_version="v1beta", base_url=base_url or None, timeout=_TIMEOUT_MS
        ),
    )
    answers: list[GeminiAnswer] = []
    for model in models:
        try:
            client.models.get(model=model)
        except errors.APIError as error:
            # Only the status is kept, because the message may quote the request.
            answers.append(GeminiAnswer(model, error.code, error.status or ""))
            break
        except (httpx.HTTPError, OSError, ValueError) as error:
            answers.append(GeminiAnswer(model, None, type(error).__name__))
            break
        answers.append(GeminiAnswer(model, 200))
    client.close()
    return answers
