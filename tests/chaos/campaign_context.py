"""The stack that all runs of a campaign share, and the faults that last a whole run."""

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from local.demo.front_desk import FrontDesk
from local.gateway.chaos import ChaosSettings
from local.hosting.table_faults import TableFaultProxy
from local.lambdas.event_queue import EventSettings
from local.lambdas.hosting_types import UnknownEnvironmentError
from local.stack import Stack
from tests.chaos.faults.gemini_control import GeminiControl
from tests.chaos.plan.run_plan import RunPlan

WORKER = "StreamAgentFunction"
GREETER = "greeter"
"""The persona of the campaign's copy that speaks first."""
# Long enough for the worker to request the message again, short enough for many delays in a run.
MAX_DELAY_MS = 1_000


@dataclass(slots=True)
class CampaignContext:
    """The stack, the controls and the folder of a campaign."""

    stack: Stack
    tables: TableFaultProxy
    control: GeminiControl
    folder: Path
    desk: FrontDesk = field(init=False)
    _greets: bool = False

    def __post_init__(self) -> None:
        self.desk = FrontDesk(self.stack)

    def use_persona(self, *, greets: bool) -> None:
        """Let the agent greet first, or wait for the user."""
        usual = self.stack.application.functions[WORKER].environment
        persona = {"PERSONA": GREETER} if greets else {}
        if greets != self._greets:
            self.stack.lambdas.change_variables(WORKER, {**usual, **persona})
            self._greets = greets

    def start_lasting_faults(self, plan: RunPlan) -> None:
        """Start the faults that last the whole run."""
        stack, faults = self.stack, plan.gateway
        stack.chaos.happened.clear()
        self.tables.happened.clear()
        stack.chaos.settings = ChaosSettings(
            seed=plan.seed,
            delay_probability=faults.delay,
            max_delay_ms=MAX_DELAY_MS,
            duplicate_probability=faults.duplicate,
            drop_disconnect_probability=faults.lose_disconnect,
            throttle_probability=faults.refuse_post,
            connections_before=stack.gateway.newest_connection_number,
        )
        twice = 1.0 if plan.has_duplicate_events else 0.0
        stack.lambdas.events.settings = EventSettings(duplicate_probability=twice, seed=plan.seed)
        stack.lambdas.override_timeout(WORKER, plan.worker_life_s)
        stack.lambdas.set_concurrency(WORKER, 0 if plan.is_without_worker else None)
        self.tables.use(plan.seed, *plan.table_rules())

    def stop_lasting_faults(self) -> None:
        """Stop the faults that last the whole run."""
        self.tables.use(0)
        self.stack.chaos.settings = ChaosSettings()
        self.stack.lambdas.events.settings = EventSettings()
        self.stack.lambdas.override_timeout(WORKER, None)
        self.stack.lambdas.set_concurrency(WORKER, None)

    async def end_workers(self) -> None:
        """End the workers' processes, because they remember that Gemini refuses a history."""
        for environment in self.stack.lambdas.environments(WORKER):
            with suppress(UnknownEnvironmentError):
                await self.stack.lambdas.kill(environment.environment_id)
