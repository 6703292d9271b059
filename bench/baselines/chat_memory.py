"""Measures LangChain's and LangGraph's memories on DynamoDB with their default behaviour.

The program runs in the environment ``.tools/baselines``, because the product does not need its
packages. Its argument is one JSON object, and it writes one line of JSON per result. Of the project
it imports only modules that need nothing but the standard library.

The memories are used as their documentation recommends: a history adds both messages of a turn at
once; a saver belongs to a graph, which loads and saves.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from bench.phrases import phrases
from bench.units.consumed_units import ConsumedUnits

_BATCH_TURNS = 25


class Memory(Protocol):
    """One conversation in one of the memories."""

    def add(self, messages: list[BaseMessage]) -> None:
        """Add messages without measuring."""
        ...

    def turn(self, heard: str, said: str) -> None:
        """Load the conversation and append a turn, as an application does for each turn."""
        ...


class MessageHistoryMemory:
    """``DynamoDBChatMessageHistory``; one item that holds every message."""

    def __init__(self, given: dict[str, Any], name: str) -> None:
        from langchain_community.chat_message_histories import DynamoDBChatMessageHistory

        self._history = DynamoDBChatMessageHistory(
            table_name=given["tables"]["history"],
            session_id=name,
            endpoint_url=given["endpoint"],
            boto3_session=boto3.session.Session(**given["session"]),
        )
        self.client = self._history.table.meta.client

    def add(self, messages: list[BaseMessage]) -> None:
        """Add messages without measuring."""
        self._history.add_messages(messages)

    def turn(self, heard: str, said: str) -> None:
        """Load the conversation and append a turn."""
        _ = self._history.messages
        self._history.add_messages([HumanMessage(heard), AIMessage(said)])


class CheckpointMemory:
    """``DynamoDBSaver`` under the smallest graph; a checkpoint holds every message.

    Args:
        given: The argument of the program.
        name: The name of the thread.
        durability: The moment of a save: ``async`` is LangGraph's default, ``exit`` the cheapest.
        is_compressed: Whether checkpoints are compressed.
    """

    def __init__(
        self, given: dict[str, Any], name: str, durability: str, *, is_compressed: bool
    ) -> None:
        from langgraph.graph import START, MessagesState, StateGraph
        from langgraph_checkpoint_aws import DynamoDBSaver

        saver = DynamoDBSaver(
            table_name=given["tables"]["saver"],
            session=boto3.session.Session(**given["session"]),
            endpoint_url=given["endpoint"],
            enable_checkpoint_compression=is_compressed,
        )
        self.client = saver.client
        self._said = ""

        def answer(_state: MessagesState) -> dict[str, list[AIMessage]]:
            return {"messages": [AIMessage(self._said)]} if self._said else {"messages": []}

        graph: Any = StateGraph(MessagesState)
        graph.add_node("answer", answer)
        graph.add_edge(START, "answer")
        self._graph = graph.compile(checkpointer=saver)
        self._config = {"configurable": {"thread_id": name}}
        self._durability = durability

    def add(self, messages: list[BaseMessage]) -> None:
        """Add messages without measuring."""
        self._said = ""
        self._invoke(messages)

    def turn(self, heard: str, said: str) -> None:
        """Load the conversation and append a turn; the graph does both."""
        self._said = said
        self._invoke([HumanMessage(heard)])

    def _invoke(self, messages: list[BaseMessage]) -> None:
        graph: Any = self._graph
        graph.invoke({"messages": messages}, self._config, durability=self._durability)


_KINDS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "DynamoDBChatMessageHistory": MessageHistoryMemory,
    "DynamoDBSaver": lambda given, name: CheckpointMemory(
        given, name, "async", is_compressed=False
    ),
    "DynamoDBSaver, exit, compressed": lambda given, name: CheckpointMemory(
        given, name, "exit", is_compressed=True
    ),
}


def _messages(first: int, turns: int) -> list[BaseMessage]:
    messages: list[BaseMessage] = []
    for number in range(first, first + turns):
        heard, said = phrases(number)
        messages += [HumanMessage(heard), AIMessage(said)]
    return messages


def _filled(given: dict[str, Any], kind: str, name: str, turns: int) -> Any:
    """Return a conversation with ``turns`` turns.

    Raises:
        MemoryFullError: The memory could not hold them.
    """
    memory = _KINDS[kind](given, name)
    done = 0
    # Large steps first: a memory that accepts a thousand turns at once needs a single call.
    step = turns
    while done < turns:
        wanted = min(step, turns - done)
        try:
            memory.add(_messages(done, wanted))
            done += wanted
        except (ClientError, BotoCoreError, ValueError, RuntimeError) as error:
            if step <= _BATCH_TURNS:
                raise MemoryFullError(done, error) from error
            step = max(_BATCH_TURNS, step // 2)
    return memory


class MemoryFullError(Exception):
    """A memory accepts no further turns.

    Attributes:
        turns: The number of turns in it.
        reason: The error of the memory or the table.
    """

    def __init__(self, turns: int, error: Exception):
        super().__init__(str(error))
        self.turns = turns
        self.reason = f"{type(error).__name__}: {error}"[:300]


def _measure(given: dict[str, Any], kind: str, size: int) -> Iterator[dict[str, Any]]:
    conversations = given["conversations"][given["sizes"].index(size)]
    each = given["samples"] // conversations
    for index in range(conversations):
        memory = _filled(given, kind, f"{kind}-{size}-{index}", size)
        units = ConsumedUnits(memory.client)
        for number in range(size, size + each):
            started_s = time.perf_counter()
            try:
                memory.turn(*phrases(number))
            except (ClientError, BotoCoreError, ValueError, RuntimeError) as error:
                raise MemoryFullError(number, error) from error
            ms = (time.perf_counter() - started_s) * 1_000
            reads, writes, calls = units.take()
            yield {"ms": ms, "reads": reads, "writes": writes, "calls": calls}


def main() -> None:
    """Measure every kind at every size until it accepts no further turns."""
    warnings.simplefilter("ignore")
    given = json.loads(sys.argv[1])
    for kind in _KINDS:
        for size in given["sizes"]:
            result: dict[str, Any] = {"kind": kind, "size": size, "samples": []}
            try:
                result["samples"].extend(_measure(given, kind, size))
            except MemoryFullError as full:
                result |= {"samples": [], "stopped_at": full.turns, "reason": full.reason}
            sys.stdout.write(json.dumps(result) + "\n")
            sys.stdout.flush()
            if "stopped_at" in result:
                break


if __name__ == "__main__":
    main()
