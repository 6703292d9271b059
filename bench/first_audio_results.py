"""The plan, the results and the report of the first-audio benchmark."""

from dataclasses import dataclass, replace

from bench.report import Report, Table
from bench.statistics import Summary
from local.demo.recorded_script import DEFAULT_RECORDINGS
from repartee_client.recordings import read_wav

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


def first_audio_report(kinds: list[TurnKind]) -> Report:
    """Report the pairs of each kind of turn."""
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
