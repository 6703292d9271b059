"""Sample events of one command share a new session, whose ids nothing has used before."""

import pytest

from local.invoke import EVENTS, SAMPLE_IDS, function_of, payloads_of
from tests.build.cloudformation import load_template, resources_of_type

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("event", EVENTS)
def test_an_events_name_names_its_function(event: str) -> None:
    assert function_of(event) in resources_of_type(load_template(), "AWS::Serverless::Function")


def test_the_events_of_a_call_share_new_ids() -> None:
    events = ["connect.new_session", "message.hello"]

    connect, hello = payloads_of(events)

    sample = EVENTS["message.hello"].read_text()
    assert all(one in sample and one not in connect and one not in hello for one in SAMPLE_IDS)
    assert payloads_of(events) != [connect, hello]


def test_an_event_without_a_call_is_sent_as_it_is() -> None:
    assert payloads_of(["message.hello"]) == [EVENTS["message.hello"].read_text()]
