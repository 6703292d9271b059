"""Where the user's words stand in memory: each utterance in one turn, beside the answer to it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from local.demo.recorded_script import word_error_rate, words_of
from tests.chaos.judgement.evidence import Evidence, LiveRecord
from tests.chaos.judgement.gemini_checks import MAX_WORD_ERROR

# What was sent so shortly before the end of a live session may not have been written down.
_WRITTEN_WITHIN_MS = 1_000
_CLOSED_BY_WORKER = 1_000


def check_transcripts(evidence: Evidence) -> Iterator[str]:
    """Every promise about the user's words that was broken, in words."""
    missing = _may_be_missing(evidence)
    yield from _each_utterance_in_one_turn(evidence, missing)
    yield from _beside_their_answer(evidence, missing)


def _each_utterance_in_one_turn(evidence: Evidence, missing: frozenset[str]) -> Iterator[str]:
    """Turns hold the utterances in the order in which they were said, each once.

    Two in one turn are in order: who speaks on before the answer begins is still in that turn.
    """
    accepted = [one.words for one in evidence.utterances if one.must_be_recorded]
    said = list(accepted)
    for turn in evidence.tables.turns:
        if not turn.heard:
            continue
        heard = words_of(turn.heard)
        taken = _how_many(said, heard)
        while not taken and said and said[0] in missing:
            said = said[1:]
            taken = _how_many(said, heard)
        if not taken:
            expected = said[0] if said else "nothing more"
            kind = "doubled" if _is_among(accepted, turn.heard) else "lost"
            yield f"{kind}: turn {turn.number} heard “{turn.heard}” where “{expected}” was said"
            continue
        said = said[taken:]
    for words in said:
        if words not in missing:
            yield f"lost: “{words}” was accepted and is in no turn"


def _how_many(said: Sequence[str], heard: Sequence[str]) -> int:
    """How many of the next utterances the words are, one after the other; 0 where they are not.

    Each has to be there by itself: beside a long one the loss of a short one would not show.
    """
    for end in range(1, len(heard) + 1) if said else ():
        if word_error_rate(said[0], " ".join(heard[:end])) > MAX_WORD_ERROR:
            continue
        if end == len(heard):
            return 1
        if following := _how_many(said[1:], heard[end:]):
            return 1 + following
    return 0


def _is_among(said: Sequence[str], heard: str) -> bool:
    return any(word_error_rate(words, heard) <= MAX_WORD_ERROR for words in said)


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply of Gemini's side.

    Attributes:
        newest: The newest utterance that the session had heard by then, and the one before it
            where memory cannot have the newest; empty where it had heard nothing.
        is_direct: It is the first reply since that utterance.
    """

    said: list[str]
    newest: frozenset[str]
    is_direct: bool


def _beside_their_answer(evidence: Evidence, missing: frozenset[str]) -> Iterator[str]:
    """The last words of a turn are those that the live session had heard when it gave the answer.

    A session that had heard nothing may be one that goes on for another: it proves nothing. A turn
    without words may say what nobody had just asked for, as an answer that comes late.
    """
    said = [one.words for one in evidence.utterances]
    for turn in evidence.tables.turns:
        answer = words_of(turn.said)
        if not answer or turn.said_is_approximate:
            continue
        rows = [row for live in evidence.live for row in _rows(live, answer, said, missing)]
        asked = frozenset[str]().union(*(one.newest for row in rows for one in row))
        proves = bool(rows) and all(one.newest for row in rows for one in row)
        if turn.heard and proves and _last_of(said, turn.heard) not in asked:
            yield (
                f"misplaced: turn {turn.number} heard “{turn.heard}”, "
                f"and its answer was given to “{'” or “'.join(sorted(asked))}”"
            )
        is_direct = bool(rows) and all(row[0].is_direct for row in rows)
        if not turn.heard and is_direct and all(_is_told(one, evidence) for one in asked):
            yield (
                f"misplaced: “{'” or “'.join(sorted(asked))}” is not in turn {turn.number}, "
                "where it was answered, but in another one"
            )


def _is_told(words: str, evidence: Evidence) -> bool:
    text = " ".join(words_of(words))
    return any(text in " ".join(words_of(turn.heard)) for turn in evidence.tables.turns)


def _rows(
    live: LiveRecord, answer: list[str], said: Sequence[str], missing: frozenset[str]
) -> Iterator[list[_Reply]]:
    """Replies of one session that are the answer, one after the other."""
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
    """The utterance that these words end with, "" where it is none; some differ in one word."""
    words = words_of(heard)

    def error(one: str) -> float:
        return word_error_rate(one, " ".join(words[-len(words_of(one)) :]))

    nearest = min(said, key=error, default="")
    return nearest if words and nearest and error(nearest) <= MAX_WORD_ERROR else ""


def _may_be_missing(evidence: Evidence) -> frozenset[str]:
    """Utterances whose words memory cannot have.

    The live session that heard such an utterance last had not sent its transcript yet when a fault
    or the user's hang-up ended it. Nobody else knows the words, and the turn was answered already,
    so that nobody hears its audio again.
    """
    said = [one.words for one in evidence.utterances]
    listeners: dict[str, LiveRecord] = {}
    for live in evidence.live:
        for event in live.events:
            if event["kind"] == "heard":
                listeners[_last_of(said, event["text"])] = live
    return frozenset(
        words
        for words, live in listeners.items()
        if words and words in _kept_back(live, said, evidence) and _is_excused(live, evidence)
    )


def _kept_back(live: LiveRecord, said: Sequence[str], evidence: Evidence) -> set[str]:
    # A frozen worker reads nothing of what is sent, and is replaced before it wakes.
    is_frozen = any(lease.is_fenced for lease in evidence.leases)
    within_ms = math.inf if is_frozen else _WRITTEN_WITHIN_MS
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
    """Whether a fault or the end of the talk explains the end of a live session.

    A worker that closes its session to go on with another one has no such excuse.
    """
    for event in live.events:
        if event["kind"] in {"closed_by_server", "go_away"}:
            return True
        if event["kind"] == "connection_ended" and event["close_code"] != _CLOSED_BY_WORKER:
            return True
    is_last = live is evidence.live[-1]
    has_left = any(lease.hands_over or lease.is_fenced for lease in evidence.leases)
    return is_last or has_left or len(evidence.ends) > 1
