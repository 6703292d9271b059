"""Does the work that is due after each event, in a fixed order of the components."""

from repartee.domain.session.parts import SessionParts


class DueWork:
    """Runs the steps that follow every event."""

    def __init__(self, parts: SessionParts):
        self._parts = parts

    def note_answer(self, now_ms: int) -> None:
        """Note that the model has received an answer, which it will speak."""
        self._parts.filler.postpone(now_ms)
        self._parts.sessions.note_activity(now_ms)

    def do(self, now_ms: int) -> None:
        """Do all work that is due at ``now_ms``."""
        parts = self._parts
        # This comes first, because settled input makes room for texts.
        parts.order.forget(parts.cursor)
        if parts.departure.may_listen:
            parts.marked.check(now_ms)
            parts.retry.check(now_ms)
            self._feed_input(now_ms)
            parts.replies.end_paused_turn(now_ms)
        if parts.live.is_open:
            # The last words before a bye need silence after them too.
            parts.feed.send_due_silence(now_ms)
        if parts.departure.may_take_input:
            parts.limit_watch.check(now_ms)
        parts.cues.expire(now_ms)
        parts.lost_replies.expire(now_ms)
        parts.preference_mentions.store()
        if parts.router.expire(now_ms):
            self.note_answer(now_ms)
        if parts.departure.may_take_replies:
            self._check_answers(now_ms)
        if parts.departure.may_take_input:
            self._maintain_live_session(now_ms)
        if parts.departure.closing is not None:
            self._end_turns(now_ms)
        must_commit_now = parts.departure.must_commit_now(now_ms)
        parts.keeper.commit(
            parts.feed.settled, parts.calls.commit, now_ms, must_commit_now=must_commit_now
        )
        owes_greeting = parts.departure.may_take_input and parts.greeting.is_due
        parts.departure.leave(now_ms, has_input=parts.feed.is_waiting or owes_greeting)
        if not parts.departure.has_left:
            parts.client.post_next(now_ms)

    def _feed_input(self, now_ms: int) -> None:
        parts, feed, departure = self._parts, self._parts.feed, self._parts.departure
        feed.order_input(now_ms)
        parts.stops.take(now_ms)
        if feed.is_speech_waiting:
            parts.sessions.leave_duplicating_session(now_ms)
        may_send = parts.live.is_open and not parts.calls.is_blocking
        is_heard = parts.turns.is_user_speaking or parts.presence.may_begin_turn(now_ms)
        holds_texts = parts.greeting.holds_texts(now_ms)
        feed.feed_model(
            now_ms,
            is_open=may_send,
            is_heard=is_heard,
            holds_texts=holds_texts,
            answer_due_by_ms=parts.calls.unspoken.due_by_ms,
        )
        parts.stops.check(now_ms)
        departure.note_activity(feed.last_fed_ms)
        if feed.has_bye:
            parts.closing.close("bye", now_ms)
        # Speech that is held back counts as an objection, because it is not sent before the end.
        is_held_back = not is_heard or departure.is_late(now_ms)
        is_objection = is_held_back and feed.is_speech_waiting
        if departure.closing == "end_call" and (is_objection or departure.has_user_objected):
            departure.cancel_close(now_ms)

    def _check_answers(self, now_ms: int) -> None:
        parts = self._parts
        turn = parts.turns.current
        if turn is not None and parts.calls.is_wait_over(turn):
            parts.replies.force_end_turn(turn, now_ms)
        if parts.answer_watch.check(now_ms):
            parts.sessions.note_activity(now_ms)
        if parts.departure.closing is not None and parts.turns.current is None:
            # The goodbye may have come before the answer to an earlier question.
            parts.router.send_owed_answers(now_ms)

    def _maintain_live_session(self, now_ms: int) -> None:
        parts = self._parts
        if (reason := parts.sessions.replace_if_needed(now_ms)) is not None:
            parts.closing.close(reason, now_ms)
        if parts.filler.check(now_ms):
            parts.sessions.note_activity(now_ms)
        if parts.greeting.check(now_ms):
            parts.departure.note_activity(now_ms)
        if parts.sessions.reopen(now_ms):
            return
        turn = parts.turns.current
        if turn is None:
            parts.lost_replies.repeat_aloud()
            parts.preference_mentions.say()
            if parts.cues.is_pending:
                parts.sessions.leave_duplicating_session(now_ms)
            if self._send_next_text(now_ms):
                parts.departure.note_activity(now_ms)
        elif parts.watchdog.is_watching() or parts.calls.is_waiting:
            pass
        elif parts.departure.is_stalled(now_ms):
            # A reply without input, or an utterance, has not ended.
            if not parts.feed.drop_unproven_speech(now_ms):
                parts.replies.force_end_turn(turn, now_ms)
            parts.departure.note_activity(now_ms)

    def _send_next_text(self, now_ms: int) -> bool:
        parts = self._parts
        if parts.router.send_owed_answers(now_ms):
            return True
        return not parts.calls.unspoken and parts.cues.send_next(now_ms)

    def _end_turns(self, now_ms: int) -> None:
        parts, departure = self._parts, self._parts.departure
        is_over = departure.is_late(now_ms) or not departure.may_take_replies
        if is_over and parts.keeper.may_commit:
            parts.answer_watch.give_up(now_ms)
        parts.closing.end_turns(now_ms)
