"""One run: a conversation held while its plan's faults strike, and the judgement on it."""

import asyncio
import shutil
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from repartee.domain.conversation.conversation import Turn
from repartee_client.access import HttpApiClient, SessionTicket, get_token
from repartee_client.errors import VoiceClientError
from repartee_client.turn_collector import TurnRecord
from repartee_client.voice_call import VoiceCall, now_ms
from tests.chaos.campaign_context import WORKER, CampaignContext
from tests.chaos.faults.gemini_control import RecordWatch
from tests.chaos.faults.injector import Injector
from tests.chaos.judgement.evidence import (
    Evidence,
    SaidUtterance,
    TableRecord,
    read_live,
    read_tables,
    table_client,
)
from tests.chaos.judgement.gaps import Gap, close_gaps
from tests.chaos.judgement.oracle import judge
from tests.chaos.judgement.replays import RECORDINGS, LeaseRecord, read_lease, recordings_of
from tests.chaos.plan.run_plan import TABLE_KINDS, FaultKind, RunPlan
from tests.chaos.user.client_record import ClientRecord
from tests.chaos.user.planned_conversation import (
    END_TIMEOUT_S,
    GIVEN_UP,
    PlannedConversation,
    PlayedSession,
)

RUN_TIMEOUT_S = 120.0

# More often than a run can be struck.
_ALL_RUN = 1_000
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


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a run.

    Attributes:
        broken: The promises that were broken, in words.
        happened: Faults that came to pass.
        missed: Kinds that were planned and whose moment never came.
        reported_as_skipped: Utterances that nobody could hear any more, and that a turn tells of.
        seconds: How long it took.
    """

    seed: int
    broken: Sequence[str]
    happened: Counter[FaultKind]
    missed: frozenset[FaultKind]
    gaps: Sequence[Gap]
    turns: int
    stale_frames_received: int
    reported_as_skipped: int
    seconds: float


async def play(context: CampaignContext, plan: RunPlan) -> RunResult:
    """Hold one run; nothing of it is left in the way of the next.

    What nobody foresaw breaks the run, not the campaign: its seed is to be told too.
    """
    started_at_ms = now_ms()
    run = _Run(context, plan)
    try:
        await context.stack.lambdas.prewarm({WORKER: 1})
        try:
            return await run.play(started_at_ms)
        finally:
            context.stop_lasting_faults()
            if FaultKind.GEMINI_HISTORY_REFUSED in plan.kinds:
                await context.end_workers()
            await context.desk.cancel_all(run.user)
    except Exception as error:  # noqa: BLE001 - any that there is
        traceback.print_exception(error)
        return _crashed(plan, error, (now_ms() - started_at_ms) / 1_000)


def _crashed(plan: RunPlan, error: Exception, seconds: float) -> RunResult:
    return RunResult(
        seed=plan.seed,
        broken=[f"crashed: {type(error).__name__}: {error}"],
        happened=Counter(),
        missed=plan.kinds,
        gaps=(),
        turns=0,
        stale_frames_received=0,
        reported_as_skipped=0,
        seconds=seconds,
    )


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
        talk = PlannedConversation(context, self._plan, api)

        async def on_gemini_event(event: object) -> None:
            if talk.injector is not None and isinstance(event, dict):
                await talk.injector.on_gemini_event(event)

        watch = RecordWatch(stack.simulator.record_directory, on_gemini_event)
        watch.start()
        watching = asyncio.create_task(watch.run())
        context.start_lasting_faults(self._plan)
        struck_before = await context.control.consumed()
        for kind in self._plan.gemini:
            await context.control.order(kind=_GEMINI_KINDS[kind], count=_ALL_RUN)
        try:
            async with asyncio.timeout(RUN_TIMEOUT_S):
                await talk.hold(ticket, self._injector)
        except TimeoutError:
            self._failure = self._failure or f"the run took more than {RUN_TIMEOUT_S:.0f} s"
        except VoiceClientError as error:
            self._failure = self._failure or f"{type(error).__name__}: {error}"
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            if talk.injector is not None:
                await talk.injector.finish()
            context.tables.use(0)
        session_ids = [visit.ticket.session_id for visit in talk.played_sessions]
        tables = await self._until_ended(ticket.conversation_id, session_ids)
        folder = stack.run_directory / RECORDINGS
        recordings = [path for one in session_ids for path in recordings_of(folder, one)]
        leases = await asyncio.to_thread(lambda: [read_lease(path) for path in recordings])
        evidence = await self._evidence(talk, watch, tables, leases)
        happened = self._happened(talk, evidence, doubled_before)
        struck = await context.control.consumed() - struck_before
        happened.update({kind: struck[_GEMINI_KINDS[kind]] for kind in self._plan.gemini})
        happened = +happened
        result = RunResult(
            seed=self._plan.seed,
            broken=judge(evidence),
            happened=happened,
            missed=self._plan.kinds - happened.keys(),
            gaps=_gaps(talk),
            turns=len(tables.turns),
            stale_frames_received=sum(
                visit.record.stale_frames_received for visit in talk.played_sessions
            ),
            reported_as_skipped=sum(
                one.skip_reported_in_turn is not None for one in evidence.utterances
            ),
            seconds=(now_ms() - started_at_ms) / 1_000,
        )
        if result.broken:
            self._keep(watch, result, talk, evidence)
            for path in recordings:
                shutil.copy(path, self._folder)
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
        record.on_turn_end = injector.turn_ended
        record.on_busy = injector.on_busy_reply
        self._context.tables.watcher = injector.on_table_write

        async def event_came(function: str, payload: bytes) -> None:
            if function == WORKER:
                await injector.on_worker_wake(payload)

        self._stack.lambdas.watch_event = event_came
        return injector

    async def _until_ended(self, conversation_id: str, session_ids: Sequence[str]) -> TableRecord:
        """Read the tables once the sessions are closed, or at the end of the time for that."""
        client = table_client(self._stack)
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
        self, talk: PlannedConversation, evidence: Evidence, doubled_before: int
    ) -> Counter[FaultKind]:
        happened = Counter(talk.injector.happened if talk.injector else {})
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
        happened[FaultKind.BARGED_IN] += len(evidence.barged_in)
        if self._plan.ending is not None:
            happened[self._plan.ending] += talk.was_struck
        return +happened

    async def _evidence(
        self,
        talk: PlannedConversation,
        watch: RecordWatch,
        tables: TableRecord,
        leases: Sequence[LeaseRecord],
    ) -> Evidence:
        records = [visit.record for visit in talk.played_sessions]
        turns: dict[int, TurnRecord] = {}
        for visit in talk.played_sessions:
            turns |= visit.call.replies.turns if visit.call else {}
        return Evidence(
            failure=self._failure,
            ends=[(visit.end, visit.reported_end_reason) for visit in talk.played_sessions],
            utterances=[
                one for visit in talk.played_sessions for one in _said(visit, tables.turns)
            ],
            client_turns=[turn for _, turn in sorted(turns.items())],
            barged_in=frozenset[int]().union(*(record.barged_in() for record in records)),
            cut_off=frozenset[int]().union(
                *(_cut_off(one, tables.turns) for one in talk.played_sessions)
            ),
            turned_away=frozenset[int]().union(
                *(_cut_off(one, tables.turns) for one in talk.played_sessions if one.is_turned_away)
            ),
            out_of_turn=[text for record in records for text in record.out_of_turn],
            lines_lost=sum(record.losses for record in records),
            lines_broken=talk.injector.lines_broken if talk.injector else 0,
            stale_frames_accepted=sum(record.stale_frames_accepted for record in records),
            stale_writes=talk.injector.stale_writes if talk.injector else (),
            live=[read_live(folder) for folder in watch.new_connections()],
            tables=tables,
            bookings=await self._context.desk.bookings(self.user),
            leases=leases,
        )

    @property
    def _folder(self) -> Path:
        return self._context.folder / f"seed-{self._plan.seed}"

    def _keep(
        self, watch: RecordWatch, result: RunResult, talk: PlannedConversation, evidence: Evidence
    ) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for number, visit in enumerate(talk.played_sessions, 1):
            visit.record.write(self._folder / f"client-{number}.jsonl")
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
            *(str(one) for one in watch.new_connections()),
        ]
        (self._folder / "found.txt").write_text("\n".join(lines) + "\n")


def _said(visit: PlayedSession, turns: Sequence[Turn]) -> list[SaidUtterance]:
    accepted_through = visit.call.session.outbox.accepted_through if visit.call else 0
    ends = visit.record.end_seqs
    said = []
    for number, (words, recording) in enumerate(visit.script):
        pcm = recording.pcm.strip(b"\0")
        is_accepted = number < len(ends) and ends[number] <= accepted_through
        skip_reported_in_turn = _told_in(visit, ends[number], turns) if is_accepted else None
        is_cut_off = visit.is_cut_off and words not in visit.answered
        said.append(SaidUtterance(words, pcm, is_accepted, skip_reported_in_turn, is_cut_off))
    return said


def _cut_off(visit: PlayedSession, turns: Sequence[Turn]) -> frozenset[int]:
    """Return the turns of a session that were not over when another device took over."""
    if not visit.is_cut_off:
        return frozenset()
    remembered = {turn.number for turn in turns if turn.session_id == visit.ticket.session_id}
    at_client = set(visit.call.replies.turns) if visit.call else set[int]()
    return frozenset((remembered | at_client) - visit.over)


def _told_in(visit: PlayedSession, end_seq: int, turns: Sequence[Turn]) -> int | None:
    """Return the turn that tells of an utterance as skipped, where its session was given up."""
    if visit.reported_end_reason not in GIVEN_UP:
        return None
    for turn in turns:
        if turn.session_id != visit.ticket.session_id:
            continue
        # The mark of its end follows the last audio.
        if any(gap.first_seq < end_seq <= gap.last_seq + 1 for gap in turn.skipped):
            return turn.number
    return None


def _gaps(talk: PlannedConversation) -> Sequence[Gap]:
    if talk.injector is None:
        return ()
    return close_gaps(talk.injector.gaps, talk.injector.record, talk.plan.kinds)
