"""Measures the time to first audio that Repartee adds to a direct session with equal input."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench.report import RESULTS, Report, Table, print_now
from bench.speech.chunked_speech import ChunkedSpeech
from bench.speech.direct_live_session import DirectLiveSession, open_direct_live_session
from bench.speech.hearing_times import hearing_times_after
from bench.statistics import Summary
from local.demo.recorded_script import DEFAULT_RECORDINGS
from local.stack import Stack, StackOptions, running_stack
from repartee_client.access import HttpApiClient, get_token
from repartee_client.connecting import open_voice_call
from repartee_client.conversation import say
from repartee_client.recordings import read_wav
from repartee_client.voice_call import VoiceCall, now_ms

WORKER = "StreamAgentFunction"
MODEL = "gemini-3.8-live"
RECORDING = DEFAULT_RECORDINGS / "1-greeting.wav"
# The simulator does not wait for the playing time of its reply, because first audio does not
# depend on it. Set-up and thinking times are those of the human pace.
GEMINI = ("--setup-ms", "300", "--first-audio-ms", "250", "--speed", "4")
CHUNK_MS = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """The number of measurements of each kind of turn.

    Attributes:
        lingering_pairs: The pairs with a lingering worker.
        cold_pairs: The pairs of each kind of cold start.
        has_every_cold_kind: Whether all kinds of cold starts are measured, or only the first.
    """

    lingering_pairs: int = 8
    cold_pairs: int = 2
    has_every_cold_kind: bool = True

    @classmethod
    def quick(cls) -> "Plan":
        """Return a plan that shows the order of magnitude."""
        return cls(2, 1, has_every_cold_kind=False)

    def with_pairs(self, pairs: int | None) -> "Plan":
        """Return the plan with this number of pairs for every kind; None changes nothing."""
        return self if pairs is None else replace(self, lingering_pairs=pairs, cold_pairs=pairs)


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages between the last speech sample and the first reply audio, in ms.

    Attributes:
        to_gemini: Until Gemini's side detects the end of the speech; 300 ms of it are the
            client's silence.
        hearing: Until Gemini's side has recognized the words.
        back: Until the client has the first reply audio; 250 ms of it are thinking.
    """

    to_gemini: float
    hearing: float
    back: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One utterance.

    Attributes:
        first_audio_ms: The time from the last speech sample sent to the first reply audio received.
        ready_ms: The time from the connection until the user can speak; 0 if it was open.
    """

    first_audio_ms: float
    ready_ms: float
    stages: Stages
    said: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The same utterance, spoken directly and then through Repartee."""

    direct: Sample
    repartee: Sample

    @property
    def added_ms(self) -> float:
        """The time that Repartee added."""
        return self.repartee.first_audio_ms - self.direct.first_audio_ms

    @property
    def added_on_the_way_ms(self) -> float:
        """The time that Repartee added outside the simulator's speech recognition.

        The time of the simulator's decoder depends on the load of the processor.
        """
        direct, repartee = self.direct.stages, self.repartee.stages
        return repartee.to_gemini - direct.to_gemini + repartee.back - direct.back


@dataclass(frozen=True, slots=True)
class TurnKind:
    """One kind of turn and its pairs."""

    name: str
    pairs: tuple[Pair, ...]


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
                one = await self._say_directly(direct, 0.0)
                found.append(Pair(one, await self._say(call, 0.0)))
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
                one = await self._say_directly(direct, ready_ms)
            for environment in self._stack.lambdas.environments():
                if not first.is_only_worker_cold or environment.function == WORKER:
                    await self._stack.lambdas.kill(environment.environment_id)
            opened_at_ms = now_ms()
            async with self._call() as call:
                ready_ms = now_ms() - opened_at_ms
                await asyncio.sleep(first.wait_s)
                found.append(Pair(one, await self._say(call, ready_ms)))
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
        exchange = await say(call, self._speech.recording)
        first_at_ms = min(
            (one.first_audio_at_ms for one in exchange.turns if one.first_audio_at_ms is not None),
            default=None,
        )
        if first_at_ms is None:
            raise RuntimeError("an utterance was answered without audio")
        sent_at_ms = exchange.speech_sent_at_ms
        return self._sample(sent_at_ms, first_at_ms - sent_at_ms, ready_ms, exchange.said)

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


async def measure_first_audio(plan: Plan, run_directory: Path | None = None) -> Report:
    """Measure each kind of turn in the plan."""
    options = StackOptions(
        run_directory=run_directory or RESULTS / time.strftime("first-audio-%Y%m%d-%H%M%S"),
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
    return _report(kinds)


def _report(kinds: list[TurnKind]) -> Report:
    notes = [
        "added = the difference of each pair; on the way = the same without the simulator's own "
        "hearing, which competes for this processor; stages are medians of the pairs' differences.",
        f"chunks of {CHUNK_MS} ms, {read_wav(RECORDING).duration_ms:.0f} ms of speech, 300 ms of "
        "silence, then 1,000 ms at once; both sides alike. The simulator thinks 250 ms and sets up "
        "in 300 ms. AWS's own hops are not in these numbers.",
    ]
    differing = sum(
        pair.direct.said.strip() != pair.repartee.said.strip()
        for kind in kinds
        for pair in kind.pairs
    )
    if differing:
        notes.append(f"{differing} pairs were answered with different words.")
    return Report(
        "first_audio",
        "ms from the last speech sample sent to the first reply audio received",
        (_totals(kinds), _stages(kinds)),
        notes,
        {
            "chunk_ms": CHUNK_MS,
            "gemini": list(GEMINI),
            "kinds": [
                {
                    "name": kind.name,
                    "direct_ms": Summary.of([pair.direct.first_audio_ms for pair in kind.pairs]),
                    "repartee_ms": Summary.of(
                        [pair.repartee.first_audio_ms for pair in kind.pairs]
                    ),
                    "added_ms": Summary.of([pair.added_ms for pair in kind.pairs]),
                    "added_on_the_way_ms": Summary.of(
                        [pair.added_on_the_way_ms for pair in kind.pairs]
                    ),
                    "pairs": kind.pairs,
                }
                for kind in kinds
            ],
        },
    )


def _totals(kinds: list[TurnKind]) -> Table:
    rows = []
    for kind in kinds:
        direct = Summary.of([pair.direct.first_audio_ms for pair in kind.pairs])
        repartee = Summary.of([pair.repartee.first_audio_ms for pair in kind.pairs])
        added = Summary.of([pair.added_ms for pair in kind.pairs])
        way = Summary.of([pair.added_on_the_way_ms for pair in kind.pairs])
        numbers = (
            *(direct.p50, direct.p95, repartee.p50, repartee.p95),
            *(added.p50, added.p95, way.p50, way.p95),
        )
        rows.append((kind.name, str(added.n), *(f"{number:.0f}" for number in numbers)))
    headings = (
        *(
            "turn",
            "pairs",
            "direct p50",
            "p95",
            "repartee p50",
            "p95",
            "added p50",
            "p95",
            "on the way p50",
            "p95",
        ),
    )
    return Table(headings, rows)


def _stages(kinds: list[TurnKind]) -> Table:
    rows = []
    for kind in kinds:
        differences = [
            (
                pair.repartee.stages.to_gemini - pair.direct.stages.to_gemini,
                pair.repartee.stages.hearing - pair.direct.stages.hearing,
                pair.repartee.stages.back - pair.direct.stages.back,
                pair.repartee.ready_ms,
                pair.direct.ready_ms,
            )
            for pair in kind.pairs
        ]
        medians = (Summary.of(column).p50 for column in zip(*differences, strict=True))
        rows.append((kind.name, *(f"{number:.0f}" for number in medians)))
    headings = (*("added where", "to Gemini", "hearing", "back", "ready repartee", "ready direct"),)
    return Table(headings, rows)
