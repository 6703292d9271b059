"""Keeps the answers of tools from the moment the model gets them until it has spoken them."""

import re
from dataclasses import dataclass, field

from repartee.domain.calls import CallKey, CoreAnswer
from repartee.domain.session.call_in_progress import CallInProgress

# As long as a turn may bring nothing. Public reports of a model that stays silent after a tool's
# answer: PatterAI/Patter#210, pipecat-ai/pipecat#4118.
SPEAK_WITHIN_MS = 8_000

# Japanese has no spaces: a kanji counts as a word, and so does a run of katakana or hiragana.
_WORD = re.compile("[\u4e00-\u9fff]|[\u30a1-\u30ff]+|[^\\W\u4e00-\u9fff\u30a1-\u30ff]+")


@dataclass(slots=True)
class _Unspoken:
    """An answer that the model has and has not spoken.

    Attributes:
        comes_later: The model says something else first.
        is_begun: The model has made a sound since it got the answer.
        is_repeated: The model got the answer a second time.
        said: The transcript since the model got the answer.
    """

    call: CallInProgress
    answer: CoreAnswer
    given_at_ms: int
    comes_later: bool
    is_begun: bool = False
    is_repeated: bool = False
    said: str = ""

    def wait(self, now_ms: int) -> None:
        """Expect the answer from now on."""
        self.given_at_ms, self.comes_later, self.is_begun, self.said = now_ms, False, False, ""

    @property
    def is_in_words(self) -> bool:
        """Tell whether the model has said more than half of the answer's words."""
        wanted = set(_WORD.findall(self.answer.answer.casefold()))
        return 2 * len(wanted & set(_WORD.findall(self.said.casefold()))) > len(wanted)


@dataclass(slots=True)
class UnspokenAnswers:
    """Answers that only the live session knows until it has spoken them.

    Nothing in Gemini's protocol says which generation speaks an answer. The rule:

    - What the model said before it got the answer is not the answer.
    - A generation that began afterwards speaks every answer of which it says more than half of the
      words. If there is none, it speaks the oldest answer, in other words.
    - Where the model says something else first (it was speaking, or had not completed the
      generation that called, or the user was speaking, or has spoken since), that generation
      counts only by its words.

    Attributes:
        is_generating: The model speaks, or has called a tool whose answer it does not await in
            silence, and has not come to the end of that generation.
    """

    is_generating: bool = False
    _heard_at_ms: int = 0
    _spoken_from_seq: int = 0
    _answers: dict[CallKey, _Unspoken] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._answers)

    @property
    def calls(self) -> list[CallInProgress]:
        """The calls whose answers are not spoken."""
        return [one.call for one in self._answers.values()]

    @property
    def silent_from_ms(self) -> int | None:
        """Since when the model keeps an answer to itself, None while it does not."""
        given = [one.given_at_ms for one in self._answers.values() if not one.is_begun]
        return max(*given, self._heard_at_ms) if given else None

    def holds(self, turn: int) -> bool:
        """Tell whether the model keeps an answer of this turn to itself."""
        return any(key.turn == turn and not one.is_begun for key, one in self._answers.items())

    def add(
        self, call: CallInProgress, answer: CoreAnswer, now_ms: int, *, comes_later: bool
    ) -> None:
        """Keep an answer that the model has just got.

        Args:
            call: Whose answer it is.
            answer: What the model got.
            now_ms: The present.
            comes_later: The model is to say something else first.
        """
        comes_later |= self.is_generating
        self._answers[call.key] = _Unspoken(call, answer, now_ms, comes_later)

    def let_user_go_first(self, spoken_from_seq: int, *, is_speaking: bool) -> None:
        """If the user speaks, or has spoken since the last call, expect a reply to that first."""
        is_ahead = is_speaking or spoken_from_seq > self._spoken_from_seq
        self._spoken_from_seq = max(self._spoken_from_seq, spoken_from_seq)
        for one in self._answers.values():
            one.comes_later |= is_ahead and not one.is_begun

    def hear(self, now_ms: int) -> None:
        """The model makes a sound."""
        self.is_generating = True
        self._heard_at_ms = now_ms
        for one in self._answers.values():
            one.is_begun = True

    def read(self, text: str) -> None:
        """Take a piece of the model's transcript, which may come late."""
        for one in self._answers.values():
            one.said += text

    def end_generation(self, now_ms: int) -> None:
        """The model has come to the end of what it was saying; forget the answers in it."""
        self.is_generating = False
        begun = [one for one in self._answers.values() if one.is_begun]
        spoken = [one for one in begun if one.is_in_words]
        spoken = spoken or [one for one in begun if not one.comes_later][:1]
        for one in spoken:
            del self._answers[one.call.key]
        for one in self._answers.values():
            one.wait(now_ms)

    def repeat(self, now_ms: int) -> list[CoreAnswer]:
        """Return the answers that the model gets a second time now, none if it got all twice."""
        first = [one for one in self._answers.values() if not (one.is_begun or one.is_repeated)]
        for one in first:
            one.wait(now_ms)
            one.is_repeated = True
        return [one.answer for one in first]

    def take(self) -> list[tuple[CallInProgress, CoreAnswer]]:
        """Return and forget all answers: the live session that got them does not speak them."""
        taken = [(one.call, one.answer) for one in self._answers.values()]
        self._answers.clear()
        self.is_generating = False
        return taken
