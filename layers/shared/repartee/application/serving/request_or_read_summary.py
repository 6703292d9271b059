from repartee.application.serving.session_ports import SessionPorts
from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.errors import StoreUnavailable
from repartee.domain.session.effects import AskForSummary, ReadSummary
from repartee.domain.session.events import SummaryRead
from repartee.domain.session.state import SessionState


def request_or_read_summary(
    effect: AskForSummary | ReadSummary, ports: SessionPorts, state: SessionState
) -> SummaryRead | None:
    """Ask for a summary, or look for it, once: a turn later there is another chance.

    Returns:
        What was found, None when nothing was looked for or the table did not answer.
    """
    user_id, conversation_id = state.user_id, state.conversation_id
    try:
        if isinstance(effect, AskForSummary):
            ports.summaries.ask(SummaryRequest(user_id, conversation_id, state.session_id))
            return None
        header = ports.reader.load_header(user_id, conversation_id)
    except StoreUnavailable:
        ports.log.warning("summary left for later", extra={"session_id": state.session_id})
        return None
    return None if header is None else SummaryRead(header.summary, header.summary_through)
