"""Checks what the Gemini simulator heard, said and received as tool answers."""

from collections import Counter
from collections.abc import Iterator, Sequence

from local.demo.recorded_script import word_error_rate, words_of
from tests.chaos.judgement.evidence import Evidence, LiveRecord, SaidUtterance, is_concatenation_of

# The recogniser makes errors: a sentence with one wrong word of five is the same sentence.
MAX_WORD_ERROR = 0.25
# The worker treats utterances of up to 2.5 s as short.
_SHORT_BYTES = 2_500 * 32


def check_gemini_side(evidence: Evidence) -> Iterator[str]:
    """Yield a description of each broken promise about the live model."""
    yield from _check_answering_session_heard_utterance(evidence)
    yield from _check_input_is_complete(evidence)
    yield from _check_tool_answers(evidence)
    yield from _check_memory_of_replies(evidence)


def _check_answering_session_heard_utterance(evidence: Evidence) -> Iterator[str]:
    for utterance in evidence.utterances:
        if not utterance.must_be_recorded:
            continue
        whole = [live for live in evidence.live if utterance.pcm in live.heard]
        if not whole:
            yield f"lost: no Live session heard all audio of “{utterance.words}” in order"
        elif not (utterance.is_cut_off or any(_answered(live, utterance) for live in whole)):
            yield f"lost: no Live session that heard all of “{utterance.words}” answered it"


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


def _check_input_is_complete(evidence: Evidence) -> Iterator[str]:
    """Check that a Live session hears what it answers completely, in order and once.

    A worker that repeats an utterance begins with its first sample, so a partial utterance shows
    a loss. After the session's last answer its input may end early, or contain the rest of an
    utterance from a worker that was woken too late.
    """
    for live in evidence.live:
        heard = live.heard.rstrip(b"\0")
        whole, heard_bytes = _heard_whole(heard, evidence.utterances)
        if heard_bytes < len(heard) and _answers(live) > whole:
            yield (
                f"lost: {live.name} answered input that from byte {heard_bytes} on is a partial "
                "or repeated utterance"
            )


def _heard_whole(heard: bytes, said: Sequence[SaidUtterance]) -> tuple[int, int]:
    """Return how many utterances a session heard in a row, and their length in bytes.

    A truncated last utterance counts. A short utterance may occur twice, because the worker sends
    it again if the model shows no reaction. Silence may surround an utterance, because the worker
    sends silence after speech, but must not be inside one.
    """
    count = start = 0
    utterances = list(said)
    while (start := _after_silence(heard, start)) < len(heard):
        following = _next_heard(heard, start, utterances)
        if following is None:
            break
        count += 1
        pcm = utterances[following].pcm
        start += len(pcm)
        del utterances[: following + 1]
        copy = _after_silence(heard, start)
        if len(pcm) <= _SHORT_BYTES and heard.startswith(pcm, copy):
            start = copy + len(pcm)
    return count, start


def _after_silence(heard: bytes, start: int) -> int:
    return len(heard) - len(heard[start:].lstrip(b"\0"))


def _answers(live: LiveRecord) -> int:
    """Return how many times the session answered speech."""
    answers, is_heard = 0, False
    for event in live.events:
        if event["kind"] == "heard":
            is_heard = is_heard or bool(words_of(event["text"]))
        elif event["kind"] == "turn_complete" and is_heard:
            answers, is_heard = answers + 1, False
    return answers


def _next_heard(heard: bytes, start: int, utterances: Sequence[SaidUtterance]) -> int | None:
    for index, utterance in enumerate(utterances):
        pcm = utterance.pcm[: len(heard) - start]
        if heard.startswith(pcm, start):
            return index
    return None


def _check_tool_answers(evidence: Evidence) -> Iterator[str]:
    for live in evidence.live:
        answered = Counter(event["id"] for event in live.events if event["kind"] == "tool_response")
        for call_id, times in answered.items():
            if times > 1:
                yield f"doubled: {live.name} got {times} answers to {call_id}"
    asked = any(event["kind"] == "tool_call" for live in evidence.live for event in live.events)
    if asked and not any(turn.tool_calls for turn in evidence.tables.turns):
        yield "lost: Gemini called a tool, but no turn contains a call"


def _check_memory_of_replies(evidence: Evidence) -> Iterator[str]:
    spoken = [_spoken_by(live) for live in evidence.live]
    for turn in evidence.tables.turns:
        words = words_of(turn.said)
        if not words or turn.said_is_approximate:
            continue
        if not any(is_concatenation_of(words, replies) for replies in spoken):
            yield f"lost: no Live session said “{turn.said}”, as turn {turn.number} remembers it"


def _spoken_by(live: LiveRecord) -> list[list[str]]:
    ends = (event["said"] for event in live.events if event["kind"] == "turn_complete")
    return [words for said in ends if (words := words_of(said))]
