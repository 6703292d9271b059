"""One run: a conversation held while its plan's faults strike, and the judgement on it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from local.chaos.client_record import ClientRecord
from local.chaos.evidence import (
    Evidence,
    SaidUtterance,
    TableRecord,
    read_live,
    read_tables,
    table_client,
)
from local.chaos.gaps import Gap, close_gaps
from local.chaos.gemini_control import RecordWatch
from local.chaos.injector import Injector
from local.chaos.oracle import judge
from local.chaos.plan import TABLE_KINDS, Kind, RunPlan
from local.chaos.theatre import WORKER, Theatre
from local.speech import Recording, load_script, read_wav
from local.stack import PROJECT
from local.talker.access import HttpApi, SessionTicket, get_token
from local.talker.call import Call, hold_call, now_ms
from local.talker.conversation import HANGOVER_MS, Pace, say
from local.talker.errors import NotLetInError, TalkerError
from local.talker.replies import TurnRecord

ANSWER_TIMEOUT_S = 40.0
REMEMBERED_TIMEOUT_S = 4.0
"""A turn whose worker died before it was remembered waits for the user's next words."""
RELEASE_TIMEOUT_S = 15.0
END_TIMEOUT_S = 25.0
RUN_TIMEOUT_S = 120.0

_ENDED_ALREADY = 409
_BYTES_PER_MS = 32
_GATEWAY_KINDS = {
    "reordered": Kind.REORDERED,
    "duplicated": Kind.DUPLICATED,
    "disconnect_lost": Kind.DISCONNECT_LOST,
    "post_refused": Kind.POST_REFUSED,
}


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a run.

    Attributes:
        broken: The promises that were broken, in words.
        happened: Faults that came to pass.
        missed: Kinds that were planned and whose moment never came.
        seconds: How long it took.
    """

    seed: int
    broken: Sequence[str]
    happened: Counter[Kind]
    missed: frozenset[Kind]
    gaps: Sequence[Gap]
    turns: int
    stale_arrived: int
    seconds: float


async def play(theatre: Theatre, plan: RunPlan) -> RunResult:
    """Hold one run; nothing of it is left in the way of the next."""
    started_at_ms = now_ms()
    await theatre.stack.lambdas.prewarm({WORKER: 1})
    run = _Run(theatre, plan)
    try:
        return await run.play(started_at_ms)
    finally:
        theatre.calm()
        await theatre.desk.cancel_all(run.user)


class _Run:
    def __init__(self, theatre: Theatre, plan: RunPlan) -> None:
        self.user = f"chaos-{plan.seed}-{round(now_ms())}"
        self._theatre = theatre
        self._stack = theatre.stack
        self._plan = plan
        self._record = ClientRecord()
        self._script = [_utterance(*one) for one in plan.utterances]
        self._failure = ""
        self._session_id = ""

    async def play(self, started_at_ms: float) -> RunResult:
        stack, theatre = self._stack, self._theatre
        doubled_before = stack.lambdas.events.doubled
        token = await get_token(stack.addresses.issuer, self.user)
        api = HttpApi(stack.addresses.http, token)
        ticket = await api.start_session(conversation_id="new")
        self._session_id = ticket.session_id
        if stack.simulator is None:
            raise RuntimeError("chaos needs the Gemini simulator")
        theatre.excite(self._plan)
        call: Call | None = None
        injector: Injector | None = None

        async def gemini_wrote(event: object) -> None:
            if injector is not None and isinstance(event, dict):
                await injector.gemini_wrote(event)

        watch = RecordWatch(stack.simulator.record_directory, gemini_wrote)
        watch.start()
        watching = asyncio.create_task(watch.run())
        try:
            async with asyncio.timeout(RUN_TIMEOUT_S):
                async with hold_call(api, ticket, observer=self._record) as call:
                    injector = self._injector(ticket, call)
                    await self._converse(call, injector)
        except TimeoutError:
            self._failure = self._failure or f"the run took more than {RUN_TIMEOUT_S:.0f} s"
        except TalkerError as error:
            self._failure = self._failure or f"{type(error).__name__}: {error}"
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            if injector is not None:
                await injector.finish()
            theatre.tables.use(0)
        tables = await self._until_ended(ticket)
        happened = self._happened(injector, doubled_before)
        evidence = await self._evidence(call, injector, watch, tables)
        broken = judge(evidence)
        result = RunResult(
            seed=self._plan.seed,
            broken=broken,
            happened=happened,
            missed=self._plan.kinds - happened.keys(),
            gaps=close_gaps(injector.gaps, self._record) if injector else (),
            turns=len(tables.turns),
            stale_arrived=self._record.stale_arrived,
            seconds=(now_ms() - started_at_ms) / 1_000,
        )
        if broken:
            self._keep(watch, result, tables)
        else:
            await asyncio.to_thread(watch.forget)
        return result

    def _injector(self, ticket: SessionTicket, call: Call) -> Injector:
        injector = Injector(
            self._stack,
            self._theatre.control,
            self._plan,
            ticket.session_id,
            self.user,
            call,
            self._record,
        )
        self._record.on_audio = injector.audio_came
        self._record.on_turn_end = injector.turn_ended
        self._theatre.tables.watcher = injector.table_wrote
        return injector

    async def _converse(self, call: Call, injector: Injector) -> None:
        for number, (_, recording) in enumerate(self._script):
            await injector.begin_turn(number)
            await say(call, recording, pace=Pace.FAST, timeout_s=ANSWER_TIMEOUT_S)
            if number in self._plan.rests_after:
                await _until(injector, lambda: injector.releases > 0, RELEASE_TIMEOUT_S)
            elif number not in self._plan.eager:
                last = max(call.replies.turns)
                remembered = partial(_has_remembered, injector, last)
                await _until(injector, remembered, REMEMBERED_TIMEOUT_S)
        await _hang_up(call)

    async def _until_ended(self, ticket: SessionTicket) -> TableRecord:
        """Read the tables once the session is closed, or at the end of the time for that."""
        client = table_client(self._stack)
        deadline_ms = now_ms() + (2_000 if self._failure else 10_000)
        while True:
            tables = await asyncio.to_thread(
                read_tables,
                client,
                self._stack.table_names,
                user=self.user,
                conversation_id=ticket.conversation_id,
                session_id=ticket.session_id,
            )
            if (tables.state and tables.state.ended) or now_ms() > deadline_ms:
                return tables
            await asyncio.sleep(0.1)

    def _happened(self, injector: Injector | None, doubled_before: int) -> Counter[Kind]:
        happened = Counter(injector.happened if injector else {})
        for name, count in self._stack.chaos.happened.items():
            happened[_GATEWAY_KINDS[name]] += count
        for fault, count in self._theatre.tables.happened.items():
            happened[TABLE_KINDS[fault]] += count
        log = self._stack.log_path(WORKER).read_text()
        happened[Kind.HAND_OVER] += sum(
            self._session_id in line and '"reason":"hand_over"' in line for line in log.splitlines()
        )
        happened[Kind.EVENT_DOUBLED] += self._stack.lambdas.events.doubled - doubled_before
        return +happened

    async def _evidence(
        self,
        call: Call | None,
        injector: Injector | None,
        watch: RecordWatch,
        tables: TableRecord,
    ) -> Evidence:
        accepted_through = call.session.outbox.accepted_through if call else 0
        ends = self._record.end_seqs
        utterances = [
            SaidUtterance(
                words,
                recording.pcm + bytes(HANGOVER_MS * _BYTES_PER_MS),
                number < len(ends) and ends[number] <= accepted_through,
            )
            for number, (words, recording) in enumerate(self._script)
        ]
        turns: list[TurnRecord] = []
        if call is not None:
            turns = [turn for _, turn in sorted(call.replies.turns.items())]
        return Evidence(
            failure=self._failure,
            utterances=utterances,
            client_turns=turns,
            barged_in=self._record.barged_in(),
            stale_taken=self._record.stale_taken,
            stale_writes=injector.stale_writes if injector else (),
            live=[read_live(folder) for folder in watch.new_connections()],
            tables=tables,
            bookings=await self._theatre.desk.bookings(self.user),
        )

    def _keep(self, watch: RecordWatch, result: RunResult, tables: TableRecord) -> None:
        folder = self._theatre.folder / f"seed-{self._plan.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        self._record.write(folder / "client.jsonl")
        lines = [
            *result.broken,
            "",
            str(self._plan),
            "",
            *(str(turn) for turn in tables.turns),
            str(tables.state),
            str(tables.header),
            "",
            *(str(one) for one in watch.new_connections()),
        ]
        (folder / "found.txt").write_text("\n".join(lines) + "\n")


def _utterance(folder: str, index: int) -> tuple[str, Recording]:
    found = load_script(PROJECT / "local" / "recordings" / folder)[index]
    if found.spoken is None:
        raise ValueError(f"{found.wav} has no text beside it")
    return found.spoken, read_wav(found.wav)


def _has_remembered(injector: Injector, turn: int) -> bool:
    return injector.remembered >= turn


async def _hang_up(call: Call) -> None:
    try:
        await call.hang_up(END_TIMEOUT_S)
    except NotLetInError as error:
        # The line broke after the session had closed: there is nothing left to come back to.
        if error.status != _ENDED_ALREADY:
            raise


async def _until(injector: Injector, condition: Callable[[], bool], timeout_s: float) -> None:
    """Wait for what the tables show; going on without it is a user's right."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while not condition():
                injector.changed.clear()
                await injector.changed.wait()
