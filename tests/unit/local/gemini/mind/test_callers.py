"""The ordinary ways in which callers say what the front desk does: each sentence is understood."""

from pathlib import Path

import pytest
import yaml

from local.gemini.mind import mind
from local.gemini.mind.known import DeclaredFunction, Known
from local.gemini.mind.languages import say
from local.gemini.mind.requests import find_tool
from local.gemini.mind.tool_files import project_tools

pytestmark = pytest.mark.unit

STRING = {"type": "STRING"}
VOICES = {"type": "STRING", "description": "One of Aoede, Puck."}
LIVE = (
    DeclaredFunction("ask_core_agent", "", {"properties": {"question": STRING}}),
    DeclaredFunction(
        "set_preferences",
        "",
        {"properties": {"language": STRING, "style": STRING, "voice": VOICES}},
    ),
    DeclaredFunction("end_call"),
)
CALLERS = [
    (want, sentence)
    for name in ("callers.yaml", "more_callers.yaml")
    for want, sentences in yaml.safe_load(Path(__file__).with_name(name).read_text()).items()
    for sentence in sentences
]
REPLIES = {
    "greet": say("en", "hello"),
    "give_name": "Hello Robert, how can I help you?",
    "ask_name": say("en", "name_unknown"),
    "ask_name_and_appointment": "I do not know your name. I do not know of any appointment.",
    "thank": say("en", "thanks"),
    "say_goodbye": say("en", "goodbye"),
    "ask_abilities": say("en", "abilities_asked"),
}
CHANGES = {
    "change_language": [{"language": "es-ES"}],
    "change_speed": [{"style": one} for one in ("slowly", "quickly")],
    "change_style": [
        {"style": one} for one in ("formally", "formal", "cheerful", "friendlier", "quietly")
    ],
    "change_voice": [{"voice": "Puck"}],
}


def tool_for(reply: mind.Reply) -> str | None:
    """Return the tool for which the core mind takes a request, None for no request."""
    for call in reply.calls:
        if call.name == "ask_core_agent":
            found = find_tool(project_tools(), str(call.args["question"]), ("en",))
            return found.name if found else None
    return None


@pytest.mark.parametrize(("want", "sentence"), CALLERS)
def test_a_sentence_is_understood(want: str, sentence: str) -> None:
    reply = mind.respond(Known("", LIVE), sentence)

    if want in REPLIES:
        assert reply.say == REPLIES[want]
    elif want in CHANGES:
        (call,) = reply.calls
        assert (call.name, call.args in CHANGES[want]) == ("set_preferences", True)
    else:
        assert tool_for(reply) == {"nothing": None}.get(want, want)
        assert not any(call.name == "set_preferences" for call in reply.calls)
