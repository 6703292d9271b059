"""Holds the conversation of a run's plan, in one session or two."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from local.calls.opening import open_reconnecting_voice_call
from local.calls.utterances import Pace, say
from local.calls.voice_call import VoiceCall
from local.demo.recorded_script import load_script
from local.stack import PROJECT
from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.errors import AccessRefusedError, NoAnswerError, SessionOverError
from repartee_client.recordings import Recording, read_wav
from repartee_client.transport import now_ms
from tests.chaos.campaign_context import WORKER, CampaignContext
from tests.chaos.faults.injector import Injector
from tests.chaos.plan.run_plan import FaultKind, RunPlan, Takeover
from tests.chaos.user.answer_waits import (
    ANSWER_TIMEOUT_S,
    is_answered,
    is_last_of,
    listen_to_greeting,
    speak_and_listen,
    speak_until,
    until_answered,
)
from tests.chaos.user.client_record import ClientRecord
from tests.chaos.user.played_session import PlayedSession

REMEMBERED_TIMEOUT_S = 4.0
"""The wait for a turn's commit; after the worker's death it needs the user's next words."""
RELEASE_TIMEOUT_S = 15.0
END_TIMEOUT_S = 25.0
CLOSED_TIMEOUT_S = 20.0
"""The wait for ``closed``; then the user hangs up, which wakes a worker."""
_LIVE_TIMEOUT_S = 3.0

_SESSION_ENDED = "session_ended"
_SERVER_ERROR = 500
_SESSION_START_ATTEMPTS = 4

END_REASONS = {
    None: "bye",
    FaultKind.GEMINI_1007: "refused",
    FaultKind.GEMINI_1008: "refused",
    FaultKind.GEMINI_QUOTA: "busy",
    FaultKind.SECOND_DEVICE: "superseded",
}
"""The reason that the client gets, by the end of the first session."""
# More refusals than the worker accepts before it gives up; the rest is withdrawn.
_REFUSALS = {
    FaultKind.GEMINI_1007: (1007, "Request contains an invalid argument.", 9),
    FaultKind.GEMINI_1008: (1008, "Operation is not implemented, or supported, or enabled.", 9),
    FaultKind.GEMINI_QUOTA: (1011, "You exceeded your current quota.", 9),
}


type MakeInjector = Callable[[SessionTicket, VoiceCall, ClientRecord], Injector]


@dataclass(slots=True)
class PlannedConversation:
    """The conversation of a plan.

    Attributes:
        context: The campaign's context.
        plan: The plan.
        api: The HTTP API for the user.
        sessions: The sessions so far.
        injector: The faults during the first session; None before its connection is open.
        ended_as_planned: Whether the first session ended for the planned reason.
    """

    context: CampaignContext
    plan: RunPlan
    api: HttpApiClient
    sessions: list[PlayedSession] = field(default_factory=list)
    injector: Injector | None = None
    ended_as_planned: bool = False

    async def hold(self, ticket: SessionTicket, make_injector: MakeInjector) -> None:
        """Hold the whole conversation, and hang up.

        Raises:
            VoiceClientError: A promise to the client was broken.
        """
        script = [load_utterance(*one) for one in self.plan.utterances]
        first = PlayedSession(ticket, script, END_REASONS[self.plan.ending])
        self.sessions.append(first)
        async with open_reconnecting_voice_call(self.api, ticket, observer=first.record) as call:
            first.call = call
            injector = self.injector = make_injector(ticket, call, first.record)
            if self.plan.ending is FaultKind.SECOND_DEVICE:
                await self._end_by_takeover(first, call, injector)
                return
            await self._converse(call, injector, script)
            if self.plan.ending is None:
                await call.hang_up(END_TIMEOUT_S)
                return
            # A hang-up waits for the answer; the other endings would cut it off.
            await until_answered(call, first.words)
            # A turn that is not committed when the session is given up is lost.
            await self._until_remembered(call, injector)
            await self._refuse_live_sessions(self.plan.ending)
            await self._close(first, call)
        async with self._start_next_session(ticket) as session:
            await self._say_last_words(session)

    async def _end_by_takeover(
        self, first: PlayedSession, call: VoiceCall, injector: Injector
    ) -> None:
        """Hold the first session up to the takeover's point, and continue on another device."""
        takeover = self.plan.takeover
        if takeover is Takeover.REMEMBERED:
            await self._converse(call, injector, first.script)
            await until_answered(call, first.words)
            await self._until_remembered(call, injector)
        else:
            *script, (_, last) = first.script
            await self._converse(call, injector, script)
            await injector.on_turn_start(len(script))
            if takeover is Takeover.REPLY:
                await self.context.control.order(kind="slow_reply")
            await speak_until(call, last, takeover, first.words)
            if takeover is Takeover.ORPHANED:
                await injector.kill_worker()
        over = [turn for turn in call.replies.turns.values() if turn.end is not None]
        first.over = frozenset(turn.number for turn in over)
        # Sentences of a script may differ in one word, so each turn answers only the nearest one.
        first.answered = frozenset(
            words
            for words in first.words
            if any(is_last_of([*({*first.words} - {words}), words], one.heard) for one in over)
        )
        first.is_cut_off = not is_answered(call, first.words)
        async with self._start_next_session(first.ticket) as session:
            await self._close(first, call)
            await self._say_last_words(session)

    async def _converse(
        self, call: VoiceCall, injector: Injector, script: Sequence[tuple[str, Recording]]
    ) -> None:
        for number, (_, recording) in enumerate(script):
            await injector.on_turn_start(number)
            if self.plan.waits_for_greeting and not number:
                await listen_to_greeting(call)
            if self.plan.is_spoken_over(number):
                await speak_and_listen(call, recording)
                continue
            await say(call, recording, pace=Pace.FAST, timeout_s=ANSWER_TIMEOUT_S)
            if number in self.plan.silent_after_turns:
                has_left = partial(_has_left, injector, injector.watch.releases)
                await _until(injector, has_left, RELEASE_TIMEOUT_S)
            elif number not in self.plan.no_pause_after_turns:
                await self._until_remembered(call, injector)

    async def _until_remembered(self, call: VoiceCall, injector: Injector) -> None:
        last = max(call.replies.turns)
        remembered = partial(_has_remembered, injector, last)
        await _until(injector, remembered, REMEMBERED_TIMEOUT_S)

    async def _refuse_live_sessions(self, ending: FaultKind) -> None:
        """Close the Live session, and refuse the next ones."""
        control = self.context.control
        code, reason, times = _REFUSALS[ending]
        # A new worker would start counting the refusals from 0.
        self.context.stack.lambdas.override_timeout(WORKER, None)
        await control.order(kind="close", at="setup", code=code, reason=reason, count=times)
        give_up_at_ms = now_ms() + _LIVE_TIMEOUT_S * 1_000
        while not await control.order(kind="close", at="now", code=1006):
            if now_ms() > give_up_at_ms:
                return
            await asyncio.sleep(0.1)

    async def _close(self, session: PlayedSession, call: VoiceCall) -> None:
        """Wait until the client gets ``closed``."""
        try:
            await call.until(lambda: call.session.closed, timeout_s=CLOSED_TIMEOUT_S, what="closed")
        except NoAnswerError:
            await call.hang_up(END_TIMEOUT_S)
            if session.reported_end_reason == "bye":
                # The planned end did not occur.
                session.end = "bye"
        except SessionOverError as error:
            if error.reason != _SESSION_ENDED:
                raise
            if self.plan.ending is FaultKind.SECOND_DEVICE:
                session.is_turned_away = True
            elif session.record.losses:
                session.is_end_lost = True
            else:
                raise
        self.ended_as_planned = session.reported_end_reason == session.end != "bye"
        await self.context.control.clear()
        if self.injector is not None:
            self.injector.watch.is_over = True

    @contextlib.asynccontextmanager
    async def _start_next_session(self, before: SessionTicket) -> AsyncIterator[PlayedSession]:
        """Start another session of the same conversation, as another device would."""
        async with contextlib.AsyncExitStack() as line:
            for left in reversed(range(_SESSION_START_ATTEMPTS)):
                try:
                    ticket = await self.api.start_session(conversation_id=before.conversation_id)
                    script = [load_utterance(*self.plan.last_words)]
                    session = PlayedSession(ticket, script, "bye")
                    session.call = await line.enter_async_context(
                        open_reconnecting_voice_call(self.api, ticket, observer=session.record)
                    )
                    break
                except AccessRefusedError as error:
                    if error.status < _SERVER_ERROR or not left:
                        raise
                    await asyncio.sleep(1)
            self.sessions.append(session)
            yield session

    async def _say_last_words(self, session: PlayedSession) -> None:
        if session.call is None:
            raise RuntimeError("the session has no connection")
        for _, recording in session.script:
            await say(session.call, recording, pace=Pace.FAST, timeout_s=ANSWER_TIMEOUT_S)
        await session.call.hang_up(END_TIMEOUT_S)


def load_utterance(folder: str, index: int) -> tuple[str, Recording]:
    """Return the words and the audio of a recording below ``local/recordings``."""
    found = load_script(PROJECT / "local" / "recordings" / folder)[index]
    if found.spoken is None:
        raise ValueError(f"{found.wav} has no text beside it")
    return found.spoken, read_wav(found.wav)


def _has_left(injector: Injector, releases_before: int) -> bool:
    return injector.watch.releases > releases_before


def _has_remembered(injector: Injector, turn: int) -> bool:
    return injector.watch.remembered >= turn


async def _until(injector: Injector, condition: Callable[[], bool], timeout_s: float) -> None:
    """Wait for a condition on the tables, and continue after the time limit."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while not condition():
                injector.watch.changed.clear()
                await injector.watch.changed.wait()
