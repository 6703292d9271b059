"""Holds the answers of tools from when the model receives them until memory has their turn."""

import re
from dataclasses import dataclass, field

from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.session.tools.open_call import OpenToolCall
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallKey, ToolCallStatus

# The model does not speak an answer that was cut or cancelled, so the wait is short. The reply to
# the user's interruption begins within 1 to 2 s.
SPEAK_AGAIN_AFTER_MS = 3_000

# Gemini begins to speak an answer within 1 to 2 s. Whole input that arrives in this time waits.
SPEAKS_WITHIN_MS = 3_000

# Japanese has no spaces, so each kanji and each run of katakana or hiragana counts as a word.
_WORD = re.compile("[\u4e00-\u9fff]|[\u30a1-\u30ff]+|[^\\W\u4e00-\u9fff\u30a1-\u30ff]+")


@dataclass(slots=True, eq=False)
class _UnspokenAnswer:
    """An answer that the model has and has not spoken.

    Attributes:
        generations_before: How many other generations come before the answer.
        after_seq: Where the user's newest speech began when the model received the answer.
        is_begun: Whether the model has spoken since it received the answer.
        is_repeated: Whether the model received the answer a second time.
        is_cut: Whether the model was interrupted before the user had heard the answer.
        cut_in: The turn whose reply was cut, 0 if none was.
        told_in: The turn in which the user heard or read the answer.
        said: The transcript since the model received the answer.
    """

    call: OpenToolCall
    answer: CoreAnswer
    given_at_ms: int
    generations_before: int
    after_seq: int = 0
    is_begun: bool = False
    is_repeated: bool = False
    is_cut: bool = False
    cut_in: int = 0
    told_in: int = 0
    said: str = ""

    def wait(self, now_ms: int, generations_before: int) -> None:
        """Start waiting for the answer again."""
        self.given_at_ms, self.generations_before = now_ms, generations_before
        self.is_begun, self.said = False, ""

    def begin(self) -> None:
        """Note that the model speaks."""
        self.is_begun = True

    def add_transcript(self, text: str) -> None:
        """Add a piece of the model's transcript."""
        self.said += text

    def cut(self, turn: int) -> None:
        """Record the turn whose reply was cut."""
        self.cut_in = turn

    def tell(self, turn: int) -> None:
        """Record the turn in which the user hears or reads the answer."""
        self.told_in = turn

    def expect_again(self, now_ms: int) -> None:
        """Expect the answer after the next reply, because the user has not heard it."""
        self.wait(now_ms, 1)
        self.is_cut = True

    def repeat(self, now_ms: int) -> None:
        """Note that the model receives the answer a second time."""
        self.wait(now_ms, 0)
        self.is_repeated, self.is_cut = True, False

    def cancel(self) -> None:
        """Note that the model has cancelled the call."""
        self.is_cut = True
        self.expect_after_next()

    def expect_one_more(self) -> None:
        """Expect one more generation before the answer."""
        self.generations_before += 1

    @property
    def is_next(self) -> bool:
        """Return whether the model speaks the answer next."""
        return not (self.is_begun or self.is_cut or self.generations_before)

    def expect_before(self, seq: int) -> bool:
        """Expect the answer now, if the model had it before speech from ``seq`` on.

        Returns:
            Whether the model had it.
        """
        is_first = self.after_seq < seq and not (self.is_begun or self.is_cut)
        if is_first:
            self.generations_before = max(0, self.generations_before - 1)
        return is_first

    def expect_after_next(self) -> None:
        """Expect at least one generation before the answer."""
        self.generations_before = max(self.generations_before, 1)

    def is_spoken_in(self, text: str) -> bool:
        """Return whether a text contains more than half of the answer's words, if it has any."""
        wanted = set(_WORD.findall(self.answer.answer.casefold()))
        return not wanted or 2 * len(wanted & set(_WORD.findall(text.casefold()))) > len(wanted)


@dataclass(slots=True)
class UnspokenAnswers:
    """The answers that the model has received and not spoken yet, and those told since the commit.

    An answer that the user has heard or read is kept until its turn is committed. If the turn is
    lost before that, the user hears the answer again.

    Gemini's protocol does not say which generation speaks an answer. These are the rules:

    - Speech before the model received the answer is not the answer.
    - A later generation speaks every answer of which it contains more than half of the words. If
      there is no such answer, it speaks the oldest one in other words.
    - If another generation is expected first, that one counts only by its words. One is expected
      if the model was speaking or had not completed the generation with the call, one if the user
      was speaking or has spoken since, and one if the model was asked for words that it had not
      said yet. Several of these can apply together.
    - A reply that begins during speech which the model has not transcribed speaks an answer that
      the model had before that speech.
    - In a reply that the user interrupts, only the part that the user heard counts, and only by its
      words.

    Attributes:
        is_generating: Whether a generation is in progress: the model speaks, or has made a call
            that is not blocking.
    """

    is_generating: bool = False
    _heard_at_ms: int = 0
    _spoken_from_seq: int = 0
    _nudged_turn: int = 0
    _answers: dict[ToolCallKey, _UnspokenAnswer] = field(default_factory=dict)
    _spoken: list[_UnspokenAnswer] = field(default_factory=list)
    _told: list[_UnspokenAnswer] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self._answers)

    @property
    def calls(self) -> list[OpenToolCall]:
        """Return the calls whose answers are not spoken."""
        return [one.call for one in self._answers.values()]

    @property
    def silent_from_ms(self) -> int | None:
        """Return since when the model leaves an answer unspoken, None without such an answer."""
        given = [one.given_at_ms for one in self._answers.values() if not one.is_begun]
        return max(*given, self._heard_at_ms) if given else None

    @property
    def max_silence_ms(self) -> int:
        """Return how long the model may leave an answer unspoken."""
        is_cut = any(one.is_cut for one in self._answers.values() if not one.is_begun)
        return SPEAK_AGAIN_AFTER_MS if is_cut else SPEAK_WITHIN_MS

    @property
    def due_by_ms(self) -> int | None:
        """Return until when the model is about to speak an answer, None if it is not."""
        given = [one.given_at_ms for one in self._answers.values() if one.is_next]
        return max(given) + SPEAKS_WITHIN_MS if given else None

    def expect_before(self, seq: int) -> bool:
        """Expect the answers that the model had before speech from ``seq`` on.

        Returns:
            Whether there are any.
        """
        known = [one.expect_before(seq) for one in self._answers.values()]
        return any(known)

    def holds(self, turn: int) -> bool:
        """Return whether an answer of this turn is unspoken and still expected in it."""
        return any(
            one.call.turn == turn and not (one.is_begun or one.is_cut)
            for one in self._answers.values()
        )

    def add(
        self,
        call: OpenToolCall,
        answer: CoreAnswer,
        now_ms: int,
        *,
        generations_before: int,
        is_cut: bool = False,
    ) -> None:
        """Add an answer that the model has just received.

        Args:
            call: The call.
            answer: The answer.
            now_ms: The present.
            generations_before: How many other generations come before the answer, apart from the
                one in progress.
            is_cut: Whether the user wants silence, so that the answer is not spoken in its turn.
        """
        generations_before += self.is_generating + (call.turn <= self._nudged_turn)
        self._answers[call.key] = _UnspokenAnswer(
            call, answer, now_ms, generations_before, self._spoken_from_seq, is_cut=is_cut
        )

    def expect_two_replies(self, turn: int) -> None:
        """Note that the model was nudged in this turn, and may answer both the user and the nudge.

        It may only have been slow.
        """
        self._nudged_turn = turn
        for one in self._answers.values():
            one.expect_one_more()

    def let_user_go_first(self, newest_speech_seq: int, *, is_speaking: bool) -> None:
        """Expect a reply to the user first, if the user has spoken since the last call."""
        is_ahead = is_speaking or newest_speech_seq > self._spoken_from_seq
        self._spoken_from_seq = max(self._spoken_from_seq, newest_speech_seq)
        for one in self._answers.values():
            if is_ahead and not one.is_begun:
                one.expect_after_next()

    def begin_generation(self) -> None:
        """Note that the model has made a call, and may speak before it completes the generation."""
        self.is_generating = True

    def note_speech(self, now_ms: int) -> None:
        """Note that the model speaks."""
        if not self.is_generating:
            self._spoken.clear()
        self.is_generating = True
        self._heard_at_ms = now_ms
        for one in self._answers.values():
            one.begin()

    def add_transcript(self, text: str) -> None:
        """Add a piece of the model's transcript, which may come late."""
        for one in self._answers.values():
            one.add_transcript(text)

    def end_generation(self, turn: int, now_ms: int) -> None:
        """Complete a generation of a turn, which has told the answers that it has spoken."""
        was_generating, self.is_generating = self.is_generating, False
        begun = [one for one in self._answers.values() if one.is_begun]
        spoken = [one for one in begun if one.is_spoken_in(one.said)]
        spoken = spoken or [one for one in begun if not one.generations_before][:1]
        self._tell(spoken, turn)
        self._spoken += spoken
        for one in self._answers.values():
            one.wait(now_ms, max(0, one.generations_before - was_generating))

    def end_turn(self) -> None:
        """Note that the model's turn is complete, so that its reply cannot be cut any more."""
        self._spoken.clear()

    def cut(self, turn: int, heard: str, now_ms: int, *, is_whole: bool) -> None:
        """Cut a reply, and keep its answers that the user has not heard.

        This includes completed generations, which the client may still be playing.

        Args:
            turn: The turn of the reply.
            heard: The text of the part that the user has heard.
            now_ms: The present.
            is_whole: Whether that is the whole reply.
        """
        begun = [one for one in self._answers.values() if one.is_begun]
        for one in self._answers.values():
            if not one.is_begun:
                one.wait(now_ms, max(0, one.generations_before - self.is_generating))
        assumed_heard = [one for one in (*self._spoken, *begun) if one.is_spoken_in(heard)]
        whole = self._spoken if is_whole else []
        unheard = [one for one in (*self._spoken, *begun) if one not in (*assumed_heard, *whole)]
        self.is_generating, self._spoken = False, []
        for one in (*unheard, *assumed_heard):
            one.cut(turn)
        self._tell(assumed_heard, turn)
        self._expect_again(unheard, now_ms)

    def correct(self, turn: int, heard: str, now_ms: int) -> None:
        """Correct which answers the user has heard in a reply that was cut."""
        cut = [one for one in (*self._told, *self._answers.values()) if one.cut_in == turn]
        self._tell([one for one in cut if not one.is_begun and one.is_spoken_in(heard)], turn)
        told = [one for one in cut if one in self._told]
        self._expect_again([one for one in told if not one.is_spoken_in(heard)], now_ms)

    def _tell(self, answers: list[_UnspokenAnswer], turn: int) -> None:
        for one in answers:
            one.tell(turn)
            self._answers.pop(one.call.key, None)
        self._told += [one for one in answers if one not in self._told]

    def _expect_again(self, unheard: list[_UnspokenAnswer], now_ms: int) -> None:
        self._told = [one for one in self._told if one not in unheard]
        for one in unheard:
            one.expect_again(now_ms)
            self._answers[one.call.key] = one

    def add_told(self, answers: list[tuple[OpenToolCall, CoreAnswer]], turn: int) -> None:
        """Add answers that the client gets as text in a turn."""
        self._tell([_UnspokenAnswer(call, answer, 0, 0) for call, answer in answers], turn)

    def lose_turn(self, turn: int) -> None:
        """Note that a turn restarts, so that the answers in it are unspoken."""
        self._expect_again([one for one in self._told if one.told_in == turn], 0)

    def commit(self, through_turn: int) -> list[OpenToolCall]:
        """Forget the answers that the user got in these turns; return the calls of all others."""
        self._told = [one for one in self._told if one.told_in > through_turn]
        return [one.call for one in (*self._told, *self._answers.values())]

    def cancel(self, call_ids: tuple[str, ...]) -> None:
        """Note that the model has cancelled these calls and will not speak their answers."""
        for one in self._answers.values():
            asked = set(one.call.call_ids)
            if asked and asked <= set(call_ids) and not one.is_begun:
                one.cancel()

    def find(self, arguments_hash: str) -> tuple[OpenToolCall, CoreAnswer] | None:
        """Return the call with the same arguments and its answer, None if it failed."""
        for one in self._answers.values():
            is_same = one.call.arguments_hash == arguments_hash
            if is_same and one.answer.status is not ToolCallStatus.FAILED:
                return one.call, one.answer
        return None

    def drop(self, key: ToolCallKey) -> None:
        """Forget an answer, because another one replaces it."""
        self._answers.pop(key, None)
        self._told = [one for one in self._told if one.call.key != key]

    def repeat(self, now_ms: int) -> list[CoreAnswer]:
        """Return the answers to repeat to the model now; each is repeated once."""
        first = [one for one in self._answers.values() if not (one.is_begun or one.is_repeated)]
        for one in first:
            one.repeat(now_ms)
        return [one.answer for one in first]

    def take(self) -> list[tuple[OpenToolCall, CoreAnswer]]:
        """Return and forget all answers, because the Live session will not speak them."""
        taken = [(one.call, one.answer) for one in self._answers.values()]
        self._answers.clear()
        self._spoken.clear()
        self.is_generating, self._nudged_turn = False, 0
        return taken
