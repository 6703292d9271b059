"""How often a worker looks into the mailbox."""

import pytest

from repartee.application.serving.poll_backoff import (
    ANSWERING_POLL_MS,
    LISTENING_POLL_MS,
    QUIET_POLL_MS,
    PollBackoff,
)

pytestmark = pytest.mark.unit


def delays(looks: int, *, listening: bool = False, answering: bool = False) -> list[float]:
    pace = PollBackoff()
    return [
        pace.next_delay_ms(0, found=False, is_listening=listening, is_answering=answering)
        for _ in range(looks)
    ]


def test_while_speech_flows_looks_come_every_20_ms():
    assert delays(10, listening=True) == [LISTENING_POLL_MS] * 10


def test_without_speech_looks_become_rarer_up_to_a_quarter_of_a_second():
    quiet = delays(20)
    assert quiet == sorted(quiet)
    assert (quiet[0], quiet[-1]) == (LISTENING_POLL_MS * 1.5, QUIET_POLL_MS)


def test_during_a_reply_looks_stay_frequent_enough_for_an_interruption():
    assert max(delays(20, answering=True)) == ANSWERING_POLL_MS


def test_a_find_makes_looks_frequent_again():
    pace = PollBackoff()
    for _ in range(20):
        pace.next_delay_ms(0, found=False, is_listening=False, is_answering=False)
    found = pace.next_delay_ms(0, found=True, is_listening=False, is_answering=False)
    assert found == LISTENING_POLL_MS


@pytest.mark.parametrize(("took_ms", "expected"), [(5, 15), (20, 0), (500, 0)])
def test_the_time_of_the_look_itself_counts(took_ms, expected):
    pace = PollBackoff()
    assert (
        pace.next_delay_ms(took_ms, found=True, is_listening=True, is_answering=False) == expected
    )
