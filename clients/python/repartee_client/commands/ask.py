"""``repartee ask QUESTION``: prints the answer to one typed question."""

from argparse import Namespace

from repartee_client.call import Call
from repartee_client.commands.answers import Listener
from repartee_client.commands.exit_codes import DONE
from repartee_client.commands.presentation import show_json, used_up, warn
from repartee_client.errors import NoAnswerError
from repartee_client.events import (
    Event,
    LimitReached,
    Problem,
    Reconnecting,
    Refused,
    ReplyAudio,
    ReplyLost,
    ToolUsed,
    Transcript,
    TurnEnded,
    TurnRestarted,
)


class ReplyPrinter:
    """Prints each complete reply, and prints other events to standard error.

    Attributes:
        printed: The turns whose replies were printed.
    """

    def __init__(self) -> None:
        self.printed: list[int] = []
        self._said: dict[int, str] = {}
        self._audible: set[int] = set()
        self._has_acted = False

    def __call__(self, event: Event) -> None:
        match event:
            case Transcript(turn=turn, role="model", text=text):
                self._said[turn] = self._said.get(turn, "") + text
            case ReplyAudio(turn=turn):
                self._audible.add(turn)
            case TurnRestarted(turn=turn):
                self._said = {other: text for other, text in self._said.items() if other < turn}
                if self.printed and self.printed[-1] >= turn:
                    warn("the agent answers again")
            case TurnEnded(turn=turn, first_audio_ms=None) if (
                turn in self._audible and not self._has_acted and not self.printed
            ):
                # A reply without input: the agent's greeting, which does not answer the question.
                self._said.pop(turn, None)
            case TurnEnded(turn=turn):
                self._print(turn)
            case ReplyLost(turn=turn, text=text):
                self._said[turn] = text
                self._print(turn)
            case _:
                self._note(event)

    def _note(self, event: Event) -> None:
        match event:
            case ToolUsed(name=name, phase=phase):
                self._has_acted = True
                warn(f"tool {name} {phase}")
            case Problem(message=message):
                self._has_acted = True
                warn(message)
            case Refused(code=code, message=message):
                warn(f"{code}: {message}")
            case LimitReached():
                warn(f"the limit is reached: {used_up(event)}")
            case Reconnecting():
                warn("the line was lost; another one is opened")
            case _:
                pass

    def _print(self, turn: int) -> None:
        if text := self._said.pop(turn, "").strip():
            if self.printed:
                warn("the agent goes on")
            self.printed.append(turn)
            print(text, flush=True)


async def ask(options: Namespace, call: Call) -> int:
    """Ask the question and hang up."""
    printer = ReplyPrinter()
    async with Listener(call, show_json if options.json else printer) as listener:
        call.say(options.question)
        await listener.answer(options.timeout)
        await call.hang_up()
        await listener.end()
    has_answered = listener.has_replied if options.json else bool(printer.printed)
    if not has_answered or listener.closed_reason != "limit_reached":
        # The end of the session may have cut the answer off.
        listener.check_end()
    if not has_answered:
        raise NoAnswerError("the agent gave no answer")
    return DONE
