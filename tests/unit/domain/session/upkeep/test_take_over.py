"""Another device takes over the conversation at any moment of a session: accepted input is in
exactly one turn, or a turn records that it was skipped, whichever worker is left.
"""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings

from repartee.domain.protocol.messages import Notified, Numbered, Superseded
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.events import MailboxRead, Started
from tests.unit.domain.session.upkeep.test_succession import Succession, tokens

pytestmark = pytest.mark.unit


class TakenOver(Succession):
    """As ``Succession``, up to a moment at which the conversation becomes another session's."""

    is_taken = False

    def release(self, reason: FinishReason) -> None:
        if not self.is_taken:
            super().release(reason)
            return
        call = self.worker
        assert call is not None
        self.state = replace(self.state, cursor=max(self.state.cursor, call.machine.cursor))
        self.leave()
        if reason is not FinishReason.ENDED:
            self.close_without_a_worker()

    def teardown(self) -> None:
        self.is_taken = True
        self.notices["taken"] = Notified("taken", Superseded("S2"))
        if self.worker is None:
            self.close_without_a_worker()
        for _ in range(100):
            if self.worker is None:
                break
            self.look()
            while self.worker is not None and self.lane:
                self.write_one()
            while self.worker is not None and self.posts:
                self.post()
            if self.worker is not None:
                self.take_effects()
            self.pass_step(100)
        assert self.worker is None, "the session has not ended"
        self.nothing_is_lost()
        self.nothing_is_remembered_twice()
        self.turns_are_numbered_in_order()

    def close_without_a_worker(self) -> None:
        """The new session's worker takes the lease and closes this one."""
        memory = self.memory()
        taken = replace(memory.conversation, live_session_id="S2")
        worker = self.begin(replace(memory, conversation=taken))
        unread = [one for seq, one in sorted(self.mailbox.items()) if seq > self.state.cursor]
        entries: list[Numbered | Notified] = [*unread, *self.notices.values()]
        worker.feed(Started(unread=MailboxRead(tuple(entries))))
        self.take_effects()

    def nothing_is_lost(self) -> None:
        heard = Counter(tokens(self.turns))
        gaps = [gap for turn in self.turns for gap in turn.skipped]
        for utterance in self.utterances_said():
            if utterance[-1] > self.client.outbox.accepted_through:
                continue
            is_recorded = any(
                gap.first_seq <= seq <= gap.last_seq for gap in gaps for seq in utterance
            )
            is_heard = any(heard[seq] for seq in utterance)
            is_late = all(self.may_be_skipped(seq) for seq in utterance)
            assert is_heard or is_recorded or is_late, f"{utterance} is lost"

    def utterances_said(self) -> list[list[int]]:
        """The speech in runs without a pause, as consecutive numbers."""
        utterances: list[list[int]] = []
        for seq in self.said:
            if utterances and utterances[-1][-1] == seq - 1:
                utterances[-1].append(seq)
            else:
                utterances.append([seq])
        return utterances


TakenOver.TestCase.settings = settings(
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestTakenOver = pytest.mark.unit(TakenOver.TestCase)
