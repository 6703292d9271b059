"""The results of the hearing benchmark: word errors by voice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.report import Report, Table
from bench.statistics import percentile
from local.demo.recorded_script import word_error_rate, words_of
from local.demo.spellings import in_one_spelling

_LONGEST_FRAGMENT = 3


@dataclass(frozen=True, slots=True)
class HeardSentence:
    """One sentence, its transcript, and the seconds from its end to the transcript."""

    spoken: str
    heard: str
    seconds: float

    @property
    def words(self) -> int:
        """The number of spoken words."""
        return len(words_of(in_one_spelling(self.spoken)))

    @property
    def errors(self) -> int:
        """The number of wrong, missing and additional words."""
        return self._errors_of(self.heard)

    @property
    def has_leading_fragment(self) -> bool:
        """Whether words precede the first spoken one, such as a "You" out of the quiet."""
        heard = words_of(in_one_spelling(self.heard))
        return any(
            self._errors_of(" ".join(heard[extra:])) == self.errors - extra
            for extra in range(1, _LONGEST_FRAGMENT + 1)
        )

    def _errors_of(self, heard: str) -> int:
        return round(word_error_rate(self.spoken, heard) * self.words)


def report(heard: Mapping[str, Sequence[HeardSentence]], notes: Sequence[str]) -> Report:
    """Return the report of the sentences that were heard from each voice."""
    table = Table(
        ("voice", "sentences", "words", "errors", "word error", "leading fragments", "p50 s"),
        [_row(voice, sentences) for voice, sentences in heard.items()],
    )
    data = {
        voice: [
            {"spoken": one.spoken, "heard": one.heard, "errors": one.errors, "s": one.seconds}
            for one in sentences
        ]
        for voice, sentences in heard.items()
    }
    return Report(
        "hearing",
        "word errors of the simulator's recogniser, with the noise of a room at -50 dB",
        (table,),
        (
            "Numbers are compared in one spelling; capitals and punctuation do not count.",
            "p50 s = median seconds from the end of an utterance to its transcript.",
            *notes,
        ),
        {"voices": data},
    )


def _row(voice: str, heard: Sequence[HeardSentence]) -> tuple[str, ...]:
    words, errors = sum(one.words for one in heard), sum(one.errors for one in heard)
    return (
        voice,
        f"{len(heard)}",
        f"{words}",
        f"{errors}",
        f"{errors / words:.1%}",
        f"{sum(one.has_leading_fragment for one in heard)}",
        f"{percentile([one.seconds for one in heard], 0.5):.2f}",
    )
