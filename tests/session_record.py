"""The effects of a session under test, and the results that tests look at."""

from dataclasses import dataclass, field

from repartee.domain.conversation.conversation import Turn
from repartee.domain.protocol.frames import Frame, NumberedFrame, ReplyAudio, SessionError, TurnEnd
from repartee.domain.session.effects import (
    AmendTurn,
    AskCoreAgent,
    CommitTurn,
    DeleteInput,
    Effect,
    Finish,
    FinishReason,
    RespondToTool,
    SendText,
)


@dataclass(kw_only=True)
class SessionRecord:
    """The effects of one worker and the frames that were posted.

    Attributes:
        effects: All effects of the machine, in order.
        posted: The frames that were taken, repetitions included.
    """

    effects: list[Effect] = field(default_factory=list)
    posted: list[NumberedFrame] = field(default_factory=list)

    def finish(self) -> FinishReason | None:
        """Return the reason why the machine has finished, None before."""
        last = self.effects[-1] if self.effects else None
        return last.reason if isinstance(last, Finish) else None

    def all[E: Effect](self, kind: type[E]) -> list[E]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def frames[F: Frame](self, kind: type[F]) -> list[F]:
        return [one.frame for one in self.posted if isinstance(one.frame, kind)]

    @property
    def turns(self) -> list[Turn]:
        """The turns that were committed or whose commit is in flight."""
        return [commit.turn for commit in self.all(CommitTurn)]

    @property
    def remembered(self) -> list[Turn]:
        """The turns as they are in memory after all amendments."""
        turns = {turn.number: turn for turn in self.turns}
        turns |= {one.turn.number: one.turn for one in self.all(AmendTurn)}
        return list(turns.values())

    @property
    def replies(self) -> list[str]:
        """The reply's transcript of each turn that was committed."""
        return [turn.said for turn in self.turns]

    @property
    def exchanges(self) -> list[tuple[str, str]]:
        """The transcripts of the remembered turns: the user's and the reply's."""
        return [(turn.heard, turn.said) for turn in self.remembered]

    @property
    def ended_turns(self) -> list[int]:
        """The numbers of the turns whose end the client was sent."""
        return [frame.turn for frame in self.frames(TurnEnd)]

    @property
    def error_messages(self) -> list[str]:
        """The texts of the errors that the client was sent."""
        return [frame.message for frame in self.frames(SessionError)]

    @property
    def texts(self) -> list[str]:
        """The texts that the model was sent, in all Live sessions."""
        return [effect.text for effect in self.all(SendText)]

    @property
    def asked(self) -> list[AskCoreAgent]:
        return self.all(AskCoreAgent)

    @property
    def responses(self) -> list[tuple[str, str]]:
        """The id and the status of each answered tool call."""
        return [(one.response.call_id, one.response.status) for one in self.all(RespondToTool)]

    @property
    def deleted(self) -> list[int]:
        return [seq for one in self.all(DeleteInput) for seq in one.seqs]

    def pcm_posted(self, turn: int) -> bytes:
        """Return the audio of a reply as the client received it."""
        return b"".join(frame.pcm for frame in self.frames(ReplyAudio) if frame.turn == turn)
