"""Every event that one function hands to another: how it is written, and how it is read."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import jwt

from core_agent.handler import Deps, handle
from repartee.adapters.aws.authorizer_answer import allow
from repartee.adapters.aws.client_context import read_trace_context
from repartee.adapters.aws.core_agent_event import AnswerEvent, RequestEvent
from repartee.adapters.aws.gateway_event import caller_of, opening_of
from repartee.adapters.aws.lambda_core_agent import LambdaCoreAgent
from repartee.adapters.aws.lambda_summary_requests import LambdaSummaryRequests
from repartee.adapters.aws.lambda_worker_pool import LambdaWorkerPool
from repartee.adapters.cursors import Cursors, Listing
from repartee.adapters.ticket_jwt import ALGORITHM, AUDIENCE, JwtTicketSigner
from repartee.application.answers.answer_question import QuestionResult
from repartee.application.answers.summarise_conversation import SummaryResult
from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.protocol.ticket import Ticket
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest, ToolCallKey, ToolCallStatus
from repartee.domain.tracing.agent_timing import AgentStep, AgentTiming, StepKind
from repartee.domain.users.export import ExportPosition
from repartee.observability import get_logger
from repartee.ports.workers import WakeRequest
from stream_agent.handler import _WAKE_REQUEST
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.secrets import FakeSecrets
from tests.golden.readings import plain

type Events = dict[str, Any]

_KEY = "0123456789abcdef0123456789abcdef"
_SECRETS = FakeSecrets({"key": _KEY})
_TICKET = Ticket("ticket-1", "ann", "served", "talk", NOON_MS + 60_000)
_QUESTION = CoreRequest(
    "ann", "talk", "served", 3, ToolCallKey(5, 2), "ab" * 32, "¿A qué hora abren?", "es-ES",
    NOON_MS + 20_000, "run-2", "run-1",
)  # fmt: skip
_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
_STEP = AgentStep(StepKind.TOOL, "book", NOON_MS + 1, NOON_MS + 2, 3, 4, "failed")
_BILL = Bill(TokenUsage(11, 22, 33, 44), Decimal("0.00123"))


class _Lambda:
    """Invokes nothing; keeps the payloads and replies with ``reply``."""

    def __init__(self, reply: object = None) -> None:
        self.payloads: list[Any] = []
        self.context: Any = None
        self._reply = reply

    def invoke(
        self,
        *,
        Payload: bytes,  # noqa: N803 - boto3's
        ClientContext: str = "",  # noqa: N803 - boto3's
        **_: object,
    ) -> dict[str, Any]:
        self.payloads.append(json.loads(Payload))
        self.context = json.loads(base64.b64decode(ClientContext) or "null")
        return {"Payload": BytesIO(json.dumps(self._reply).encode())}


def write_all() -> Events:
    """Return each event as the present code writes it, every field set."""
    client = cast("Any", _Lambda(AnswerEvent.of(CoreAnswer(ToolCallStatus.DONE, "Yes."))))
    LambdaWorkerPool(client, "f").wake(WakeRequest("served", "ann", "talk", NOON_MS, hop=2))
    LambdaCoreAgent("f", FakeClock(), lambda _timeout_s: client).ask(_QUESTION)
    LambdaSummaryRequests(client, "f").ask(SummaryRequest("ann", "talk", "served"))
    traced_wake = WakeRequest("served", "ann", "talk", NOON_MS, hop=2, traceparent=_TRACEPARENT)
    LambdaWorkerPool(client, "f").wake(traced_wake)
    traced_question = replace(_QUESTION, traceparent=_TRACEPARENT)
    LambdaCoreAgent("f", FakeClock(), lambda _timeout_s: client).ask(traced_question)
    wake, question, summary, traced, same_question = client.payloads
    assert same_question == question
    timing = AgentTiming(NOON_MS, NOON_MS + 5, (_STEP,))
    token = JwtTicketSigner(_SECRETS, "key").issue(_TICKET)
    return {
        "wake": wake,
        "wake traced": traced,
        "context of a question": client.context,
        "answer traced": AnswerEvent.of(
            CoreAnswer(ToolCallStatus.DONE, "At three.", True, _BILL, timing)
        ),
        "question": question,
        "summary": summary,
        **{
            f"answer {status}": AnswerEvent.of(CoreAnswer(status, "At three.", True, _BILL))
            for status in ToolCallStatus
        },
        "ticket": jwt.decode(token, _KEY, [ALGORITHM], {"verify_exp": False}, audience=AUDIENCE),
        "authorizer": allow(_TICKET, "arn:aws:execute-api:eu-west-1:1:a/live/$connect")["context"],
        "cursor": Cursors(_SECRETS, "key").seal(Listing.EXPORT, "ann", "talk", "turn#1"),
    }


def read_all(events: Events) -> dict[str, Any]:
    """Return what the present code reads in ``events``."""
    return {name: plain(_read(name.split()[0], event)) for name, event in events.items()}


def _read(name: str, event: Any) -> object:
    match name:
        case "wake":
            return _WAKE_REQUEST.validate_python(event)
        case "question" | "summary":
            return _read_by_core_agent(event)
        case "context":
            context = SimpleNamespace(client_context=SimpleNamespace(**event))
            question = RequestEvent.of(_QUESTION).model_dump()
            return _read_by_core_agent(question, read_trace_context(context))
        case "answer":
            client = cast("Any", _Lambda(event))
            return LambdaCoreAgent("f", FakeClock(), lambda _timeout_s: client).ask(_QUESTION)
        case "ticket":
            return JwtTicketSigner(_SECRETS, "key").verify(
                jwt.encode(event, _KEY, algorithm=ALGORITHM), now_ms=NOON_MS
            )
        case "authorizer":
            return _read_by_connect_functions(event)
    return ExportPosition(*Cursors(_SECRETS, "key").open(Listing.EXPORT, "ann", event))


def _read_by_core_agent(event: Mapping[str, Any], traceparent: str = "") -> object:
    asked: list[object] = []

    def note(request: object) -> Any:
        asked.append(request)
        if isinstance(request, CoreRequest):
            return QuestionResult(CoreAnswer(ToolCallStatus.DONE, "Yes."))
        return SummaryResult(0, 0)

    use_cases: Any = SimpleNamespace(answer=note, summarise=note)
    handle(event, Deps(use_cases, use_cases, get_logger("golden")), traceparent)
    return asked


def _read_by_connect_functions(authorizer: Mapping[str, Any]) -> object:
    context = {"connectionId": "k1", "connectedAt": NOON_MS, "authorizer": authorizer}
    event = {"requestContext": context}
    return [
        caller_of(event),
        opening_of(event, opened_at_ms=NOON_MS, max_sessions=3, max_connections=4),
    ]
