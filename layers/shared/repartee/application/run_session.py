"""Runs one session machine: feeds it what happens, carries out what it wants."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from repartee.application.account_session import read_usage
from repartee.application.lease_keeper import RENEW_EVERY_MS, LeaseKeeper
from repartee.application.poll_pace import PollPace
from repartee.application.record_session import SessionRecording
from repartee.application.session_ports import SessionPorts
from repartee.application.tend_summary import tend_summary
from repartee.domain.calls import CallStatus, CoreAnswer, CoreRequest
from repartee.domain.errors import (
    ClientTooSlow,
    ConnectionGone,
    ConversationTaken,
    CoreAgentFailed,
    LeaseLost,
    LiveSetupFailed,
    StoreUnavailable,
    UserErased,
)
from repartee.domain.limits import DayUsage
from repartee.domain.live import LiveClosed, LiveConfig, LiveFailure, LiveOpened
from repartee.domain.session.effects import (
    AskCoreAgent,
    AskForSummary,
    CloseConnection,
    CommitTurn,
    DeleteInput,
    Effect,
    EndAudioStream,
    Finish,
    FinishReason,
    OpenLive,
    PostFrame,
    ReadSummary,
    ReadUsage,
    RespondToTool,
    SavePreferences,
    SendAudio,
    SendText,
    SetConnection,
)
from repartee.domain.session.events import (
    ConversationLost,
    CoreAnswered,
    Event,
    FramePosted,
    FromLive,
    LeaseWasLost,
    MailboxRead,
    PostRefused,
    Started,
    SummaryRead,
    Tick,
    TimeRunningOut,
    TurnCommitted,
    UsageRead,
)
from repartee.domain.session.machine import (
    FORCED_HAND_OVER_MS,
    HAND_OVER_MS,
    SessionMachine,
)
from repartee.domain.session.tool_calls import NO_ANSWER
from repartee.domain.session_state import SessionState, TurnCommit
from repartee.domain.wire import encode_frame
from repartee.ports.live_model import LiveSession

STORE_RETRY_MS = 200
TIME_CHECK_MS = 250
# After the machine is done, its last writes and posts get this long.
DRAIN_S = 2.0
# A live session that is not answering any more must not delay the next one, nor the release.
CLOSE_LIVE_S = 2.0
# Shorter than the machine's patience, or its next try would wait behind one that hangs.
OPEN_LIVE_S = 12.0

type ToWrite = CommitTurn | SetConnection | SavePreferences | DeleteInput
type ToLookUp = AskForSummary | ReadSummary | ReadUsage
type ToLive = OpenLive | SendAudio | EndAudioStream | SendText | RespondToTool
type ToClient = PostFrame | CloseConnection


class SessionRun:
    """The asyncio shell around one machine, for one lease.

    Three lanes carry effects out, each in order: to the tables, to the live model, to the client.
    """

    def __init__(
        self,
        machine: SessionMachine,
        state: SessionState,
        lease: LeaseKeeper,
        ports: SessionPorts,
        grace_ms: int,
        recording: SessionRecording | None = None,
    ):
        self._machine = machine
        self._recording = recording
        self._state = state
        self._lease = lease
        self._ports = ports
        self._grace_ms = grace_ms
        self._connection_id = state.connection_id
        self._tables: asyncio.Queue[ToWrite | ToLookUp] = asyncio.Queue()
        self._live: asyncio.Queue[ToLive] = asyncio.Queue()
        self._client: asyncio.Queue[ToClient] = asyncio.Queue()
        self._safe_cursor = state.cursor
        self._is_writing = False
        self._session: LiveSession | None = None
        self._reader: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()
        self._timer: asyncio.TimerHandle | None = None
        self._finished: asyncio.Future[FinishReason] = asyncio.get_running_loop().create_future()

    @property
    def cursor(self) -> int:
        """Input up to here is of no use to any later worker, for all that it led to is written.

        A cursor beyond a hello whose connection is not written would hide that connection.
        """
        is_all_written = self._tables.empty() and not self._is_writing
        return self._machine.cursor if is_all_written else self._safe_cursor

    async def run(
        self, remaining_ms: Callable[[], int], used: DayUsage | None = None
    ) -> FinishReason:
        """Serve until the machine is done.

        Args:
            remaining_ms: How long this worker may still run.
            used: What the user has used today, None where that is not limited.
        """
        lanes = (
            self._read_mailbox(),
            self._carry_to_tables(),
            self._carry_to_live(),
            self._carry_to_client(),
            self._watch_fence(),
            self._watch_time(remaining_ms),
        )
        try:
            async with self._group:
                for lane in lanes:
                    self._spawn(lane)
                self._feed(Started(used))
                reason = await self._finished
                if reason is not FinishReason.FENCED:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(DRAIN_S):
                            await asyncio.gather(self._tables.join(), self._client.join())
                for task in self._tasks:
                    task.cancel()
        except BaseExceptionGroup as failures:
            # Lambda logs a group without what is in it.
            raise _first(failures) from failures
        finally:
            if self._timer is not None:
                self._timer.cancel()
            await self._close_live()
        return reason

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _feed(self, event: Event) -> None:
        now_ms = self._ports.clock.monotonic_ms()
        effects: list[Effect] = []
        try:
            effects = self._machine.handle(event, now_ms)
        finally:
            # An event that the machine fails on is the one to be replayed.
            if self._recording is not None:
                self._recording.add(event, now_ms, effects)
        for effect in effects:
            self._start(effect)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline_ms = self._machine.next_deadline_ms()
        if deadline_ms is not None:
            delay_s = max(0, deadline_ms - now_ms) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        try:
            self._feed(Tick())
        except Exception as error:  # noqa: BLE001 - raised again by whoever awaits the end
            # The loop would log it and go on, with a machine that no deadline wakes any more.
            if not self._finished.done():
                self._finished.set_exception(error)

    def _start(self, effect: Effect) -> None:
        match effect:
            case CommitTurn() | SetConnection() | SavePreferences() | DeleteInput():
                self._tables.put_nowait(effect)
            case AskForSummary() | ReadSummary() | ReadUsage():
                self._tables.put_nowait(effect)
            case OpenLive() | SendAudio() | EndAudioStream() | SendText() | RespondToTool():
                self._live.put_nowait(effect)
            case PostFrame() | CloseConnection():
                self._client.put_nowait(effect)
            case AskCoreAgent():
                self._spawn(self._ask(effect))
            case Finish(reason=reason):
                if not self._finished.done():
                    self._finished.set_result(reason)

    # From the client

    async def _read_mailbox(self) -> None:
        pace, machine, clock = PollPace(), self._machine, self._ports.clock
        while True:
            began_ms = clock.monotonic_ms()
            found = False
            try:
                found = await self._look_into_mailbox()
            except StoreUnavailable:
                self._ports.log.warning(
                    "mailbox not readable for now", extra={"session_id": self._state.session_id}
                )
                await asyncio.sleep(STORE_RETRY_MS / 1000)
            delay_ms = pace.after_look(
                clock.monotonic_ms() - began_ms,
                found=found,
                is_listening=machine.is_listening,
                is_answering=machine.is_answering,
            )
            await asyncio.sleep(delay_ms / 1000)

    async def _look_into_mailbox(self) -> bool:
        after = self._machine.read_after
        mailbox, session_id = self._ports.mailbox, self._state.session_id
        if entries := await asyncio.to_thread(mailbox.read_after, session_id, after):
            # Entries may repeat themselves: the machine knows what is new.
            self._feed(MailboxRead(tuple(entries)))
        return self._machine.read_after != after

    # To the tables: one lane serialises commits and renewals

    async def _carry_to_tables(self) -> None:
        loop = asyncio.get_running_loop()
        renew_at_s = loop.time() + RENEW_EVERY_MS / 1000
        while True:
            effect: ToWrite | ToLookUp | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout_at(renew_at_s):
                    effect = await self._tables.get()
            if isinstance(effect, AskForSummary | ReadSummary | ReadUsage):
                read = await asyncio.to_thread(self._look_up, effect)
                if read is not None:
                    self._feed(read)
                self._tables.task_done()
            elif effect is not None:
                self._is_writing = True
                await self._write_until_done(effect)
                self._is_writing = False
                self._tables.task_done()
            self._safe_cursor = self.cursor
            if loop.time() >= renew_at_s:
                renew_at_s = loop.time() + RENEW_EVERY_MS / 1000
                await self._renew()

    def _look_up(self, effect: ToLookUp) -> SummaryRead | UsageRead | None:
        if isinstance(effect, ReadUsage):
            return read_usage(self._ports, self._state.user_id)
        return tend_summary(effect, self._ports, self._state)

    async def _renew(self) -> None:
        try:
            await asyncio.to_thread(self._lease.renew, self.cursor)
        except LeaseLost:
            self._feed(LeaseWasLost())
        except StoreUnavailable:
            self._ports.log.warning(
                "lease not renewed", extra={"session_id": self._state.session_id}
            )

    async def _write_until_done(self, effect: ToWrite) -> None:
        while self._lease.is_held():
            try:
                await asyncio.to_thread(self._write, effect)
            except StoreUnavailable:
                self._ports.log.warning(
                    "write delayed", extra={"session_id": self._state.session_id}
                )
                await asyncio.sleep(STORE_RETRY_MS / 1000)
                await self._renew()
                continue
            except LeaseLost:
                self._feed(LeaseWasLost())
            except (ConversationTaken, UserErased) as lost:
                self._feed(ConversationLost(is_erased=isinstance(lost, UserErased)))
            else:
                if isinstance(effect, CommitTurn):
                    self._safe_cursor = effect.cursor
                    self._feed(TurnCommitted())
            return

    def _write(self, effect: ToWrite) -> None:
        ports, state = self._ports, self._state
        match effect:
            case CommitTurn(turn=turn, cursor=cursor):
                ports.writer.commit_turn(
                    TurnCommit(
                        user_id=state.user_id,
                        conversation_id=state.conversation_id,
                        session_id=state.session_id,
                        epoch=state.epoch,
                        turn=turn,
                        cursor=cursor,
                        committed_at_ms=ports.clock.now_ms(),
                        pending_calls=effect.pending_calls,
                        undelivered=effect.undelivered,
                        core_bill=effect.core_bill,
                    )
                )
                ports.metrics.turn_finished(
                    first_audio_ms=turn.first_audio_ms,
                    input_tokens=turn.usage.tokens_in,
                    output_tokens=turn.usage.tokens_out,
                    cost_usd=turn.cost_usd,
                    errors=len(turn.skipped)
                    + sum(call.status is CallStatus.FAILED for call in turn.tool_calls),
                    tool_calls=len(turn.tool_calls),
                )
                ports.log.info("turn committed", extra={"turn": turn.number, "epoch": state.epoch})
            case SetConnection(connection_id=connection_id):
                ports.sessions.set_connection(
                    state.session_id, epoch=state.epoch, connection_id=connection_id
                )
                self._note_connection(connection_id)
            case SavePreferences(changes=changes):
                ports.profiles.change(state.user_id, changes)
            case DeleteInput(seqs=seqs, notice_ids=notice_ids):
                ports.mailbox.delete(state.session_id, seqs, notice_ids)

    def _note_connection(self, connection_id: str | None) -> None:
        # Who vanishes without a bye counts against the user's cap no longer than may be waited for;
        # API Gateway may never tell it by $disconnect.
        lost = self._connection_id
        if connection_id is None and lost is not None:
            self._ports.connections.lapse_session(
                self._state.user_id,
                self._state.session_id,
                connection_id=lost,
                expires_at_ms=self._ports.clock.now_ms() + self._grace_ms,
            )
        self._connection_id = connection_id

    async def _watch_fence(self) -> None:
        while self._lease.is_held():
            left_ms = self._lease.fenced_at_ms - self._ports.clock.monotonic_ms()
            await asyncio.sleep(max(1, left_ms) / 1000)
        self._ports.log.warning("lease ran out", extra={"session_id": self._state.session_id})
        self._feed(LeaseWasLost())

    async def _watch_time(self, remaining_ms: Callable[[], int]) -> None:
        for threshold_ms in (HAND_OVER_MS, FORCED_HAND_OVER_MS):
            # Asked again and again: Lambda's deadline is one of the wall clock, our timers' is not.
            while (left_ms := remaining_ms() - threshold_ms) > 0:  # noqa: ASYNC110 - time is no event
                await asyncio.sleep(min(left_ms, TIME_CHECK_MS) / 1000)
            self._feed(TimeRunningOut(threshold_ms))

    # To the client

    async def _carry_to_client(self) -> None:
        while True:
            effect = await self._client.get()
            if self._lease.is_held():
                await self._deliver(effect)
            self._client.task_done()

    async def _deliver(self, effect: ToClient) -> None:
        channel, connection_id = self._ports.channel, effect.connection_id
        if isinstance(effect, CloseConnection):
            with suppress(StoreUnavailable):
                await asyncio.to_thread(channel.close, connection_id)
            return
        seq = effect.frame.seq
        try:
            await asyncio.to_thread(channel.post, connection_id, encode_frame(effect.frame))
        except ConnectionGone:
            self._feed(PostRefused(connection_id, seq, is_gone=True))
        except (ClientTooSlow, StoreUnavailable):
            self._feed(PostRefused(connection_id, seq, is_gone=False))
        else:
            self._feed(FramePosted(connection_id, seq))

    # To and from the live model

    async def _carry_to_live(self) -> None:
        while True:
            effect = await self._live.get()
            session = self._session
            if isinstance(effect, OpenLive):
                await self._open_live(effect)
            elif session is not None:
                match effect:
                    case SendAudio(pcm=pcm):
                        await session.send_audio(pcm)
                    case EndAudioStream():
                        await session.end_audio_stream()
                    case SendText(text=text):
                        await session.send_text(text)
                    case RespondToTool(response=response):
                        await session.respond_to_tools([response])

    async def _open_live(self, effect: OpenLive) -> None:
        if effect.saves_usd is not None:
            self._ports.log.info(
                "context told anew",
                extra={
                    "session_id": self._state.session_id,
                    "saves_usd": float(effect.saves_usd),
                },
            )
        await self._close_live()
        try:
            self._session = await self._set_up(effect.config)
        except LiveSetupFailed as error:
            self._ports.log.warning(
                "live session refused", extra={"code": error.code, "reason": error.reason}
            )
            failure = LiveFailure.BUSY if error.retryable else LiveFailure.REFUSED
            closed = LiveClosed(failure, error.code, error.reason)
            self._feed(FromLive(effect.generation, closed))
            return
        self._reader = self._spawn(self._read_live(effect.generation, self._session))
        self._feed(FromLive(effect.generation, LiveOpened()))

    async def _set_up(self, config: LiveConfig) -> LiveSession:
        try:
            async with asyncio.timeout(OPEN_LIVE_S):
                return await self._ports.live.open(config)
        except TimeoutError:
            raise LiveSetupFailed("no answer", code=0, retryable=True) from None

    async def _read_live(self, generation: int, session: LiveSession) -> None:
        async for event in session.events():
            if isinstance(event, LiveClosed):
                self._ports.log.warning("live session closed", extra={"code": event.code})
            self._feed(FromLive(generation, event))

    async def _close_live(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            # Not awaited itself: its cancellation would look like our own.
            await asyncio.wait({self._reader})
            self._reader = None
        if self._session is not None:
            session, self._session = self._session, None
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIVE_S):
                    await session.close()

    # Tools

    async def _ask(self, effect: AskCoreAgent) -> None:
        state = self._state
        request = CoreRequest(
            user_id=state.user_id,
            conversation_id=state.conversation_id,
            session_id=state.session_id,
            epoch=state.epoch,
            key=effect.key,
            arguments_hash=effect.arguments_hash,
            question=effect.question,
            language=effect.language,
            deadline_ms=self._ports.clock.now_ms() + effect.timeout_ms,
        )
        try:
            answer: CoreAnswer = await asyncio.to_thread(self._ports.core.ask, request)
        except CoreAgentFailed as error:
            self._ports.log.warning(
                "core agent failed", extra={"call": str(effect.key), "error": str(error)}
            )
            answer = NO_ANSWER
        self._feed(CoreAnswered(effect.key, effect.arguments_hash, answer))


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    failure = failures.exceptions[0]
    return _first(failure) if isinstance(failure, BaseExceptionGroup) else failure
