"""Measures the time to first audio that Repartee adds to a direct session with equal input."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from bench.first_audio_results import (
    CHUNK_MS,
    GEMINI,
    RECORDING,
    Pair,
    Plan,
    Sample,
    Stages,
    TurnKind,
    first_audio_report,
)
from bench.report import RESULTS, Report, print_now
from bench.speech.chunked_speech import ChunkedSpeech
from bench.speech.direct_live_session import DirectLiveSession, open_direct_live_session
from bench.speech.hearing_times import hearing_times_after
from local.calls.opening import open_voice_call
from local.calls.utterances import say
from local.calls.voice_call import VoiceCall
from local.stack import Stack, StackOptions, running_stack
from repartee_client.access import HttpApiClient, get_token
from repartee_client.recordings import read_wav
from repartee_client.transport import now_ms

WORKER = "StreamAgentFunction"
MODEL = "gemini-3.8-live"


@dataclass(frozen=True, slots=True)
class FirstTurn:
    """A kind of first turn in a session whose functions have to start.

    Attributes:
        wait_s: The time that the user waits after ``ready``.
        is_only_worker_cold: Whether the processes of the other functions are running.
    """

    name: str
    wait_s: float
    is_only_worker_cold: bool


_COLD = (
    FirstTurn("cold worker, user speaks at once", 0.0, is_only_worker_cold=True),
    FirstTurn("cold worker, user waits 2 s", 2.0, is_only_worker_cold=True),
    FirstTurn("all functions cold, speaks at once", 0.0, is_only_worker_cold=False),
)


class FirstAudioBench:
    """Measures turns on one running stack."""

    def __init__(self, stack: Stack) -> None:
        if stack.simulator is None:
            raise RuntimeError("first_audio compares on the simulator")
        self._stack = stack
        self._simulator = stack.simulator
        self._speech = ChunkedSpeech.of(read_wav(RECORDING), CHUNK_MS)
        self._unix_offset_ms = datetime.now(UTC).timestamp() * 1_000 - now_ms()
        self._users = count(1)

    async def lingering(self, pairs: int) -> TurnKind:
        """Measure turns with a running worker."""
        found = []
        async with self._direct() as direct, self._call() as call:
            # The first turn of both is not counted, because it opens connections and loads code.
            await self._say_directly(direct, 0.0)
            await self._say(call, 0.0)
            for _ in range(pairs):
                direct_sample = await self._say_directly(direct, 0.0)
                found.append(Pair(direct_sample, await self._say(call, 0.0)))
            await call.hang_up()
        return TurnKind("lingering worker", tuple(found))

    async def first_turns(self, first: FirstTurn, pairs: int) -> TurnKind:
        """Measure the first turns of new sessions."""
        found = []
        for _ in range(pairs):
            opened_at_ms = now_ms()
            async with self._direct() as direct:
                ready_ms = now_ms() - opened_at_ms
                await asyncio.sleep(first.wait_s)
                direct_sample = await self._say_directly(direct, ready_ms)
            for environment in self._stack.lambdas.environments():
                if not first.is_only_worker_cold or environment.function == WORKER:
                    await self._stack.lambdas.kill(environment.environment_id)
            opened_at_ms = now_ms()
            async with self._call() as call:
                ready_ms = now_ms() - opened_at_ms
                await asyncio.sleep(first.wait_s)
                found.append(Pair(direct_sample, await self._say(call, ready_ms)))
                await call.hang_up()
        return TurnKind(first.name, tuple(found))

    @contextlib.asynccontextmanager
    async def _direct(self) -> AsyncIterator[DirectLiveSession]:
        simulator = self._simulator
        async with open_direct_live_session(simulator.url, simulator.ca_file, MODEL) as call:
            yield call

    @contextlib.asynccontextmanager
    async def _call(self) -> AsyncIterator[VoiceCall]:
        addresses = self._stack.addresses
        user = f"bench-{next(self._users)}"
        api = HttpApiClient(addresses.http, await get_token(addresses.issuer, user))
        async with open_voice_call((await api.start_session(conversation_id="new")).url) as call:
            await call.until_ready()
            yield call

    async def _say_directly(self, call: DirectLiveSession, ready_ms: float) -> Sample:
        answer = await call.say(self._speech)
        return self._sample(answer.speech_sent_at_ms, answer.first_audio_ms, ready_ms, answer.said)

    async def _say(self, call: VoiceCall, ready_ms: float) -> Sample:
        answered = await say(call, self._speech.recording)
        first_at_ms = min(
            (one.first_audio_at_ms for one in answered.turns if one.first_audio_at_ms is not None),
            default=None,
        )
        if first_at_ms is None:
            raise RuntimeError("an utterance was answered without audio")
        sent_at_ms = answered.speech_sent_at_ms
        return self._sample(sent_at_ms, first_at_ms - sent_at_ms, ready_ms, answered.said)

    def _sample(
        self, sent_at_ms: float, first_audio_ms: float, ready_ms: float, said: str
    ) -> Sample:
        sent_at_unix_ms = sent_at_ms + self._unix_offset_ms
        moments = hearing_times_after(self._simulator.record_directory, sent_at_unix_ms)
        stages = Stages(
            to_gemini=moments.speech_ended_ms - sent_at_unix_ms,
            hearing=moments.heard_ms - moments.speech_ended_ms,
            back=sent_at_unix_ms + first_audio_ms - moments.heard_ms,
        )
        return Sample(first_audio_ms, ready_ms, stages, said)


async def measure_first_audio(plan: Plan) -> Report:
    """Measure each kind of turn in the plan."""
    options = StackOptions(
        run_directory=RESULTS / time.strftime("first-audio-%Y%m%d-%H%M%S"),
        port_base=None,
        gemini_pace="instant",
        gemini_arguments=GEMINI,
    )
    kinds = []
    async with running_stack(options) as stack:
        bench = FirstAudioBench(stack)
        print_now("first_audio: a lingering worker ...")
        kinds.append(await bench.lingering(plan.lingering_pairs))
        for kind in _COLD if plan.has_every_cold_kind else _COLD[:1]:
            print_now(f"first_audio: {kind.name} ...")
            kinds.append(await bench.first_turns(kind, plan.cold_pairs))
    return first_audio_report(kinds)
