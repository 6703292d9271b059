"""What Gemini's side bears witness to: what it heard, what it said, what it was answered."""

from collections import Counter
from collections.abc import Iterator, Sequence

from local.demo.recorded_script import word_error_rate, words_of
from tests.chaos.judgement.evidence import Evidence, LiveRecord, SaidUtterance, is_concatenation_of

# The recogniser errs; a word lost out of five is still the same sentence.
MAX_WORD_ERROR = 0.25
# What the worker takes for a short utterance: 2.5 s.
_SHORT_BYTES = 2_500 * 32


def check_gemini_side(evidence: Evidence) -> Iterator[str]:
    """Every promise that was broken towards the live model, in words."""
    yield from _check_answering_session_heard_utterance(evidence)
    yield from _heard_without_holes(evidence)
    yield from _answered_once(evidence)
    yield from _remembered_as_spoken(evidence)


def _check_answering_session_heard_utterance(evidence: Evidence) -> Iterator[str]:
    for utterance in evidence.utterances:
        if not utterance.must_be_recorded:
            continue
        whole = [live for live in evidence.live if utterance.pcm in live.heard]
        if not whole:
            yield f"lost: no live session heard all audio of “{utterance.words}” in order"
        elif not (utterance.is_cut_off or any(_answered(live, utterance) for live in whole)):
            yield f"lost: no live session that heard all of “{utterance.words}” answered it"


def _answered(live: LiveRecord, utterance: SaidUtterance) -> bool:
    is_heard = False
    for event in live.events:
        if event["kind"] == "heard" and words_of(event["text"]):
            is_heard = is_heard or (
                word_error_rate(utterance.words, event["text"]) <= MAX_WORD_ERROR
            )
        elif event["kind"] in {"turn_complete", "interrupted"} and is_heard:
            return True
    return False


def _heard_without_holes(evidence: Evidence) -> Iterator[str]:
    """What a session answers it has heard whole, in order and once.

    Who is given an utterance anew is given it from its first sample, so the rest of one tells of a
    loss. Only behind its last answer a session may break off, or hear what a worker gives it that
    wakes too late and finds but the rest of its input.
    """
    for live in evidence.live:
        heard = live.heard.rstrip(b"\0")
        whole, heard_bytes = _heard_whole(heard, evidence.utterances)
        if heard_bytes < len(heard) and _answers(live) > whole:
            yield (
                f"lost: {live.name} answered what from byte {heard_bytes} on "
                "is no utterance from its begin, or one that it had heard"
            )


def _heard_whole(heard: bytes, said: Sequence[SaidUtterance]) -> tuple[int, int]:
    """How many utterances a session heard one after the other, and how many bytes they are.

    One that it breaks off in counts as a whole one. A short one may come twice: the worker offers
    it again where nothing shows that it was heard. Silence may stand around each of them, because
    the worker sends some after speech, and never within one.
    """
    count = begin = 0
    utterances = list(said)
    while (begin := _after_silence(heard, begin)) < len(heard):
        following = _next_heard(heard, begin, utterances)
        if following is None:
            break
        count += 1
        pcm = utterances[following].pcm
        begin += len(pcm)
        del utterances[: following + 1]
        copy = _after_silence(heard, begin)
        if len(pcm) <= _SHORT_BYTES and heard.startswith(pcm, copy):
            begin = copy + len(pcm)
    return count, begin


def _after_silence(heard: bytes, begin: int) -> int:
    return len(heard) - len(heard[begin:].lstrip(b"\0"))


def _answers(live: LiveRecord) -> int:
    """How many times it was spoken to and answered."""
    answers, is_heard = 0, False
    for event in live.events:
        if event["kind"] == "heard":
            is_heard = is_heard or bool(words_of(event["text"]))
        elif event["kind"] == "turn_complete" and is_heard:
            answers, is_heard = answers + 1, False
    return answers


def _next_heard(heard: bytes, begin: int, utterances: Sequence[SaidUtterance]) -> int | None:
    for index, utterance in enumerate(utterances):
        pcm = utterance.pcm[: len(heard) - begin]
        if heard.startswith(pcm, begin):
            return index
    return None


def _answered_once(evidence: Evidence) -> Iterator[str]:
    for live in evidence.live:
        answered = Counter(event["id"] for event in live.events if event["kind"] == "tool_response")
        for call_id, times in answered.items():
            if times > 1:
                yield f"doubled: {live.name} got {times} answers to {call_id}"
    asked = any(event["kind"] == "tool_call" for live in evidence.live for event in live.events)
    if asked and not any(turn.tool_calls for turn in evidence.tables.turns):
        yield "lost: Gemini called a tool, and no turn remembers any call"


def _remembered_as_spoken(evidence: Evidence) -> Iterator[str]:
    spoken = [_spoken_by(live) for live in evidence.live]
    for turn in evidence.tables.turns:
        words = words_of(turn.said)
        if not words or turn.said_is_approximate:
            continue
        if not any(is_concatenation_of(words, replies) for replies in spoken):
            yield f"lost: no live session said “{turn.said}”, as turn {turn.number} remembers it"


def _spoken_by(live: LiveRecord) -> list[list[str]]:
    ends = (event["said"] for event in live.events if event["kind"] == "turn_complete")
    return [words for said in ends if (words := words_of(said))]
