import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.conversation.conversation import SkippedInput
from repartee.domain.protocol.messages import MAX_AHEAD, Audio, Bye, Message, Numbered
from repartee.domain.session.input.order import InputOrder

pytestmark = pytest.mark.unit


def numbered(seq: int, message: Message | None = None) -> Numbered:
    return Numbered(seq, message or Audio(b"ab"), "A", 0)


def seqs(taken: list[Numbered | SkippedInput]) -> list[int | SkippedInput]:
    return [one.seq if isinstance(one, Numbered) else one for one in taken]


def order_with(*present: int, now_ms: int = 0) -> InputOrder:
    order = InputOrder(0)
    for seq in present:
        order.add(numbered(seq), now_ms)
    return order


@given(st.permutations(range(1, 12)))
def test_any_arrival_comes_out_in_order_and_once(arrival):
    order = InputOrder(0)
    taken: list[int | SkippedInput] = []
    for seq in [*arrival, *arrival]:
        order.add(numbered(seq), 0)
        taken += seqs(order.take(0))

    assert taken == list(range(1, 12))


def test_a_number_at_or_below_the_cursor_is_a_duplicate():
    order = InputOrder(5)

    assert not order.add(numbered(5), 0)
    assert order.add(numbered(6), 0)
    assert not order.add(numbered(6), 0)


def test_a_gap_is_asked_for_after_300_ms_and_every_second_from_then_on():
    order = order_with(1, 4)

    assert order.next_deadline_ms() == 300
    assert order.missing(299) == []
    assert order.missing(300) == [SkippedInput(2, 3)]
    assert order.missing(1_299) == []
    assert order.missing(1_300) == [SkippedInput(2, 3)]


def test_every_gap_is_asked_for_on_its_own_clock():
    order = order_with(1, 3, 6)
    order.add(numbered(8), 200)

    assert order.missing(300) == [SkippedInput(2, 2), SkippedInput(4, 5)]
    assert order.missing(500) == [SkippedInput(7, 7)]


def test_a_gap_that_closes_in_time_is_not_asked_for():
    order = order_with(1, 3)
    order.add(numbered(2), 250)

    assert seqs(order.take(250)) == [1, 2, 3]
    assert order.missing(10_000) == []
    assert order.next_deadline_ms() is None


def test_a_gap_is_given_up_after_three_seconds():
    order = order_with(1, 4)
    order.take(0)
    order.missing(2_900)

    assert not order.give_up(2_999)
    assert order.next_deadline_ms() == 3_000
    assert order.give_up(3_000)
    assert seqs(order.take(3_000)) == [SkippedInput(2, 3), 4]
    assert order.through == 4


def test_a_gap_behind_another_was_asked_for_before_it_is_given_up():
    order = order_with(1, 3, 5)
    order.take(0)
    assert order.missing(300) == [SkippedInput(2, 2), SkippedInput(4, 4)]
    order.add(numbered(2), 2_900)
    order.take(2_900)

    assert order.give_up(3_000)
    assert seqs(order.take(3_000)) == [SkippedInput(4, 4), 5]


def test_audio_that_comes_after_it_was_given_up_is_dropped():
    order = order_with(2)
    order.give_up(3_000)
    order.take(3_000)

    assert order.read_after == 0
    assert not order.add(numbered(1), 3_500)
    assert order.take(3_500) == []
    assert order.read_after == 2


def test_control_that_comes_after_it_was_given_up_is_delivered():
    order = order_with(2)
    order.give_up(3_000)
    order.take(3_000)

    assert order.add(numbered(1, Bye()), 3_500)
    assert seqs(order.take(3_500)) == [1]
    assert not order.add(numbered(1, Bye()), 3_600)


def test_a_skipped_number_is_looked_for_for_ten_seconds():
    order = order_with(2)
    order.give_up(3_000)
    order.take(12_999)
    assert order.read_after == 0

    order.take(13_000)

    assert order.read_after == 2
    assert not order.add(numbered(1, Bye()), 13_001)


def test_a_rewind_gives_everything_again_without_the_mailbox():
    order = order_with(1, 2, 4, 5)
    order.take(0)
    order.give_up(3_000)
    order.take(3_000)
    order.forget(1)

    order.rewind(1)

    assert order.read_after == 2
    assert not order.add(numbered(4), 3_100)
    assert seqs(order.take(3_100)) == [2, SkippedInput(3, 3), 4, 5]
    assert seqs(order.take(3_100)) == []


def test_a_late_message_has_its_own_place_after_a_rewind():
    order = order_with(1, 3)
    order.take(0)
    order.give_up(3_000)
    order.take(3_000)
    order.add(numbered(2, Bye()), 3_100)
    assert seqs(order.take(3_100)) == [2]

    order.rewind(0)

    assert seqs(order.take(3_200)) == [1, 2, 3]


def test_forgotten_input_does_not_come_back():
    order = order_with(1, 2, 3)
    order.take(0)
    order.forget(2)
    order.forget(1)

    order.rewind(2)

    assert seqs(order.take(0)) == [3]


def test_a_late_message_from_before_what_is_forgotten_is_not_kept():
    order = order_with(2)
    order.give_up(3_000)
    order.take(3_000)
    order.forget(2)
    order.add(numbered(1, Bye()), 3_100)

    assert seqs(order.take(3_100)) == [1]
    order.rewind(2)
    assert order.take(3_100) == []


def test_a_number_far_ahead_is_distinguished_from_a_gap():
    order = order_with(1)

    assert not order.is_too_far_ahead(1 + MAX_AHEAD)
    assert order.is_too_far_ahead(2 + MAX_AHEAD)
