"""Checks that memory contains each utterance once, in the turn of its answer."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local.demo.recorded_script import word_error_rate, words_of
from tests.chaos.judgement.evidence import Evidence, LiveRecord
from tests.chaos.judgement.gemini_checks import MAX_WORD_ERROR

# A transcript that was sent so shortly before the end of a Live session may be lost.
_PROCESSED_WITHIN_MS = 1_000
_CLOSED_BY_WORKER = 1_000


def check_transcripts(evidence: Evidence) -> Iterator[str]:
    """Yield a description of each broken promise about the user's words."""
    missing = _may_be_missing(evidence)
    yield from _each_utterance_in_one_turn(evidence, missing)
    yield from _beside_their_answer(evidence, missing)


def _each_utterance_in_one_turn(evidence: Evidence, missing: frozenset[str]) -> Iterator[str]:
    """Check that the turns contain the utterances in order, each once.

    A turn may contain two utterances, if the user continues before the answer begins.
    """
    accepted = [utterance.words for utterance in evidence.utterances if utterance.must_be_recorded]
    said = list(accepted)
    for turn in evidence.tables.turns:
        if not turn.heard:
            continue
        first, end = _find_utterances(said, words_of(turn.heard), missing)
        if first == end:
            expected = said[0] if said else "nothing more"
            kind = "doubled" if _is_among(accepted, turn.heard) else "lost"
            yield f"{kind}: turn {turn.number} contains “{turn.heard}” instead of “{expected}”"
            continue
        said = said[end:]
    for words in said:
        if words not in missing:
            yield f"lost: “{words}” was accepted, but is in no turn"


def _find_utterances(
    said: Sequence[str], heard: Sequence[str], missing: frozenset[str]
) -> tuple[int, int]:
    """Return where in ``said`` the heard utterances begin and end; equal numbers if nowhere.

    Utterances before them must be missing ones. Two utterances may differ in one word, so the
    nearest ones count: the words of the second are no proof that the first is there.
    """
    found = list[tuple[float, int, int]]()
    for first, words in enumerate(said):
        if count := _count_utterances(said[first:], heard):
            end = first + count
            error = word_error_rate(" ".join(said[first:end]), " ".join(heard))
            found.append((error, first, end))
        if words not in missing:
            break
    _, first, end = min(found, default=(0.0, 0, 0))
    return first, end


def _count_utterances(said: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many of the next utterances the words consist of; 0 if they are others.

    Each utterance is compared separately, because the loss of a short one next to a long one would
    remain below the limit.
    """
    for end in range(1, len(heard) + 1) if said else ():
        if word_error_rate(said[0], " ".join(heard[:end])) > MAX_WORD_ERROR:
            continue
        if end == len(heard):
            return 1
        if following := _count_utterances(said[1:], heard[end:]):
            return 1 + following
    return 0


def _is_among(said: Sequence[str], heard: str) -> bool:
    return any(word_error_rate(words, heard) <= MAX_WORD_ERROR for words in said)


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply of the simulator.

    Attributes:
        said: The words of the reply.
        newest: The newest utterance that the session had heard, and the one before it if memory
            cannot contain the newest; empty if it had heard nothing.
        is_direct: Whether this is the first reply after that utterance.
    """

    said: list[str]
    newest: frozenset[str]
    is_direct: bool


def _beside_their_answer(evidence: Evidence, missing: frozenset[str]) -> Iterator[str]:
    """Check that a turn's last words are those that the Live session heard before its answer.

    A session that heard nothing may continue for another one, and proves nothing. A turn without
    words may contain a late answer.
    """
    said = [utterance.words for utterance in evidence.utterances]
    for turn in evidence.tables.turns:
        answer = words_of(turn.said)
        if not answer or turn.said_is_approximate:
            continue
        rows = [row for live in evidence.live for row in _rows(live, answer, said, missing)]
        asked = frozenset[str]().union(*(reply.newest for row in rows for reply in row))
        proves = bool(rows) and all(reply.newest for row in rows for reply in row)
        if turn.heard and proves and _last_of(said, turn.heard) not in asked:
            yield (
                f"misplaced: turn {turn.number} contains “{turn.heard}”, "
                f"but its answer was given to “{'” or “'.join(sorted(asked))}”"
            )
        is_direct = bool(rows) and all(row[0].is_direct for row in rows)
        if (
            not turn.heard
            and is_direct
            and all(_is_in_memory(utterance, evidence) for utterance in asked)
        ):
            yield (
                f"misplaced: “{'” or “'.join(sorted(asked))}” is not in turn {turn.number}, "
                "where it was answered, but in another turn"
            )


def _is_in_memory(words: str, evidence: Evidence) -> bool:
    text = " ".join(words_of(words))
    return any(text in " ".join(words_of(turn.heard)) for turn in evidence.tables.turns)


def _rows(
    live: LiveRecord, answer: list[str], said: Sequence[str], missing: frozenset[str]
) -> Iterator[list[_Reply]]:
    """Yield consecutive replies of one session that together are the answer."""
    replies = _replies(live, said, missing)
    for first in range(len(replies)):
        spoken = list[str]()
        for end in range(first, len(replies)):
            spoken = spoken + replies[end].said
            if spoken == answer:
                yield replies[first : end + 1]


def _replies(live: LiveRecord, said: Sequence[str], missing: frozenset[str]) -> list[_Reply]:
    newest, is_direct, replies = frozenset[str](), False, list[_Reply]()
    for event in live.events:
        if event["kind"] == "heard":
            if words := _last_of(said, event["text"]):
                before = newest if is_direct and words in missing else frozenset()
                newest, is_direct = before | {words}, True
        elif event["kind"] == "turn_complete":
            if spoken := words_of(event["said"]):
                replies.append(_Reply(spoken, newest, is_direct))
            is_direct = False
    return replies


def _last_of(said: Sequence[str], heard: str) -> str:
    """Return the utterance at the end of these words, or "".

    Some utterances differ in one word, so the nearest one counts.
    """
    words = words_of(heard)

    def error(utterance: str) -> float:
        return word_error_rate(utterance, " ".join(words[-len(words_of(utterance)) :]))

    nearest = min(said, key=error, default="")
    return nearest if words and nearest and error(nearest) <= MAX_WORD_ERROR else ""


def _may_be_missing(evidence: Evidence) -> frozenset[str]:
    """Return the utterances whose words may be missing in memory.

    A fault or the user's hang-up ended the last Live session that heard such an utterance before
    the session sent the transcript. The turn was already answered, so no other session hears the
    audio again.
    """
    said = [utterance.words for utterance in evidence.utterances]
    listeners: dict[str, LiveRecord] = {}
    for live in evidence.live:
        for event in live.events:
            if event["kind"] == "heard":
                listeners[_last_of(said, event["text"])] = live
    return frozenset(
        words
        for words, live in listeners.items()
        if words
        and words in _unsent_transcripts(live, said, evidence)
        and _is_excused(live, evidence)
    )


def _unsent_transcripts(live: LiveRecord, said: Sequence[str], evidence: Evidence) -> set[str]:
    # A frozen worker reads no transcripts, and is replaced before it is woken.
    is_frozen = any(lease.is_fenced for lease in evidence.leases)
    within_ms = math.inf if is_frozen else _PROCESSED_WITHIN_MS
    waiting, sent = set[str](), dict[str, float]()
    for event in live.events:
        match event["kind"]:
            case "transcript_overdue":
                waiting.add(_last_of(said, event["text"]))
            case "overdue_sent":
                sent |= dict.fromkeys(waiting, event["t_ms"])
                waiting = set()
            case "connection_ended":
                waiting |= {one for one, ms in sent.items() if event["t_ms"] - ms <= within_ms}
            case _:
                pass
    return waiting


def _is_excused(live: LiveRecord, evidence: Evidence) -> bool:
    """Return whether a fault or the end of the conversation explains the end of a Live session.

    The worker must not lose words when it replaces its Live session on its own initiative.
    """
    for event in live.events:
        if event["kind"] in {"closed_by_server", "go_away"}:
            return True
        if event["kind"] == "connection_ended" and event["close_code"] != _CLOSED_BY_WORKER:
            return True
    is_last = live is evidence.live[-1]
    has_left = any(lease.hands_over or lease.is_fenced for lease in evidence.leases)
    return is_last or has_left or len(evidence.ends) > 1
