"""Checks the stack's secrets; the values are never printed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.finding import Finding, ok, unknown, wrong

if TYPE_CHECKING:
    from types_boto3_secretsmanager.client import SecretsManagerClient

GEMINI_KEY = "GeminiKeySecret"
TICKET_KEY = "TicketKeySecret"
# HS256 requires a key that is at least as long as its hash (RFC 7518, section 3.2).
_TICKET_KEY_BYTES = 32
_REFUSED = frozenset({400, 401, 403})
_NOT_SERVED = 404
_OK = 200


class KeyKind(StrEnum):
    """The form of a Gemini key; the values are texts of the report."""

    MISSING = "it has no value"
    PADDED = "there is a space or a line break around the key"
    JSON = "it holds JSON, not the plain key"
    AUTH = "an auth key (AQ.…)"
    STANDARD = "a standard key (AIza…)"
    OTHER = "a key of an unknown kind"


def classify_key(value: str | None) -> KeyKind:
    """Return the form of a secret's value.

    Google AI Studio issues only auth keys, and Google refuses standard keys since September 2026
    (Google's page on API keys).
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
    """The answer of the Gemini API about a model.

    Attributes:
        model: The model.
        status: The HTTP status; None without an answer.
        reason: The status name of the API, or the error that prevented an answer.
    """

    model: str
    status: int | None
    reason: str = ""


def read_secret(client: "SecretsManagerClient", secret_id: str) -> str | None:
    """Return the secret's text; None if it has no value.

    Raises:
        ClientError: Secrets Manager refused the request.
    """
    try:
        return client.get_secret_value(SecretId=secret_id).get("SecretString")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise


def judge_ticket_key(value: str | None, secret_id: str) -> Finding:
    """Check whether the key can sign tickets."""
    size = len((value or "").encode())
    if size >= _TICKET_KEY_BYTES:
        return ok(TICKET_KEY, f"{size} bytes")
    return wrong(
        TICKET_KEY,
        f"it holds {size} bytes; at least {_TICKET_KEY_BYTES} are needed",
        f"aws secretsmanager put-secret-value --secret-id {secret_id} "
        '--secret-string "$(openssl rand -hex 32)"',
    )


def can_be_tested(kind: KeyKind) -> bool:
    """Return whether a key of this kind can be tested with Gemini."""
    return kind not in {KeyKind.MISSING, KeyKind.PADDED, KeyKind.JSON}


def judge_gemini_key(kind: KeyKind, answers: list[GeminiAnswer], secret_id: str) -> Finding:
    """Check whether Gemini accepts the key and serves the models.

    Args:
        kind: The form of the key.
        answers: One answer for each model; empty if Gemini was not asked.
        secret_id: The ARN of the secret.
    """
    put = (
        f"aws secretsmanager put-secret-value --secret-id {secret_id} "
        '--secret-string "$GEMINI_API_KEY"'
    )
    new = f"create a key at https://aistudio.google.com/apikey, then {put}"
    if not can_be_tested(kind):
        return wrong(GEMINI_KEY, kind.value, put)
    for answer in answers:
        if answer.status in _REFUSED:
            return wrong(GEMINI_KEY, f"{kind.value}; Gemini refuses it: {_said(answer)}", new)
        if answer.status == _NOT_SERVED:
            return wrong(
                GEMINI_KEY,
                f"{kind.value}; Gemini accepts it, but does not serve {answer.model}: "
                f"{_said(answer)}",
                "deploy with another GeminiLiveModel, GeminiCoreModel or GeminiCoreFallbackModel",
            )
    unanswered = [answer for answer in answers if answer.status != _OK]
    if unanswered or not answers:
        said = _said(unanswered[0]) if unanswered else "Gemini was not asked"
        if kind is KeyKind.STANDARD:
            return wrong(
                GEMINI_KEY, f"{kind.value}, which Google refuses since 2026-09; {said}", new
            )
        return unknown(GEMINI_KEY, f"{kind.value}; {said}")
    served = ", ".join(answer.model for answer in answers)
    warning = "; Google is withdrawing such keys" if kind is KeyKind.STANDARD else ""
    return ok(GEMINI_KEY, f"{kind.value}, answers for {served}{warning}")


def _said(answer: GeminiAnswer) -> str:
    return f"{answer.status or 'no answer'} {answer.reason}".strip()
