from dataclasses import replace

from repartee.domain.conversation.conversation import Memory
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.users.notes import MAX_FACTS
from repartee.ports.conversations import ConversationReader
from repartee.ports.users import Notes


def recall(
    reader: ConversationReader,
    notes: Notes,
    user_id: str,
    conversation_id: str,
    budget: MemoryBudget,
) -> Memory:
    """Return the memory for a model's prompt: the conversation and the user's newest notes.

    Raises:
        StoreUnavailable: A table failed beyond the retries.
    """
    memory = reader.load_memory(user_id, conversation_id, max_characters=budget.characters)
    return replace(memory, notes=tuple(notes.newest(user_id, limit=MAX_FACTS)))
