"""One session of a run's conversation, with its utterances and turns."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from local.calls.voice_call import VoiceCall
from repartee.domain.conversation.conversation import Turn
from repartee_client.access import SessionTicket
from repartee_client.recordings import Recording
from tests.chaos.judgement.evidence import SaidUtterance
from tests.chaos.user.client_record import ClientRecord

GIVEN_UP = frozenset({"refused", "busy", "superseded"})
"""The reasons of ends after which accepted input is only reported as skipped."""


@dataclass(slots=True)
class PlayedSession:
    """One session of the conversation, from its client's view.

    Attributes:
        ticket: The session's ticket.
        script: The words and the audio of each utterance, in order.
        end: The expected reason of the session's end.
        record: The client's record.
        call: The call; None until its connection is open.
        is_turned_away: Whether the client's reconnect was refused after a takeover.
        is_end_lost: Whether the line was lost with the reason of the end, so that the client only
            learned that the session is over.
        is_cut_off: Whether another device took over before the last words were answered.
        over: The turns that had ended when another device took over.
        answered: The utterances that these turns answer.
    """

    ticket: SessionTicket
    script: Sequence[tuple[str, Recording]]
    end: str
    record: ClientRecord = field(default_factory=ClientRecord)
    call: VoiceCall | None = None
    is_turned_away: bool = False
    is_end_lost: bool = False
    is_cut_off: bool = False
    over: frozenset[int] = frozenset()
    answered: frozenset[str] = frozenset()

    @property
    def words(self) -> Sequence[str]:
        """The words of the utterances, in order."""
        return [words for words, _ in self.script]

    @property
    def reported_end_reason(self) -> str:
        """The reason of the end that the client got or lost; "" if there was none."""
        if self.is_turned_away:
            return "superseded"
        if self.is_end_lost:
            return self.end
        closed = self.call.session.closed if self.call is not None else None
        return closed.reason if closed is not None else ""

    def utterances(self, turns: Sequence[Turn]) -> list[SaidUtterance]:
        """Return the utterances that the user began, given the turns in memory."""
        accepted_through = self.call.session.outbox.accepted_through if self.call else 0
        ends = self.record.end_seqs
        said = []
        for number, (words, recording) in enumerate(self.script):
            pcm = recording.pcm.strip(b"\0")
            is_accepted = number < len(ends) and ends[number] <= accepted_through
            skipped_in = self._skip_reported_in(ends[number], turns) if is_accepted else None
            is_cut_off = self.is_cut_off and words not in self.answered
            said.append(SaidUtterance(words, pcm, is_accepted, skipped_in, is_cut_off))
        return said

    def cut_off_turns(self, turns: Sequence[Turn]) -> frozenset[int]:
        """Return the turns that had not ended when another device took over."""
        if not self.is_cut_off:
            return frozenset()
        remembered = {turn.number for turn in turns if turn.session_id == self.ticket.session_id}
        at_client = set(self.call.replies.turns) if self.call else set[int]()
        return frozenset((remembered | at_client) - self.over)

    def _skip_reported_in(self, end_seq: int, turns: Sequence[Turn]) -> int | None:
        """Return the turn that reports an utterance as skipped, if the session was given up."""
        if self.reported_end_reason not in GIVEN_UP:
            return None
        for turn in turns:
            if turn.session_id != self.ticket.session_id:
                continue
            # ``speech_end`` follows the last audio.
            if any(gap.first_seq < end_seq <= gap.last_seq + 1 for gap in turn.skipped):
                return turn.number
        return None
