"""Judges a run by comparing what was said, heard, remembered and done."""

from collections import Counter
from collections.abc import Iterator, Sequence

from local.calls.turn_collector import TurnRecord
from local.demo.recorded_script import words_of
from repartee.domain.conversation.conversation import Turn
from repartee.domain.tools.core_calls import ToolCallStatus
from tests.chaos.judgement.evidence import Evidence, LiveRecord, is_concatenation_of
from tests.chaos.judgement.gemini_checks import check_gemini_side
from tests.chaos.judgement.transcript_checks import check_transcripts


def judge(evidence: Evidence) -> list[str]:
    """Return a description of each broken promise; empty for a run that passed."""
    return [
        *_check_sessions(evidence),
        *check_transcripts(evidence),
        *check_gemini_side(evidence),
        *_check_replies(evidence),
        *_check_interruptions(evidence),
        *_check_memory(evidence),
        *_check_turn_numbers(evidence),
        *_check_greetings(evidence),
        *_check_bookings(evidence),
        *_check_replaced_workers(evidence),
        *_check_replays(evidence),
    ]


def _check_sessions(evidence: Evidence) -> Iterator[str]:
    if evidence.failure:
        yield f"hung: {evidence.failure}"
    if not evidence.tables.is_over:
        yield "hung: the session was not closed"
    if evidence.lines_lost > evidence.lines_broken:
        lost, broken = evidence.lines_lost, evidence.lines_broken
        yield f"line: {lost} connections ended before the session, but {broken} were planned"
    for expected, reason in evidence.ends:
        # A connection that breaks after ``bye`` may lose ``closed``. The refusal of the next
        # connection shows that the session has ended.
        is_cut_off = (expected, reason) == ("bye", "") and evidence.lines_broken
        if reason != expected and not (evidence.failure or is_cut_off):
            yield f"hung: the client got the reason “{reason}” for the end, not “{expected}”"


def _check_replies(evidence: Evidence) -> Iterator[str]:
    for turn in evidence.client_turns:
        if not (turn.pcm or turn.heard or turn.said or turn.end):
            # A new worker restarts the next turn as a precaution, even if nothing was asked.
            continue
        if not turn.is_over and turn.number not in evidence.turned_away:
            yield f"hung: turn {turn.number} did not end at the client"
        if turn.number in evidence.barged_in | evidence.cut_off:
            continue
        if turn.is_interrupted:
            yield f"cut: the reply of turn {turn.number} was cut, but the user did not interrupt it"
        elif turn.is_lost:
            if not _is_said_again(turn, evidence.client_turns):
                yield f"cut: the reply of turn {turn.number} was lost, and only its text arrived"
        elif turn.pcm and not any(
            is_concatenation_of(bytes(turn.pcm), live.replies) for live in evidence.live
        ):
            yield f"cut: the audio of turn {turn.number} is not complete as the simulator sent it"


def _is_said_again(lost: TurnRecord, turns: Sequence[TurnRecord]) -> bool:
    said = " ".join(words_of(lost.said))
    later = (turn for turn in turns if turn.number > lost.number and turn.pcm)
    return any(said in " ".join(words_of(turn.said)) for turn in later)


def _check_interruptions(evidence: Evidence) -> Iterator[str]:
    for text in evidence.out_of_turn:
        yield f"cut: {text}"
    remembered = {turn.number: turn for turn in evidence.tables.turns}
    for turn in evidence.client_turns:
        cut = evidence.barged_in | evidence.cut_off
        if turn.number not in cut or not turn.is_interrupted:
            continue
        if not any(_begins_with(live, bytes(turn.pcm)) for live in evidence.live):
            yield f"cut: the audio of turn {turn.number} is not the start of a reply"
        kept = remembered.get(turn.number)
        if kept is not None and not _is_start(kept.said, turn.said):
            yield (
                f"cut: turn {turn.number} is remembered as “{kept.said}”, "
                f"but the client got only “{turn.said}”"
            )


def _begins_with(live: LiveRecord, pcm: bytes) -> bool:
    return any(b"".join(live.replies[first:]).startswith(pcm) for first in range(len(live.replies)))


def _is_start(said: str, received: str) -> bool:
    words = words_of(said)
    return words == words_of(received)[: len(words)]


def _check_memory(evidence: Evidence) -> Iterator[str]:
    at_client = {turn.number: turn for turn in evidence.client_turns}
    remembered = {turn.number for turn in evidence.tables.turns}
    for number in sorted(at_client.keys() - remembered):
        if at_client[number].end is not None:
            yield f"lost: the client has turn {number}, but memory does not"
    reported_as_skipped = {one.skip_reported_in_turn for one in evidence.utterances}
    for turn in evidence.tables.turns:
        client = at_client.get(turn.number)
        if turn.number in reported_as_skipped | evidence.cut_off:
            continue
        if client is None:
            yield f"lost: turn {turn.number} is remembered, but never reached the client"
        else:
            # An inaudible greeting is not repeated, because the user waits for nothing.
            may_be_mute = _is_greeting(turn, evidence) or _is_spoken_later(turn, evidence)
            yield from _same_reply(turn, client, may_be_mute=may_be_mute)


def _is_spoken_later(turn: Turn, evidence: Evidence) -> bool:
    """Return whether a later turn speaks the answer of a call that Gemini cancelled.

    A model with blocking calls ends the turn with the cancellation, without a reply.
    """
    events = (event for live in evidence.live for event in live.events)
    if not any(event["kind"] == "calls_cancelled" for event in events):
        return False
    later = [
        " ".join(words_of(one.said))
        for one in evidence.client_turns
        if one.pcm and one.number > turn.number
    ]
    answers = [" ".join(words_of(call.answer)) for call in turn.tool_calls]
    return any(answer and answer in said for answer in answers for said in later)


def _same_reply(turn: Turn, client: TurnRecord, *, may_be_mute: bool) -> Iterator[str]:
    if turn.said_is_approximate or client.is_interrupted or client.is_lost:
        return
    if not (client.pcm or may_be_mute):
        yield f"lost: “{turn.heard}” of turn {turn.number} got no audible reply"
    if words_of(turn.said) != words_of(client.said):
        yield (
            f"lost: turn {turn.number} is remembered as “{turn.said}”, "
            f"but the client got “{client.said}”"
        )


def _check_turn_numbers(evidence: Evidence) -> Iterator[str]:
    numbers = [turn.number for turn in evidence.tables.turns]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"lost: turn numbers are not consecutive: {numbers}"
    header = evidence.tables.header
    if header is None or header.turn_count != len(numbers):
        count = "nothing" if header is None else str(header.turn_count)
        yield f"lost: the header counts {count} for {len(numbers)} turns"


def _check_greetings(evidence: Evidence) -> Iterator[str]:
    greeted = Counter(
        turn.session_id for turn in evidence.tables.turns if _is_greeting(turn, evidence)
    )
    for session_id, count in greeted.items():
        if count > 1:
            yield f"doubled: the agent greeted {count} times in session {session_id}"


def _is_greeting(turn: Turn, evidence: Evidence) -> bool:
    return not turn.heard and words_of(turn.said) == words_of(evidence.greeting)


def _check_bookings(evidence: Evidence) -> Iterator[str]:
    count = len(evidence.bookings)
    if count > 1:
        yield f"doubled: {count} bookings for one request"
    calls = [call for turn in evidence.tables.turns for call in turn.tool_calls]
    if not count and any(call.status is ToolCallStatus.DONE for call in calls):
        yield "lost: the tool answered, but its booking is missing"


def _check_replaced_workers(evidence: Evidence) -> Iterator[str]:
    if evidence.stale_frames_accepted:
        yield f"stale: the client got {evidence.stale_frames_accepted} frames of replaced workers"
    for write in evidence.stale_writes:
        yield f"stale: a replaced worker wrote: {write}"


def _check_replays(evidence: Evidence) -> Iterator[str]:
    for lease in evidence.leases:
        if lease.difference:
            yield f"replay: {lease.name}, {lease.difference}"
