"""Keeps the answers of tools from the moment the model gets them until the user has heard them."""

import re
from dataclasses import dataclass, field

from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.session.tools.open_call import OpenToolCall
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallKey, ToolCallStatus

# The model will not speak an answer that was cut or cancelled, so the wait is short. A reply to
# what the user said instead begins within 1 to 2 s.
SPEAK_AGAIN_AFTER_MS = 3_000

# Japanese has no spaces: a kanji counts as a word, and so does a run of katakana or hiragana.
_WORD = re.compile("[\u4e00-\u9fff]|[\u30a1-\u30ff]+|[^\\W\u4e00-\u9fff\u30a1-\u30ff]+")


@dataclass(slots=True)
class _UnspokenAnswer:
    """An answer that the model has and has not spoken.

    Attributes:
        generations_before: How many generations the model says first.
        is_begun: The model has made a sound since it got the answer.
        is_repeated: The model got the answer a second time.
        is_cut: The model was stopped before the user had heard the answer.
        cut_in: The turn whose reply was cut, 0 while none was.
        said: The transcript since the model got the answer.
    """

    call: OpenToolCall
    answer: CoreAnswer
    given_at_ms: int
    generations_before: int
    is_begun: bool = False
    is_repeated: bool = False
    is_cut: bool = False
    cut_in: int = 0
    said: str = ""

    def wait(self, now_ms: int, generations_before: int) -> None:
        """Expect the answer from now on."""
        self.given_at_ms, self.generations_before = now_ms, generations_before
        self.is_begun, self.said = False, ""

    def begin(self) -> None:
        """Note that the model makes a sound."""
        self.is_begun = True

    def add_transcript(self, text: str) -> None:
        """Add a piece of the model's transcript."""
        self.said += text

    def cut(self, turn: int) -> None:
        """Note the turn whose reply was cut."""
        self.cut_in = turn

    def expect_again(self, now_ms: int) -> None:
        """Expect it after the reply to what the user said: the user has not heard it."""
        self.wait(now_ms, 1)
        self.is_cut = True

    def repeat(self, now_ms: int) -> None:
        """Note that the model gets it a second time."""
        self.wait(now_ms, 0)
        self.is_repeated, self.is_cut = True, False

    def cancel(self) -> None:
        """Note that the model does not want it any more."""
        self.is_cut = True
        self.expect_after_next()

    def expect_one_more(self) -> None:
        """Expect that the model says one more thing first."""
        self.generations_before += 1

    def expect_after_next(self) -> None:
        """Expect that the model says something else first."""
        self.generations_before = max(self.generations_before, 1)

    def is_spoken_in(self, text: str) -> bool:
        """Return whether a text holds more than half of the answer's words."""
        wanted = set(_WORD.findall(self.answer.answer.casefold()))
        return 2 * len(wanted & set(_WORD.findall(text.casefold()))) > len(wanted)


@dataclass(slots=True)
class UnspokenAnswers:
    """Answers that only the live session knows until it has spoken them.

    Nothing in Gemini's protocol says which generation speaks an answer. The rule:

    - What the model said before it got the answer is not the answer.
    - A generation that began afterwards speaks every answer of which it says more than half of the
      words. If there is none, it speaks the oldest answer, in other words.
    - Where the model says something else first, that generation counts only by its words. So it
      is where it was speaking or had not completed the generation that called, where the user was
      speaking or has spoken since, and where the model was asked for words that it had not said.
      Each of these is a generation; where two come together, the model says two things first.
    - Of a reply that the user cuts, only what the user heard counts, and only by its words.

    Attributes:
        is_generating: The model speaks, or has called a tool whose answer it does not await in
            silence, and has not come to the end of that generation.
    """

    is_generating: bool = False
    _heard_at_ms: int = 0
    _spoken_from_seq: int = 0
    _nudged_turn: int = 0
    _answers: dict[ToolCallKey, _UnspokenAnswer] = field(default_factory=dict)
    _spoken: list[_UnspokenAnswer] = field(default_factory=list)
    _assumed_heard: list[_UnspokenAnswer] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._answers)

    @property
    def calls(self) -> list[OpenToolCall]:
        """The calls whose answers are not spoken."""
        return [one.call for one in self._answers.values()]

    @property
    def silent_from_ms(self) -> int | None:
        """Since when the model keeps an answer to itself, None while it does not."""
        given = [one.given_at_ms for one in self._answers.values() if not one.is_begun]
        return max(*given, self._heard_at_ms) if given else None

    @property
    def max_silence_ms(self) -> int:
        """How long the model may keep an answer to itself."""
        is_cut = any(one.is_cut for one in self._answers.values() if not one.is_begun)
        return SPEAK_AGAIN_AFTER_MS if is_cut else SPEAK_WITHIN_MS

    def holds(self, turn: int) -> bool:
        """Return whether the model keeps an answer of this turn to itself."""
        return any(
            one.call.turn == turn and not (one.is_begun or one.is_cut)
            for one in self._answers.values()
        )

    def add(
        self, call: OpenToolCall, answer: CoreAnswer, now_ms: int, *, generations_before: int
    ) -> None:
        """Keep an answer that the model has just got.

        Args:
            call: Whose answer it is.
            answer: What the model got.
            now_ms: The present.
            generations_before: How many things the model is to say first, beside what it is saying.
        """
        generations_before += self.is_generating + (call.turn <= self._nudged_turn)
        self._answers[call.key] = _UnspokenAnswer(call, answer, now_ms, generations_before)

    def expect_two_replies(self, turn: int) -> None:
        """Note that the model was asked again for its reply to this turn, and may only be slow."""
        self._nudged_turn = turn
        for one in self._answers.values():
            one.expect_one_more()

    def let_user_go_first(self, newest_speech_seq: int, *, is_speaking: bool) -> None:
        """If the user speaks, or has spoken since the last call, expect a reply to that first."""
        is_ahead = is_speaking or newest_speech_seq > self._spoken_from_seq
        self._spoken_from_seq = max(self._spoken_from_seq, newest_speech_seq)
        for one in self._answers.values():
            if is_ahead and not one.is_begun:
                one.expect_after_next()

    def begin_generation(self) -> None:
        """Note that the model has called a tool, and may speak before it completes."""
        self.is_generating = True

    def note_speech(self, now_ms: int) -> None:
        """Note that the model makes a sound."""
        if not self.is_generating:
            self._spoken.clear()
        self.is_generating = True
        self._heard_at_ms = now_ms
        for one in self._answers.values():
            one.begin()

    def add_transcript(self, text: str) -> None:
        """Take a piece of the model's transcript, which may come late."""
        for one in self._answers.values():
            one.add_transcript(text)

    def end_generation(self, now_ms: int) -> None:
        """Note that a generation is complete, and forget the answers in it."""
        was_generating, self.is_generating = self.is_generating, False
        begun = [one for one in self._answers.values() if one.is_begun]
        spoken = [one for one in begun if one.is_spoken_in(one.said)]
        spoken = spoken or [one for one in begun if not one.generations_before][:1]
        for one in spoken:
            del self._answers[one.call.key]
        self._spoken += spoken
        for one in self._answers.values():
            one.wait(now_ms, max(0, one.generations_before - was_generating))

    def end_turn(self) -> None:
        """Note that the model's turn is complete, so its reply cannot be cut any more."""
        self._spoken.clear()

    def cut(self, turn: int, heard: str, now_ms: int, *, is_whole: bool) -> None:
        """Note that the user has cut a reply, and keep its answers that the user has not heard.

        A generation that is complete may still be playing.

        Args:
            turn: Whose reply it is.
            heard: What the user has heard of it.
            now_ms: The present.
            is_whole: That is all that the model has said.
        """
        unheard = [one for one in self._spoken if not (is_whole or one.is_spoken_in(heard))]
        self._assumed_heard = [one for one in self._spoken if one.is_spoken_in(heard)]
        was_generating, self.is_generating = self.is_generating, False
        self._spoken.clear()
        for one in list(self._answers.values()):
            if one.is_begun and one.is_spoken_in(heard):
                self._assumed_heard.append(self._answers.pop(one.call.key))
            elif one.is_begun:
                unheard.append(one)
            else:
                one.wait(now_ms, max(0, one.generations_before - was_generating))
        for one in (*unheard, *self._assumed_heard):
            one.cut(turn)
        self._expect_again(unheard, now_ms)

    def correct(self, turn: int, heard: str, now_ms: int) -> None:
        """Correct the estimate of what the user has heard of a reply that was cut."""
        for one in list(self._answers.values()):
            if one.cut_in == turn and not one.is_begun and one.is_spoken_in(heard):
                self._assumed_heard.append(self._answers.pop(one.call.key))
        known = self._assumed_heard
        unheard = [one for one in known if one.cut_in == turn and not one.is_spoken_in(heard)]
        self._assumed_heard = [one for one in known if one not in unheard]
        self._expect_again(unheard, now_ms)

    def _expect_again(self, unheard: list[_UnspokenAnswer], now_ms: int) -> None:
        for one in unheard:
            one.expect_again(now_ms)
            self._answers[one.call.key] = one

    def cancel(self, call_ids: tuple[str, ...]) -> None:
        """Note that the model wants no answer to these calls, and will not speak theirs."""
        for one in self._answers.values():
            asked = set(one.call.call_ids)
            if asked and asked <= set(call_ids) and not one.is_begun:
                one.cancel()

    def find(self, arguments_hash: str) -> tuple[OpenToolCall, CoreAnswer] | None:
        """Return the call that asked the same and its answer, unless that call failed."""
        for one in self._answers.values():
            is_same = one.call.arguments_hash == arguments_hash
            if is_same and one.answer.status is not ToolCallStatus.FAILED:
                return one.call, one.answer
        return None

    def drop(self, key: ToolCallKey) -> None:
        """Forget an answer that another one takes the place of."""
        self._answers.pop(key, None)

    def repeat(self, now_ms: int) -> list[CoreAnswer]:
        """Return the answers that the model gets a second time now, none if it got all twice."""
        first = [one for one in self._answers.values() if not (one.is_begun or one.is_repeated)]
        for one in first:
            one.repeat(now_ms)
        return [one.answer for one in first]

    def take(self) -> list[tuple[OpenToolCall, CoreAnswer]]:
        """Return and forget all answers: the live session that got them does not speak them."""
        taken = [(one.call, one.answer) for one in self._answers.values()]
        self._answers.clear()
        self._spoken.clear()
        self._assumed_heard.clear()
        self.is_generating, self._nudged_turn = False, 0
        return taken
