"""Starts the parts of the stack in order, and stops them in reverse order."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

from local.cloudwatch.aws_metrics import AwsMetrics, QueueMetrics, TableMetrics
from local.cloudwatch.run_metrics import AWS_METRICS
from local.gateway.chaos import GatewayChaos
from local.gateway.http_api import HttpGateway
from local.gateway.management import ManagementApi
from local.gateway.websocket_api import WebSocketGateway
from local.hosting.aws_resources import (
    CreatedResources,
    TablesChangedError,
    TablesUnreadableError,
    create_secrets_and_queues,
    send_message,
)
from local.hosting.ports import PortInUseError, Ports
from local.hosting.private_folders import (
    BadAccessKeyError,
    DataInUseError,
    make_private,
)
from local.hosting.processes import ChildFailedError
from local.hosting.programs import (
    GeminiSimulator,
    NotInstalledError,
    RunPaths,
)
from local.hosting.servers import serving
from local.hosting.timers import SystemTimers
from local.issuer import IssuerApi, Pages, TokenIssuer
from local.lambdas.host import LambdaHost
from local.lambdas.hosting_types import InitFailedError
from local.lambdas.invoke_api import InvokeApi
from local.observer import Observer
from local.stack.aws_services import AwsServices
from local.stack.options import (
    AUDIENCE,
    GEMINI_KEY_SECRET,
    PROJECT,
    SIMULATOR_FILES,
    Addresses,
    StackOptions,
)
from local.stack.run_folders import LOCAL, marked_in_use, new_run_directory, write_parameters
from local.stack.running import Stack
from local.stack.wiring import addresses_at, hosted_function, page_addresses, read_application
from local.template.intrinsics import TemplateError
from local.template.model import Application

# The errors of ``running_stack``; each has a message for the developer.
START_ERRORS = (
    BadAccessKeyError,
    DataInUseError,
    PortInUseError,
    NotInstalledError,
    ChildFailedError,
    InitFailedError,
    TablesChangedError,
    TablesUnreadableError,
    TemplateError,
)


@contextlib.asynccontextmanager
async def running_stack(options: StackOptions) -> AsyncIterator[Stack]:
    """Start all parts in order; leaving the context stops them in reverse order.

    The servers run in the caller's event loop, which must not be blocked.

    Raises:
        BadAccessKeyError: The file with the access key of the tables was changed.
        DataInUseError: Another stack uses the folder of the tables.
        PortInUseError: A port is taken.
        NotInstalledError: A program is missing.
        ChildFailedError: A program failed; the message shows the end of its log.
        InitFailedError: A function failed while it was prewarmed.
        TablesChangedError: The kept tables have other keys or indexes than the template.
        TablesUnreadableError: The files of the kept tables are damaged, or the disk is full.
        TemplateError: The template cannot be run.
    """
    async with contextlib.AsyncExitStack() as running:
        yield await _StackStarter(options, running).run()


@dataclass(slots=True)
class _StepTimer:
    """Measures the duration of each step of a start."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def __call__(self, name: str) -> "Iterator[None]":
        started_at_s = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - started_at_s, 3)


class _StackStarter:
    """Starts the parts of the stack and registers their clean-up with ``running``."""

    def __init__(self, options: StackOptions, running: contextlib.AsyncExitStack) -> None:
        self._options = options
        self._running = running
        self._ports = (
            running.enter_context(Ports.reserved())
            if options.port_base is None
            else Ports.from_base(options.port_base)
        )
        self._paths = RunPaths(
            PROJECT, (options.run_directory or new_run_directory()).resolve(), options.deadline_s
        )
        self._step = _StepTimer()
        self._services = AwsServices(options, self._ports, self._paths, running)

    async def run(self) -> Stack:
        self._ports.check()
        make_private(self._paths.run_directory)
        self._running.enter_context(marked_in_use(self._paths.run_directory))
        if self._paths.run_directory.is_relative_to(LOCAL):
            # Earlier versions and other programs created it with the usual mode.
            LOCAL.chmod(0o700)
        write_parameters(self._paths.run_directory, self._options.parameters)
        timers = SystemTimers()
        metrics = AwsMetrics(self._paths.run_directory / AWS_METRICS, timers.now_s)
        self._running.callback(metrics.close)
        with self._step("programs"):
            dynamodb, simulator, issuer = await self._programs()
        gemini = simulator.url if simulator else ""
        addresses = addresses_at(
            self._ports, dynamodb=dynamodb, access_key=self._services.access_key, gemini=gemini
        )
        with self._step("tables, queues, secrets"):
            # The template is read twice, because a secret has no ARN before it is created.
            application = self._template(addresses, {})
            values = {GEMINI_KEY_SECRET: self._options.gemini_api_key or "simulated-gemini-key"}
            _, resources = await asyncio.gather(
                asyncio.to_thread(self._services.create_tables, application, addresses),
                asyncio.to_thread(create_secrets_and_queues, application, addresses.aws, values),
            )
            application = self._template(
                addresses, {**resources.secret_arns, **resources.queue_urls}
            )
        with self._step("servers"):
            tables = await self._tables(addresses, metrics)
            host = await self._lambdas(
                application, resources, addresses, tables, simulator, metrics
            )
            chaos = GatewayChaos(self._options.chaos)
            gateway = await self._gateway(application, host, chaos, timers, metrics)
            observer = await self._observer()
        with self._step("prewarm"):
            counts = {n: c for n, c in self._options.prewarm.items() if n in application.functions}
            await host.prewarm(counts, at_once=self._options.prewarm_at_once)
        return Stack(
            addresses=addresses,
            application=application,
            run_directory=self._paths.run_directory,
            data_directory=self._services.data.path if self._services.data else None,
            resources=resources,
            lambdas=host,
            gateway=gateway,
            chaos=chaos,
            issuer=issuer,
            observer=observer,
            simulator=simulator,
            start_s=self._step.seconds,
        )

    async def _programs(self) -> tuple[str, GeminiSimulator | None, TokenIssuer]:
        """Start the programs that depend on no other part, concurrently."""
        wanted = self._options.gemini and not self._options.gemini_api_key
        try:
            async with asyncio.TaskGroup() as group:
                dynamodb = group.create_task(self._services.start())
                simulator = group.create_task(self._simulator()) if wanted else None
                issuer = group.create_task(self._issuer())
        except BaseExceptionGroup as errors:
            # The first failure cancelled the other starts, so only that one is reported.
            raise errors.exceptions[0] from None
        return dynamodb.result(), simulator.result() if simulator else None, issuer.result()

    async def _simulator(self) -> GeminiSimulator:
        simulator = GeminiSimulator(
            self._paths,
            self._ports.gemini,
            self._options.gemini_pace,
            ("--time-scale", str(self._options.time_scale), *self._options.gemini_arguments),
        )
        self._running.push_async_callback(simulator.stop)
        await simulator.start()
        return simulator

    async def _issuer(self) -> TokenIssuer:
        url, timers = f"http://127.0.0.1:{self._ports.issuer}", SystemTimers()
        issuer = await asyncio.to_thread(TokenIssuer, url, AUDIENCE, timers)
        origins = self._options.parameters.get("AllowedOrigins", "").split(",")
        urls = page_addresses(f"http://127.0.0.1:{self._ports.http}")
        pages = Pages(urls, frozenset(origins) - {""})
        api = IssuerApi(issuer, timers, pages)
        await self._running.enter_async_context(serving(api.application(), self._ports.issuer))
        return issuer

    async def _observer(self) -> Observer:
        observer = Observer(self._paths.run_directory)
        enter = self._running.enter_async_context
        await enter(serving(observer.application(), self._ports.observer))
        return observer

    def _template(self, addresses: Addresses, references: Mapping[str, str]) -> Application:
        return read_application(self._options, self._paths.run_directory, addresses, references)

    async def _tables(self, addresses: Addresses, metrics: AwsMetrics) -> str:
        """Return the endpoint through which the functions reach the tables."""
        faults = self._options.table_faults
        if faults is None:
            return addresses.dynamodb
        faults.metrics = TableMetrics(metrics)
        proxy = faults.serving(addresses.dynamodb)
        return f"http://127.0.0.1:{await self._running.enter_async_context(proxy)}"

    async def _lambdas(
        self,
        application: Application,
        resources: CreatedResources,
        addresses: Addresses,
        tables: str,
        simulator: GeminiSimulator | None,
        metrics: AwsMetrics,
    ) -> LambdaHost:
        urls = {application.queues[name].arn: url for name, url in resources.queue_urls.items()}
        queues = QueueMetrics(metrics)

        async def send_failure(arn: str, message: str) -> None:
            await asyncio.to_thread(send_message, addresses.aws, urls[arn], message)
            queues.sent(arn.rsplit(":", 1)[-1])

        host = LambdaHost(
            [
                hosted_function(
                    function,
                    self._options,
                    addresses,
                    tables=tables,
                    simulator_ca=simulator.ca_file if simulator else None,
                )
                for function in application.functions.values()
            ],
            self._paths.run_directory / "logs",
            events=self._options.events,
            send_failure=send_failure,
            code_changed=self._options.code_changed,
            restart_paths=(self._options.template, *(SIMULATOR_FILES if simulator else ())),
            metrics=metrics,
        )
        await self._running.enter_async_context(host)
        await self._running.enter_async_context(
            serving(InvokeApi(host).application(), self._ports.lambdas)
        )
        return host

    async def _gateway(
        self,
        application: Application,
        host: LambdaHost,
        chaos: GatewayChaos,
        timers: SystemTimers,
        metrics: AwsMetrics,
    ) -> WebSocketGateway:
        (api,) = application.websocket_apis.values()
        gateway = WebSocketGateway(
            api,
            host,
            host="127.0.0.1",
            port=self._ports.websocket,
            settings=self._options.gateway.scaled(self._options.time_scale),
            timers=timers,
            chaos=chaos,
            metrics=metrics,
        )
        management = ManagementApi(
            gateway.connections, chaos, api.stage, self._options.gateway.message_bytes
        )
        enter = self._running.enter_async_context
        await enter(serving(management.application(), self._ports.connections))
        for http_api in application.http_apis.values():
            http = HttpGateway(http_api, host, timers, metrics=metrics)
            await enter(serving(http.application(), self._ports.http))
        return await enter(gateway)
