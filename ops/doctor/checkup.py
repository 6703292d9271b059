"""Runs all checks of one deployment; a check that fails does not stop the others."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ops.doctor import account, alarms, desk, functions, keys, sign_in, tables
from ops.doctor.deployment import Deployment, ExpectedTable
from ops.doctor.keys import GeminiAnswer
from ops.doctor.stack import DeployedStack, judge_stack, read_stack
from ops.finding import Finding, unknown

if TYPE_CHECKING:
    from boto3.session import Session

type AskGemini = Callable[[str, str, Iterable[str]], list[GeminiAnswer]]

_DESK_TABLE = "DeskTable"
_CLIENT_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "Forbidden"})


def run_check(subject: str, check: Callable[[], Finding]) -> Finding:
    """Run a check; an error of AWS becomes a finding."""
    try:
        return check()
    except ClientError as error:
        return _refused(subject, error)
    except BotoCoreError as error:
        return unknown(subject, str(error))


def _refused(subject: str, error: ClientError) -> Finding:
    code = error.response["Error"].get("Code", "refused")
    words = error.response["Error"].get("Message", "")
    is_denied = code in _DENIED or "not authorized" in words
    return unknown(
        subject,
        f"{error.operation_name} was refused with {code}: {words}",
        f"let this caller use {error.operation_name}, or ask somebody who may" if is_denied else "",
    )


@dataclass(frozen=True, slots=True)
class Checkup:
    """The checks of one deployment.

    Attributes:
        session: boto3's session, with the caller's credentials and the region.
        deployment: The deployment.
        ask_gemini: Asks the Gemini API about models: key, base URL, models.
        gemini_url: Replaces the deployment's address of the Gemini API.
    """

    session: "Session"
    deployment: Deployment
    ask_gemini: AskGemini
    gemini_url: str = ""

    def findings(self) -> Iterator[Finding]:
        """Yield each finding when its check ends.

        Before the first deployment only the account is checked.
        """
        found: list[DeployedStack | None] = []

        def check_stack() -> Finding:
            client = self.session.client("cloudformation", config=_CLIENT_CONFIG)
            found.append(read_stack(client, self.deployment.settings.stack_name))
            return judge_stack(found[0], self.deployment)

        verdict = run_check(f"stack {self.deployment.settings.stack_name}", check_stack)
        stack = found[0] if found else None
        parameters = self.deployment.parameters(stack.parameters if stack else {})
        yield from self._account(stack, parameters)
        yield verdict
        if stack and stack.is_serving:
            yield from self._functions(stack, parameters)
            yield from self._tables(stack, parameters)
            yield from self._keys(stack, parameters)
            yield self._sign_in(stack)
            yield self._alarms(stack)

    def _account(
        self, stack: DeployedStack | None, parameters: Mapping[str, str]
    ) -> Iterator[Finding]:
        client = self.session.client("lambda", config=_CLIENT_CONFIG)

        def concurrency() -> Finding:
            own = 0
            for logical_id in (account.STREAM_AGENT, *account.FRONT):
                name = stack.physical.get(logical_id) if stack else None
                seen = functions.read_function(client, name) if name else None
                own += (seen.reserved or 0) if seen else 0
            watched = stack.parameters.get("AccountConcurrency") if stack else None
            return account.judge_concurrency(
                account.read_concurrency(client, own),
                account.Reservation.of(parameters),
                int(watched) if watched else None,
                self.deployment,
            )

        def log_role() -> Finding:
            gateway = self.session.client("apigateway", config=_CLIENT_CONFIG)
            role = account.read_log_role(gateway)
            return account.judge_log_role(role, parameters, self.deployment)

        yield run_check(account.CONCURRENCY, concurrency)
        if account.needs_log_role(parameters):
            yield run_check(account.LOG_ROLE, log_role)

    def _functions(self, stack: DeployedStack, parameters: Mapping[str, str]) -> Iterator[Finding]:
        client = self.session.client("lambda", config=_CLIENT_CONFIG)
        # `make deploy ARCHITECTURE=…` may deploy another architecture than the environment names.
        architecture = stack.parameters.get("Architecture", parameters["Architecture"])

        def check(logical_id: str) -> Finding:
            name = stack.physical.get(logical_id)
            return functions.judge_function(
                logical_id,
                functions.read_function(client, name) if name else None,
                architecture,
                account.Reservation.of(parameters).of_function(logical_id),
                self.deployment,
            )

        for logical_id in self.deployment.functions:
            yield run_check(logical_id, partial(check, logical_id))

    def _tables(self, stack: DeployedStack, parameters: Mapping[str, str]) -> Iterator[Finding]:
        client = self.session.client("dynamodb", config=_CLIENT_CONFIG)

        def check(logical_id: str, plan: ExpectedTable) -> Finding:
            name = stack.physical.get(logical_id)
            seen = tables.read_table(client, name) if name else None
            return tables.judge_table(logical_id, seen, plan, self.deployment)

        for logical_id, plan in self.deployment.tables.items():
            yield run_check(logical_id, partial(check, logical_id, plan))
        if (name := stack.physical.get(_DESK_TABLE)) is not None:
            # The deployed time zone may differ from the one of the environment.
            zone = stack.parameters.get("DeskTimeZone", parameters["DeskTimeZone"])
            rules = partial(desk.judge_rules, client, name, zone, self.deployment)
            yield run_check(desk.RULES, rules)

    def _keys(self, stack: DeployedStack, parameters: Mapping[str, str]) -> Iterator[Finding]:
        client = self.session.client("secretsmanager", config=_CLIENT_CONFIG)

        def ticket_key() -> Finding:
            secret_id = stack.physical[keys.TICKET_KEY]
            return keys.judge_ticket_key(keys.read_secret(client, secret_id), secret_id)

        def gemini_key() -> Finding:
            secret_id = stack.physical[keys.GEMINI_KEY]
            value = keys.read_secret(client, secret_id)
            kind = keys.classify_key(value)
            answers: list[GeminiAnswer] = []
            if value and keys.can_be_tested(kind):
                url = self.gemini_url or parameters["GeminiBaseUrl"]
                answers = self.ask_gemini(value, url, _models(parameters))
            return keys.judge_gemini_key(kind, answers, secret_id)

        yield run_check(keys.TICKET_KEY, ticket_key)
        yield run_check(keys.GEMINI_KEY, gemini_key)

    def _sign_in(self, stack: DeployedStack) -> Finding:
        def check() -> Finding:
            if stack.parameters.get("JwtIssuer"):
                return sign_in.judge_other_issuer(stack.parameters)
            cognito = self.session.client("cognito-idp", config=_CLIENT_CONFIG)
            pool = sign_in.read_pool(cognito, stack.physical)
            return sign_in.judge_pool(pool, stack, self.deployment)

        return run_check(sign_in.SIGN_IN, check)

    def _alarms(self, stack: DeployedStack) -> Finding:
        def check() -> Finding:
            expected = stack.alarm_names()
            cloudwatch = self.session.client("cloudwatch", config=_CLIENT_CONFIG)
            seen = alarms.read_alarms(cloudwatch, expected) if expected else []
            sns = self.session.client("sns", config=_CLIENT_CONFIG)
            subscriptions = alarms.read_subscriptions(sns, alarms.topics_of(seen))
            return alarms.judge_alarms(expected, seen, subscriptions, self.deployment)

        return run_check(alarms.ALARMS, check)


def _models(parameters: Mapping[str, str]) -> list[str]:
    names = ("GeminiLiveModel", "GeminiCoreModel", "GeminiCoreFallbackModel")
    return list(dict.fromkeys(parameters[name] for name in names if parameters[name]))
