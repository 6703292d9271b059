"""The gateway counts the faults that occurred; a seed determines them in any campaign."""

import pytest

from local.gateway.chaos import ChaosSettings, GatewayChaos

pytestmark = pytest.mark.unit


def test_a_message_counts_as_reordered_when_a_later_one_was_delivered_before_it():
    chaos = GatewayChaos(ChaosSettings())
    for number in (1, 3, 2, 4):
        chaos.delivered(1, number)
    chaos.delivered(2, 1)
    assert chaos.happened == {"reordered": 1}


def test_a_message_counts_as_duplicated_when_it_is_delivered_again():
    chaos = GatewayChaos(ChaosSettings())
    for number in (1, 2, 1, 2):
        chaos.delivered(1, number)
    assert chaos.happened == {"duplicated": 2}


def test_refused_posts_and_lost_disconnects_count():
    chaos = GatewayChaos(ChaosSettings(drop_disconnect_probability=1, throttle_probability=1))
    assert chaos.throttles(1, 1)
    assert chaos.drops_disconnect(1)
    assert chaos.happened == {"post_refused": 1, "disconnect_lost": 1}
    calm = GatewayChaos(ChaosSettings())
    calm.throttles(1, 1)
    calm.drops_disconnect(1)
    assert not calm.happened.total()


def test_a_seed_determines_the_faults_after_any_number_of_connections():
    settings = ChaosSettings(seed=4, delay_probability=0.5, throttle_probability=0.5)
    first = GatewayChaos(settings)
    later = GatewayChaos(settings.model_copy(update={"connections_before": 30}))
    for number in range(30):
        assert first.deliveries_s(2, number) == later.deliveries_s(32, number)
        assert first.throttles(2, number) == later.throttles(32, number)
