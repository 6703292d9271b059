"""Checks of the stack's secrets: a value is judged, sent to Gemini, and never printed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.doctor.finding import Finding, ok, unknown, wrong

if TYPE_CHECKING:
    from types_boto3_secretsmanager.client import SecretsManagerClient

GEMINI_KEY = "GeminiKeySecret"
TICKET_KEY = "TicketKeySecret"
# HS256 wants a key as long as its hash (RFC 7518, section 3.2).
_TICKET_KEY_BYTES = 32
_REFUSED = frozenset({400, 401, 403})
_NOT_SERVED = 404
_OK = 200


class KeyKind(StrEnum):
    """What a Gemini key looks like, in words for the report."""

    MISSING = "it has no value"
    PADDED = "there is a space or a line break around the key"
    JSON = "it holds JSON, not the plain key"
    AUTH = "an auth key (AQ.…)"
    STANDARD = "a standard key (AIza…)"
    OTHER = "a key of a kind that is not known"


def classify_key(value: str | None) -> KeyKind:
    """Return what a secret's value looks like.

    Google AI Studio issues auth keys only; standard keys are refused since September 2026 (Google's
    page on API keys).
    """
    if value is None or not value.strip():
        return KeyKind.MISSING
    if value != value.strip():
        return KeyKind.PADDED
    if value.startswith(("{", '"')):
        return KeyKind.JSON
    if value.startswith("AQ."):
        return KeyKind.AUTH
    return KeyKind.STANDARD if value.startswith("AIza") else KeyKind.OTHER


@dataclass(frozen=True, slots=True)
class GeminiAnswer:
    """What the Gemini API answered about a model.

    Attributes:
        model: The model that was asked about.
        status: HTTP status; None where no answer came.
        reason: The API's words, or why no answer came.
    """

    model: str
    status: int | None
    reason: str = ""


def read_secret(client: "SecretsManagerClient", secret_id: str) -> str | None:
    """Return the secret's text, None where it has no value.

    Raises:
        ClientError: Secrets Manager refused.
    """
    try:
        return client.get_secret_value(SecretId=secret_id).get("SecretString")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise


def judge_ticket_key(value: str | None, secret_id: str) -> Finding:
    """Say whether the key can sign tickets."""
    size = len((value or "").encode())
    if size >= _TICKET_KEY_BYTES:
        return ok(TICKET_KEY, f"{size} bytes")
    return wrong(
        TICKET_KEY,
        f"it holds {size} bytes; at least {_TICKET_KEY_BYTES} are needed",
        f"aws secretsmanager put-secret-value --secret-id {secret_id} "
        '--secret-string "$(openssl rand -hex 32)"',
    )


def can_be_asked(kind: KeyKind) -> bool:
    """Tell whether a key of this kind can be sent to Gemini at all."""
    return kind not in {KeyKind.MISSING, KeyKind.PADDED, KeyKind.JSON}


def judge_gemini_key(kind: KeyKind, answers: list[GeminiAnswer], secret_id: str) -> Finding:
    """Say whether Gemini takes the key and serves the models.

    Args:
        kind: What the key looks like.
        answers: One for each model; empty where Gemini was not asked.
        secret_id: Where the key belongs.
    """
    put = (
        f"aws secretsmanager put-secret-value --secret-id {secret_id} "
        '--secret-string "$GEMINI_API_KEY"'
    )
    new = f"make a key at https://aistudio.google.com/apikey, then {put}"
    if not can_be_asked(kind):
        return wrong(GEMINI_KEY, kind.value, put)
    for answer in answers:
        if answer.status in _REFUSED:
            return wrong(GEMINI_KEY, f"{kind.value}; Gemini refuses it: {_said(answer)}", new)
        if answer.status == _NOT_SERVED:
            return wrong(
                GEMINI_KEY,
                f"{kind.value}; Gemini takes it and does not serve {answer.model}: {_said(answer)}",
                "deploy with another GeminiLiveModel, GeminiCoreModel or GeminiCoreFallbackModel",
            )
    unanswered = [answer for answer in answers if answer.status != _OK]
    if unanswered or not answers:
        said = _said(unanswered[0]) if unanswered else "Gemini was not asked"
        if kind is KeyKind.STANDARD:
            return wrong(GEMINI_KEY, f"{kind.value}, which Google refuses by now; {said}", new)
        return unknown(GEMINI_KEY, f"{kind.value}; {said}")
    served = ", ".join(answer.model for answer in answers)
    warning = "; Google is withdrawing such keys" if kind is KeyKind.STANDARD else ""
    return ok(GEMINI_KEY, f"{kind.value}, answers for {served}{warning}")


def _said(answer: GeminiAnswer) -> str:
    return f"{answer.status or 'no answer'} {answer.reason}".strip()
