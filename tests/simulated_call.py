"""A call of a persona without a stack: both minds of the simulator, and the real tools on fakes."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from core_agent.tools.catalogue import make_tools
from core_agent.tools.stores import Stores
from local.gemini.mind import core_mind, mind
from local.gemini.mind.core_mind import Message
from local.gemini.mind.known import DeclaredFunction, Known, Line, ToolCall
from repartee.domain.conversation.conversation import Conversation, Memory
from repartee.domain.front_desk.rules import default_rules
from repartee.domain.live.model_profiles import FALLBACK_PROFILE
from repartee.domain.live.persona_prompt import live_persona, tools_of
from repartee.domain.live.prompt import PromptContext, system_instruction
from repartee.domain.persona import Persona
from repartee.domain.tools.core_prompt import core_prompt
from repartee.domain.users.preferences import Profile
from tests.fakes.desk import FakeDesk
from tests.fakes.tool_stores import fake_tool_stores, tool_context

ZONE = ZoneInfo("Europe/Madrid")
SUNDAY = datetime(2026, 11, 22, 17, tzinfo=ZONE)
_TYPES = {True: {"type": "BOOLEAN"}, False: {"type": "STRING"}}


@dataclass
class SimulatedCall:
    """A call of a user; ``say`` returns the reply without the words during the wait.

    Attributes:
        calls: The calls of the live mind, other than those of core_agent.
    """

    persona: Persona
    user: str = "ana"
    now: datetime = SUNDAY
    lines: list[Line] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    stores: Stores = field(init=False)

    def __post_init__(self) -> None:
        desk = FakeDesk(default_rules(ZONE, self.persona.hours), ZONE)
        self.stores = fake_tool_stores(desk=desk)
        self.memory = Memory(Conversation(self.user, "c1", "", 0, 0), Profile(self.user), ())

    def say(self, heard: str, *, spoken: bool = True) -> str:
        """Say something; return the reply."""
        reply = mind.respond(self.known, heard, spoken=spoken)
        said, answers = reply.say, []
        self.lines.append(Line("user", heard))
        for call in reply.calls:
            if call.name == "ask_core_agent":
                answers.append(self._ask_core(call.args["question"]))
            else:
                self.calls.append(call)
        self.lines.append(Line("model", said))
        for answer in answers:
            said = mind.speak_answer(self.known, "ask_core_agent", {"answer": answer}) or ""
            self.lines += [Line("tool", answer), Line("model", said)]
        return said

    @property
    def known(self) -> Known:
        """What the live mind knows."""
        persona, language = live_persona("persona", self.persona), self.persona.language
        when = PromptContext(self.now, ZONE.key, language, persona.languages)
        functions = tuple(
            DeclaredFunction(
                tool.name,
                tool.description,
                {
                    "properties": {
                        one.name: _TYPES[one.is_boolean] | {"description": one.description}
                        for one in tool.parameters
                    }
                },
            )
            for tool in tools_of(self.persona, FALLBACK_PROFILE)
        )
        instruction = system_instruction(persona.instructions, self.memory, when)
        return Known(instruction, functions, tuple(self.lines))

    def _ask_core(self, question: str) -> str:
        tools = make_tools(self.stores, tool_context(self.user, self.now, self.persona))
        functions = [
            DeclaredFunction(one.name, one.description, one.arguments.model_json_schema())
            for one in tools
        ]
        language = self.persona.language
        prompt = core_prompt(
            persona=self.persona, now=self.now, language=language, memory=self.memory
        )
        spoken = [one for one in self.lines[:-1] if one.role in ("user", "model") and one.text]
        messages = [Message(one.role, one.text) for one in spoken] + [Message("user", question)]
        for _ in range(5):
            answer = core_mind.respond(prompt, messages, functions, self.now)
            if not answer.calls:
                return answer.text
            for call in answer.calls:
                (tool,) = (one for one in tools if one.name == call.name)
                result = json.loads(tool.call(call.args).to_json())
                messages.append(Message("model", calls=(call,)))
                messages.append(Message("user", responses=((call.name, result),)))
        raise AssertionError(f"no answer to {question}")
