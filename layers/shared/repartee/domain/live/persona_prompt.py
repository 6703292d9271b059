"""The persona's part of the live model's prompt: its role and its tools.

The rules are English in every persona, because only the English wording was tested. The persona
supplies the words for the business, in its own language.
"""

from repartee.domain.live.live_persona import LivePersona
from repartee.domain.live.model import ToolDeclaration, ToolParameter
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.persona import Persona
from repartee.domain.tools.core_calls import (
    ASK_CORE_AGENT,
    ASKED_BY_USER,
    END_CALL,
    SET_PREFERENCES,
)

_INSTRUCTIONS = (
    "{role} {manner} You speak for {business}. "
    "For anything about {abilities}, and to note or forget a fact about the user, call "
    "ask_core_agent and say its answer; never guess such facts. While you wait, say in a few words "
    "that you are looking. "
    "If this conversation already holds the answer, give it yourself. "
    "When the user asks you to change your language, voice or manner of speaking, call "
    "set_preferences. Never call it only because you hear another language."
)


def live_persona(name: str, persona: Persona) -> LivePersona:
    """Return the part of a persona that the session core uses."""
    instructions = _INSTRUCTIONS.format(
        role=persona.role,
        manner=persona.manner,
        business=persona.business,
        abilities=persona.abilities,
    )
    return LivePersona(name, instructions, persona.languages, persona.phrases)


def tools_of(persona: Persona, model: LiveModelProfile) -> tuple[ToolDeclaration, ...]:
    """Return the tools that a live model may call, with the allowed values of their parameters."""
    tags = ", ".join(tag for tags in model.languages.values() for tag in tags)
    return (
        ToolDeclaration(
            ASK_CORE_AGENT,
            f"Looks up and changes the data of {persona.words.place}: {persona.abilities}. Also "
            "notes, recalls or forgets facts about the user.",
            (ToolParameter("question", "What the user wants, complete, in the user's own words."),),
        ),
        ToolDeclaration(
            SET_PREFERENCES,
            "Changes your language, voice or manner of speaking. Pass only the values to change.",
            (
                ToolParameter(
                    ASKED_BY_USER,
                    "True only if the user asked for this change in words. Then it is stored for "
                    "later calls. False changes this call only.",
                    is_boolean=True,
                ),
                ToolParameter("language", f"One of {tags}.", required=False),
                ToolParameter("voice", f"One of {', '.join(model.voices)}.", required=False),
                ToolParameter(
                    "style",
                    "How to speak, in a few words such as slowly and formally.",
                    required=False,
                ),
            ),
        ),
        ToolDeclaration(END_CALL, "Ends the call once the user has said goodbye.", ()),
    )
