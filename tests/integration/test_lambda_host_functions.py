"""The Lambda host runs functions under the real runtime client as Lambda would."""

import asyncio
import contextlib
import functools
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.hosting.aws_resources import client_options
from local.hosting.servers import serving
from local.lambdas.code_changes import SCAN_INTERVAL_S, CodeChange
from local.lambdas.event_queue import EventSettings
from local.lambdas.host import LambdaHost
from local.lambdas.hosting_types import (
    FunctionCode,
    HostedFunction,
    InitFailedError,
    ThrottledError,
    UnknownFunctionError,
)
from local.lambdas.invoke_api import InvokeApi
from local.template.model import EventInvokeConfig, Function, function_arn
from tests.fakes.functions import PATIENCE_S, until
from tests.fakes.timers import ManualTimers

pytestmark = pytest.mark.integration

HANDLERS = Path(__file__).resolve().parent.parent / "fixtures" / "lambdas"
DESTINATION = "arn:aws:sqs:us-east-1:000000000000:OnFailureQueue"


def hosted(
    handler: str,
    *,
    name: str = "Sample",
    cap: int = 3,
    reserved: int | None = None,
    timeout_s: int = 60,
    environment: Mapping[str, str] | None = None,
    events: EventInvokeConfig | None = None,
    log_format: str = "Text",
) -> HostedFunction:
    function = Function(
        logical_id=name,
        arn=function_arn(f"local-{name.lower()}"),
        handler=handler,
        timeout_s=timeout_s,
        memory_mb=256,
        environment=environment or {},
        reserved_concurrency=reserved,
        event_invoke=events or EventInvokeConfig(),
        log_format=log_format,
    )
    return HostedFunction(function, FunctionCode(HANDLERS, (HANDLERS,)), {"EXTRA": "given"}, cap)


@contextlib.asynccontextmanager
async def running(
    tmp_path: Path, *functions: HostedFunction, **options: Any
) -> AsyncIterator[LambdaHost]:
    async with (
        asyncio.timeout(PATIENCE_S),
        LambdaHost(functions, tmp_path / "logs", **options) as host,
    ):
        yield host


async def call(host: LambdaHost, event: Any = None, function: str = "Sample") -> Any:
    result = await host.invoke(function, json.dumps(event).encode())
    return json.loads(result.payload), result.function_error


async def settled(host: LambdaHost, count: int, state: str) -> None:
    await until(lambda: sum(i.state == state for i in host.environments()) == count)


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_function_gets_its_event_and_its_context(tmp_path):
    async def run() -> Any:
        async with running(tmp_path, hosted("sample.echo", timeout_s=900)) as host:
            first, error = await call(host, {"number": 1})
            second, _ = await call(host, {"number": 2}, function="local-sample")
            return first, second, error

    first, second, error = asyncio.run(run())
    assert error is None
    assert first["event"] == {"number": 1}
    assert first["function_name"] == "local-sample"
    assert first["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:local-sample"
    # Minutes away from the default and from zero, so that a slow start does not matter.
    assert 600_000 < first["remaining_ms"] <= 900_000
    assert second["pid"] == first["pid"], "a warm environment is used again"


def test_a_function_sees_only_what_lambda_and_the_template_give_it(tmp_path, monkeypatch):
    monkeypatch.setenv("OF_THE_DEVELOPER", "secret")
    monkeypatch.setenv("SSL_CERT_FILE", "/of/the/developer.pem")

    async def run() -> Any:
        function = hosted("sample.environment", environment={"TABLE": "t1"})
        async with running(tmp_path, function) as host:
            return (await call(host))[0]

    seen = asyncio.run(run())
    variables = seen["environment"]
    assert variables["TABLE"] == "t1"
    assert variables["EXTRA"] == "given"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "local-sample"
    assert variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "us-east-1"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert variables["AWS_ACCESS_KEY_ID"] == "test"
    assert variables["LAMBDA_TASK_ROOT"] == seen["cwd"] == str(HANDLERS)
    assert variables["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert "OF_THE_DEVELOPER" not in variables
    assert "SSL_CERT_FILE" not in variables


def test_the_output_of_functions_is_in_their_log_with_a_report(tmp_path):
    async def run() -> Any:
        async with running(tmp_path, hosted("sample.echo", cap=2)) as host:
            await asyncio.gather(*(call(host, {"number": n}) for n in range(20)))
            return list(host.reports)

    reports = asyncio.run(run())
    lines = (tmp_path / "logs" / "Sample.log").read_text().splitlines()
    printed = [json.loads(line)["echoed"]["number"] for line in lines if line.startswith("{")]
    assert sorted(printed) == list(range(20))
    report_lines = [line for line in lines if line.startswith("REPORT RequestId: ")]
    assert len(report_lines) == len(reports) == 20
    with_init = [report for report in reports if report.init_ms is not None]
    used = {report.environment_id for report in reports}
    assert sorted(report.environment_id for report in with_init) == sorted(used)
    # On a busy machine the first environment may answer all before the second is ready.
    assert sum("Init Duration: " in line for line in report_lines) == len(used)
    assert all(report.duration_ms > 0 for report in reports)
    assert all(report.max_memory_mb > 5 for report in reports)


def test_invocations_run_in_separate_environments_and_queue_above_the_cap(tmp_path):
    async def run() -> Any:
        async with running(tmp_path, hosted("sample.hold", cap=2)) as host:
            gates = [tmp_path / name for name in ("a", "b", "c")]
            calls = [asyncio.create_task(call(host, {"until": str(gate)})) for gate in gates]
            await settled(host, 2, "busy")
            gates[2].touch()
            gates[0].touch()
            first, third = await calls[0], await calls[2]
            busy = [info.state for info in host.environments()].count("busy")
            gates[1].touch()
            second = await calls[1]
            return first[0]["pid"], second[0]["pid"], third[0]["pid"], busy

    first, second, third, busy = asyncio.run(run())
    assert first != second
    assert third == first, "the third waited for the first one's environment"
    assert busy >= 1


def test_reserved_concurrency_throttles(tmp_path):
    async def run() -> Any:
        gate = tmp_path / "gate"
        async with running(tmp_path, hosted("sample.hold", reserved=1)) as host:
            held = asyncio.create_task(call(host, {"until": str(gate)}))
            await settled(host, 1, "busy")
            with pytest.raises(ThrottledError):
                await call(host, {"until": str(gate)})
            gate.touch()
            return await held

    assert asyncio.run(run())[1] is None


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("sample.fail", "ValueError", "this handler always fails"),
        ("sample.leave", "Runtime.ExitError", "exit status 3"),
        ("sample.too_much", "Function.ResponseSizeTooLarge", "6291456"),
        ("broken.handler", "Runtime.ImportModuleError", "missing_package"),
        ("sample.nothing_here", "Runtime.HandlerNotFound", "nothing_here"),
    ],
)
def test_failures_are_reported_as_by_lambda(tmp_path, handler, error_type, message):
    async def run() -> Any:
        async with running(tmp_path, hosted(handler)) as host:
            return await call(host)

    answer, error = asyncio.run(run())
    assert error == "Unhandled"
    assert answer["errorType"] == error_type
    assert message in answer["errorMessage"]


def test_an_invocation_beyond_its_timeout_is_killed_and_the_next_one_starts_afresh(tmp_path):
    async def run() -> Any:
        timers = ManualTimers()
        function = hosted("sample.hold", timeout_s=900)
        async with running(tmp_path, function, timers=timers) as host:
            held = asyncio.create_task(call(host, {"until": str(tmp_path / "never")}))
            await timers.until_sleeping(1)
            pid = host.environments()[0].pid
            timers.advance(901)
            answer, error = await held
            (tmp_path / "open").touch()
            after, _ = await call(host, {"until": str(tmp_path / "open")})
            return pid, answer, error, after

    pid, answer, error, after = asyncio.run(run())
    assert (answer["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert "Task timed out after 900.00 seconds" in answer["errorMessage"]
    assert after["pid"] != pid
    assert not exists(pid)


def test_environments_can_be_killed_frozen_and_started_beforehand(tmp_path):
    async def run() -> Any:
        async with running(tmp_path, hosted("sample.hold", cap=2)) as host:
            await host.prewarm({"Sample": 5})
            assert len(host.environments("Sample")) == 2, "the cap holds"
            assert all(info.init_ms for info in host.environments())
            gate = tmp_path / "gate"
            held = asyncio.create_task(call(host, {"until": str(gate)}))
            await settled(host, 1, "busy")
            (victim,) = [i for i in host.environments() if i.state == "busy"]
            await host.kill(victim.environment_id)
            killed = await held

            held = asyncio.create_task(call(host, {"until": str(gate)}))
            await settled(host, 1, "busy")
            (frozen,) = [i for i in host.environments() if i.state == "busy"]
            host.stop(frozen.environment_id)
            await until(lambda: process_state(frozen.pid) == "T")
            gate.touch()
            host.resume(frozen.environment_id)
            return killed, await held, frozen.pid

    killed, resumed, pid = asyncio.run(run())
    assert killed[0]["errorType"] == "Runtime.ExitError"
    assert "signal: 9" in killed[0]["errorMessage"]
    assert resumed == ({"pid": pid}, None)


def test_running_environments_keep_their_variables_and_later_ones_get_the_new(tmp_path):
    async def run() -> Any:
        function = hosted("sample.environment", environment={"TABLE": "t1"})
        async with running(tmp_path, function) as host:
            await host.prewarm({"Sample": 2})
            gate = tmp_path / "gate"
            held = asyncio.create_task(call(host, {"until": str(gate)}))
            await settled(host, 1, "busy")
            before = host.change_variables("Sample", {"TABLE": "t2"})
            later = await call(host)
            gate.touch()
            told = [await held, later]
            await until(lambda: len(host.environments()) == 1)
            return before, [answer["environment"]["TABLE"] for answer, _ in told]

    assert asyncio.run(run()) == ({"TABLE": "t1"}, ["t1", "t2"])


def process_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_failed_init_fails_the_prewarming(tmp_path):
    async def run() -> Any:
        async with running(tmp_path, hosted("broken.handler")) as host:
            with pytest.raises(InitFailedError, match="missing_package"):
                await host.prewarm({"Sample": 1})

    asyncio.run(run())


def test_nothing_is_left_running_when_the_host_ends(tmp_path):
    async def run() -> Any:
        async with running(tmp_path, hosted("sample.echo", cap=2)) as host:
            await host.prewarm({"Sample": 2})
            return [info.pid for info in host.environments()]

    pids = asyncio.run(run())
    assert len(pids) == 2
    assert not any(map(exists, pids))


def waits_for(timers: ManualTimers, seconds: float) -> bool:
    return seconds in timers.waits_s()


class Events:
    """Collects the events of on-failure destinations."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def send(self, arn: str, message: str) -> None:
        await self.sent.put((arn, json.loads(message)))


def test_a_failing_event_is_retried_and_then_sent_to_its_destination(tmp_path):
    async def run() -> Any:
        timers, events = ManualTimers(), Events()
        config = EventInvokeConfig(2, 3_600, DESTINATION)
        function = hosted("sample.fail", timeout_s=5, events=config)
        async with running(tmp_path, function, timers=timers, send_failure=events.send) as host:
            request_id = host.invoke_event("Sample", b'{"wake":1}')
            for delay_s in (60, 120):
                await until(functools.partial(waits_for, timers, delay_s))
                timers.advance(delay_s)
            arn, message = await events.sent.get()
            await until(lambda: len(host.reports) == 3)
            return request_id, arn, message

    request_id, arn, message = asyncio.run(run())
    assert arn == DESTINATION
    assert message["version"] == "1.0"
    assert message["requestContext"] == {
        "requestId": request_id,
        "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:local-sample:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert message["requestPayload"] == {"wake": 1}
    assert message["responseContext"]["functionError"] == "Unhandled"
    assert message["responsePayload"]["errorMessage"] == "this handler always fails"


def test_an_event_without_a_free_environment_expires(tmp_path):
    async def run() -> Any:
        timers, events = ManualTimers(), Events()
        config = EventInvokeConfig(0, 60, DESTINATION)
        function = hosted("sample.hold", reserved=1, timeout_s=900, events=config)
        async with running(tmp_path, function, timers=timers, send_failure=events.send) as host:
            gate = tmp_path / "gate"
            held = asyncio.create_task(call(host, {"until": str(gate)}))
            await settled(host, 1, "busy")
            host.invoke_event("Sample", json.dumps({"until": str(gate)}).encode())

            def a_second_passes() -> bool:
                if 1.0 in timers.waits_s():
                    timers.advance(1.0)
                return not events.sent.empty()

            await until(a_second_passes)
            gate.touch()
            await held
            return await events.sent.get()

    _, message = asyncio.run(run())
    assert message["requestContext"]["condition"] == "EventAgeExceeded"
    assert message["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in message


def test_events_can_be_delivered_twice(tmp_path):
    async def run(probability: float) -> Any:
        settings = EventSettings(duplicate_probability=probability, duplicate_delay_s=0, seed=3)
        async with running(tmp_path, hosted("sample.echo"), events=settings) as host:
            expected = 10 if probability == 1 else 5
            ids = [host.invoke_event("Sample", b"{}") for _ in range(5)]
            await until(lambda: len(host.reports) == expected)
            return [[r.request_id for r in host.reports].count(i) for i in ids]

    assert asyncio.run(run(1)) == [2] * 5
    assert asyncio.run(run(0)) == [1] * 5


@contextlib.asynccontextmanager
async def lambda_client(host: LambdaHost) -> AsyncIterator[Any]:
    async with serving(InvokeApi(host).application(), 0) as port:
        options = client_options(f"http://127.0.0.1:{port}")
        options["config"] = Config(retries={"total_max_attempts": 1})
        make: Any = boto3.session.Session().client
        client = await asyncio.to_thread(make, "lambda", **options)
        yield client
        client.close()


def test_boto3_invokes_functions_by_name_and_arn(tmp_path):
    async def run() -> Any:
        async with (
            running(tmp_path, hosted("sample.echo"), hosted("sample.fail", name="Fail")) as host,
            lambda_client(host) as client,
        ):

            def invoke(function: str, kind: str = "RequestResponse") -> Any:
                answer = client.invoke(
                    FunctionName=function, InvocationType=kind, Payload=b'{"a":1}'
                )
                return {**answer, "Payload": answer["Payload"].read()}

            arn = "arn:aws:lambda:us-east-1:000000000000:function:local-sample"
            answers = [
                await asyncio.to_thread(invoke, name)
                for name in ("local-sample", arn, f"{arn}:$LATEST", "Fail")
            ]
            queued = await asyncio.to_thread(invoke, "local-sample", "Event")
            dry = await asyncio.to_thread(invoke, "local-sample", "DryRun")
            await until(lambda: len(host.reports) == 5)
            return answers, queued["StatusCode"], dry["StatusCode"]

    (*good, bad), queued, dry = asyncio.run(run())
    for answer in good:
        assert answer["StatusCode"] == 200
        assert json.loads(answer["Payload"])["event"] == {"a": 1}
        assert answer["ExecutedVersion"] == "$LATEST"
        assert "FunctionError" not in answer
    assert bad["FunctionError"] == "Unhandled"
    assert json.loads(bad["Payload"])["errorType"] == "ValueError"
    assert (queued, dry) == (202, 204)


def test_boto3_reports_throttles_unknown_functions_and_large_payloads(tmp_path):
    async def run() -> Any:
        async with (
            running(tmp_path, hosted("sample.echo", reserved=0)) as host,
            lambda_client(host) as client,
        ):
            found = []
            for function, kind, size in (
                ("local-sample", "RequestResponse", 2),
                ("local-nobody", "RequestResponse", 2),
                ("local-sample", "Event", 1024 * 1024 + 1),
            ):
                payload = b"1" * size
                with pytest.raises(ClientError) as caught:
                    await asyncio.to_thread(
                        client.invoke, FunctionName=function, InvocationType=kind, Payload=payload
                    )
                found.append(caught.value.response["Error"]["Code"])
            return found

    assert asyncio.run(run()) == [
        "TooManyRequestsException",
        "ResourceNotFoundException",
        "RequestTooLargeException",
    ]


def test_an_unknown_function_is_reported(tmp_path):
    async def run() -> Any:
        async with running(tmp_path) as host:
            with pytest.raises(UnknownFunctionError):
                await call(host, function="arn:aws:lambda:us-east-1:0:function:nobody")

    asyncio.run(run())


def test_environments_are_listed_and_killed_over_http(tmp_path):
    async def run() -> Any:
        async with (
            running(tmp_path, hosted("sample.echo", cap=2)) as host,
            serving(InvokeApi(host).application(), 0) as port,
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
        ):
            async with http.post("/control/functions/Sample/prewarm?count=2") as response:
                prewarmed = response.status
            async with http.get("/control/environments") as response:
                before = await response.json()
            victim = before[0]["environment_id"]
            statuses = []
            for environment_id, action in ((victim, "stop"), (victim, "kill"), ("nobody", "kill")):
                path = f"/control/environments/{environment_id}/{action}"
                async with http.post(path) as response:
                    statuses.append(response.status)
            await until(lambda: len(host.environments()) == 1)
            async with http.post("/control/functions/nobody/prewarm") as response:
                statuses.append(response.status)
            return prewarmed, before, statuses

    prewarmed, before, statuses = asyncio.run(run())
    assert prewarmed == 200
    assert [info["state"] for info in before] == ["idle", "idle"]
    assert not exists(before[0]["pid"])
    assert statuses == [200, 200, 404, 404]


def test_a_functions_log_settings_reach_its_runtime(tmp_path):
    async def run() -> Any:
        function = hosted("sample.fail", log_format="JSON")
        async with running(tmp_path, function) as host:
            await call(host)

    asyncio.run(run())
    lines = (tmp_path / "logs" / "Sample.log").read_text().splitlines()
    entry = json.loads(next(line for line in lines if line.startswith("{")))
    assert (entry["level"], entry["errorType"]) == ("ERROR", "ValueError")


def test_edited_code_runs_from_the_next_invocation_of_the_functions_it_affects(tmp_path):
    root, template = tmp_path / "functions", tmp_path / "template.yaml"
    simulated = tmp_path / "tools"
    simulated.mkdir()
    body = "import os, time\nfrom pathlib import Path\n{}\n\ndef handle(event, _context):\n"
    body += "    while 'until' in event and not Path(event['until']).exists(): time.sleep(0.005)\n"
    body += "    return [NUMBER, os.getpid()]\n"
    for name in ("Left", "Right"):
        (root / name.lower()).mkdir(parents=True)
        (root / name.lower() / "handler.py").write_text(body.format("from common import NUMBER"))
    (root / "common.py").write_text("NUMBER = 1\n")
    template.write_text("a: 1\n")
    timers = ManualTimers()
    changes: list[CodeChange] = []

    async def run() -> None:
        functions = [
            replace(
                hosted(f"{name.lower()}.handler.handle", name=name),
                code=FunctionCode(root, (root,)),
            )
            for name in ("Left", "Right")
        ]
        options = {
            "timers": timers,
            "code_changed": changes.append,
            "restart_paths": (template, simulated),
        }
        async with running(tmp_path, *functions, **options) as host:

            async def both() -> list[Any]:
                timers.advance(SCAN_INTERVAL_S)
                return [(await call(host, {}, name))[0] for name in ("Left", "Right")]

            (one, left), (_, right) = await both()
            assert one == 1
            assert await both() == [[1, left], [1, right]]
            assert changes == []

            # A file of one function leaves the environments of the others as they are.
            (root / "left" / "handler.py").write_text(body.format("NUMBER = 22"))
            (two, new_left), (_, same_right) = await both()
            assert (two, new_left == left, same_right) == (22, False, right)
            assert changes.pop() == CodeChange(
                (root / "left" / "handler.py",), ("Left",), {}, (), ()
            )

            # A running invocation finishes, and its environment then ends.
            go_on = tmp_path / "go on"
            slow = host.submit("Right", json.dumps({"until": str(go_on)}).encode())
            await slow.assigned
            (root / "common.py").write_text("NUMBER = 333\n")
            (_, newer_left), (three, new_right) = await both()
            assert (three, new_right == right, newer_left == new_left) == (333, False, False)
            assert changes.pop() == CodeChange(
                (root / "common.py",), ("Left", "Right"), {"Right": 1}, (), ()
            )
            go_on.touch()
            assert json.loads((await slow.result).payload) == [1, right]
            await until(lambda: not exists(right))

            # A file that cannot be loaded is named, and the invocation fails as on Lambda.
            (root / "common.py").write_text("NUMBER = \n")
            template.write_text("a: 22\n")
            (simulated / "order_status.yaml").write_text("a: 1\n")
            timers.advance(SCAN_INTERVAL_S)
            failed, error = await call(host, {}, "Right")
            assert (failed["errorType"], error) == ("Runtime.UserCodeSyntaxError", "Unhandled")
            change = changes.pop()
            assert change.errors == (f"{root}/common.py:1: invalid syntax",)
            assert change.needs_restart == (template, simulated / "order_status.yaml")
            (root / "common.py").write_text("NUMBER = 4\n")
            assert [number for number, _ in await both()] == [22, 4]

    asyncio.run(run())
