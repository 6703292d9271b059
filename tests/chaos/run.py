"""One run: a conversation under the faults of a plan, and its judgement."""

import asyncio
import shutil
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from local.calls.turn_collector import TurnRecord
from local.calls.voice_call import VoiceCall
from repartee.adapters.personas import load_persona
from repartee.config import DEFAULT_PERSONA
from repartee_client.access import HttpApiClient, SessionTicket, get_token
from repartee_client.errors import VoiceClientError
from repartee_client.transport import now_ms
from tests.chaos.campaign_context import WORKER, CampaignContext
from tests.chaos.faults.gemini_control import RecordWatch
from tests.chaos.faults.injector import Injector
from tests.chaos.judgement.evidence import (
    Evidence,
    TableRecord,
    read_live,
    read_tables,
)
from tests.chaos.judgement.gaps import close_gaps
from tests.chaos.judgement.oracle import judge
from tests.chaos.judgement.replays import RECORDINGS, LeaseRecord, read_lease, recordings_of
from tests.chaos.plan.run_plan import TABLE_KINDS, FaultKind, RunPlan
from tests.chaos.run_result import RunResult, crashed_result
from tests.chaos.user.client_record import ClientRecord
from tests.chaos.user.planned_conversation import END_TIMEOUT_S, PlannedConversation

RUN_TIMEOUT_S = 120.0

# More than a fault of the whole run can occur.
_WHOLE_RUN = 1_000
_GEMINI_KINDS = {
    FaultKind.GEMINI_PACED: "paced_silence",
    FaultKind.GEMINI_OLD_IDLE: "requires_action",
    FaultKind.GEMINI_LANGUAGE_REFUSED: "language_refused",
}
_GATEWAY_KINDS = {
    "reordered": FaultKind.REORDERED,
    "duplicated": FaultKind.DUPLICATED,
    "disconnect_lost": FaultKind.DISCONNECT_LOST,
    "post_refused": FaultKind.POST_REFUSED,
}


async def play(context: CampaignContext, plan: RunPlan) -> RunResult:
    """Play one run, and reset the stack for the next one.

    An unexpected error fails the run and not the campaign, so that its seed is reported too.
    """
    started_at_ms = now_ms()
    run = _Run(context, plan)
    try:
        context.use_persona(greets=plan.greets)
        await context.stack.lambdas.prewarm({WORKER: 1})
        try:
            return await run.play(started_at_ms)
        finally:
            context.stop_lasting_faults()
            if FaultKind.GEMINI_HISTORY_REFUSED in plan.kinds:
                await context.end_workers()
            await context.desk.cancel_all(run.user)
    except Exception as error:  # noqa: BLE001 - an unexpected error fails one run only
        traceback.print_exception(error)
        return crashed_result(plan, error, (now_ms() - started_at_ms) / 1_000)


class _Run:
    def __init__(self, context: CampaignContext, plan: RunPlan) -> None:
        self.user = f"chaos-{plan.seed}-{round(now_ms())}"
        self._context = context
        self._stack = context.stack
        self._plan = plan
        self._failure = ""

    async def play(self, started_at_ms: float) -> RunResult:
        stack, context = self._stack, self._context
        doubled_before = stack.lambdas.events.duplicate_count
        token = await get_token(stack.addresses.issuer, self.user)
        api = HttpApiClient(stack.addresses.http, token)
        if FaultKind.GEMINI_LANGUAGE_REFUSED in self._plan.gemini:
            await api.change_preferences(language="es-ES")
        ticket = await api.start_session(conversation_id="new")
        if stack.simulator is None:
            raise RuntimeError("chaos needs the Gemini simulator")
        conversation = PlannedConversation(context, self._plan, api)

        async def on_gemini_event(event: object) -> None:
            if conversation.injector is not None and isinstance(event, dict):
                await conversation.injector.on_gemini_event(event)

        watch = RecordWatch(stack.simulator.record_directory, on_gemini_event)
        watch.start()
        watching = asyncio.create_task(watch.run())
        context.start_lasting_faults(self._plan)
        consumed_before = await context.control.consumed()
        for kind in self._plan.gemini:
            await context.control.order(kind=_GEMINI_KINDS[kind], count=_WHOLE_RUN)
        try:
            async with asyncio.timeout(RUN_TIMEOUT_S):
                await conversation.hold(ticket, self._injector)
        except TimeoutError:
            self._failure = self._failure or f"the run took more than {RUN_TIMEOUT_S:.0f} s"
        except VoiceClientError as error:
            self._failure = self._failure or f"{type(error).__name__}: {error}"
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            if conversation.injector is not None:
                await conversation.injector.finish()
            context.tables.use(0)
        session_ids = [session.ticket.session_id for session in conversation.sessions]
        tables = await self._until_ended(ticket.conversation_id, session_ids)
        folder = stack.run_directory / RECORDINGS
        recordings = [
            path for session_id in session_ids for path in recordings_of(folder, session_id)
        ]
        leases = await asyncio.to_thread(lambda: [read_lease(path) for path in recordings])
        evidence = await self._evidence(conversation, watch, tables, leases)
        happened = self._happened(conversation, evidence, doubled_before)
        consumed = await context.control.consumed() - consumed_before
        happened.update({kind: consumed[_GEMINI_KINDS[kind]] for kind in self._plan.gemini})
        happened = +happened
        injector = conversation.injector
        result = RunResult(
            seed=self._plan.seed,
            broken=judge(evidence),
            happened=happened,
            missed=self._plan.kinds - happened.keys(),
            gaps=close_gaps(injector.gaps, injector.record, self._plan.kinds) if injector else (),
            turns=len(tables.turns),
            stale_frames_received=sum(
                session.record.stale_frames_received for session in conversation.sessions
            ),
            reported_as_skipped=sum(
                utterance.skip_reported_in_turn is not None for utterance in evidence.utterances
            ),
            seconds=(now_ms() - started_at_ms) / 1_000,
        )
        if result.broken:
            kept = self._context.folder / f"seed-{self._plan.seed}"
            kept.mkdir(parents=True, exist_ok=True)
            self._keep_findings(kept, watch, result, conversation, evidence)
            for path in recordings:
                shutil.copy(path, kept)
        else:
            await asyncio.to_thread(watch.forget)
        for path in recordings:
            path.unlink()
        return result

    def _injector(self, ticket: SessionTicket, call: VoiceCall, record: ClientRecord) -> Injector:
        injector = Injector(
            self._stack,
            self._context.control,
            self._plan,
            ticket.session_id,
            self.user,
            call,
            record,
        )
        record.on_audio = injector.on_audio_received
        record.on_turn_end = injector.on_turn_end_received
        record.on_busy = injector.on_busy_reply
        self._context.tables.watcher = injector.watch.on_write

        async def on_event(function: str, payload: bytes) -> None:
            if function == WORKER:
                await injector.on_worker_wake(payload)

        self._stack.lambdas.watch_event = on_event
        return injector

    async def _until_ended(self, conversation_id: str, session_ids: Sequence[str]) -> TableRecord:
        """Read the tables once the sessions are closed, or after a time limit."""
        client = self._stack.dynamodb()
        deadline_ms = now_ms() + (2_000 if self._failure else END_TIMEOUT_S * 1_000)
        while True:
            tables = await asyncio.to_thread(
                read_tables,
                client,
                self._stack.table_names,
                user=self.user,
                conversation_id=conversation_id,
                session_ids=session_ids,
            )
            if tables.is_over or now_ms() > deadline_ms:
                return tables
            await asyncio.sleep(0.1)

    def _happened(
        self, conversation: PlannedConversation, evidence: Evidence, doubled_before: int
    ) -> Counter[FaultKind]:
        happened = Counter(conversation.injector.happened if conversation.injector else {})
        for name, count in self._stack.chaos.happened.items():
            happened[_GATEWAY_KINDS[name]] += count
        for fault, count in self._context.tables.happened.items():
            happened[TABLE_KINDS[fault]] += count
        handed_over = [lease for lease in evidence.leases if lease.hands_over]
        forced = sum(lease.is_forced for lease in handed_over)
        happened[FaultKind.FORCED_HAND_OVER] += forced
        happened[FaultKind.HAND_OVER] += len(handed_over) - forced
        happened[FaultKind.EVENT_DOUBLED] += (
            self._stack.lambdas.events.duplicate_count - doubled_before
        )
        records = [session.record for session in conversation.sessions]
        happened[FaultKind.BARGED_IN] += sum(len(record.barged_in()) for record in records)
        if self._plan.ending is not None:
            happened[self._plan.ending] += conversation.ended_as_planned
        return +happened

    async def _evidence(
        self,
        conversation: PlannedConversation,
        watch: RecordWatch,
        tables: TableRecord,
        leases: Sequence[LeaseRecord],
    ) -> Evidence:
        sessions, injector = conversation.sessions, conversation.injector
        records = [session.record for session in sessions]
        turns: dict[int, TurnRecord] = {}
        for session in sessions:
            turns |= session.call.replies.turns if session.call else {}
        cut_off = [(session, session.cut_off_turns(tables.turns)) for session in sessions]
        return Evidence(
            failure=self._failure,
            ends=[(session.end, session.reported_end_reason) for session in sessions],
            utterances=[
                utterance for session in sessions for utterance in session.utterances(tables.turns)
            ],
            client_turns=[turn for _, turn in sorted(turns.items())],
            barged_in=frozenset[int]().union(
                *(record.barged_in() | record.stopped() for record in records)
            ),
            cut_off=frozenset[int]().union(*(numbers for _, numbers in cut_off)),
            turned_away=frozenset[int]().union(
                *(numbers for session, numbers in cut_off if session.is_turned_away)
            ),
            out_of_turn=[text for record in records for text in record.out_of_turn],
            lines_lost=sum(record.losses for record in records),
            lines_broken=injector.lines_broken if injector else 0,
            stale_frames_accepted=sum(record.stale_frames_accepted for record in records),
            stale_writes=injector.watch.stale_writes if injector else (),
            live=[read_live(folder) for folder in watch.new_connections()],
            tables=tables,
            bookings=await self._context.desk.bookings(self.user),
            leases=leases,
            greeting=load_persona(DEFAULT_PERSONA).greeting,
        )

    def _keep_findings(
        self,
        folder: Path,
        watch: RecordWatch,
        result: RunResult,
        conversation: PlannedConversation,
        evidence: Evidence,
    ) -> None:
        for number, session in enumerate(conversation.sessions, 1):
            session.record.write(folder / f"client-{number}.jsonl")
        tables = evidence.tables
        lines = [
            *result.broken,
            "",
            str(self._plan),
            "",
            *(str(turn) for turn in tables.turns),
            *(str(state) for state in tables.states),
            str(tables.header),
            "",
            *(str(connection) for connection in watch.new_connections()),
        ]
        (folder / "found.txt").write_text("\n".join(lines) + "\n")
