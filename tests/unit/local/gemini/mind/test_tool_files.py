"""The files that teach the simulator tools: what they mean, and which are refused."""

import asyncio
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local.gemini.__main__ import parse_arguments, serve
from local.gemini.mind.core_mind import Answer, Message
from local.gemini.mind.core_mind import respond as think
from local.gemini.mind.data_files import DataFileError
from local.gemini.mind.known import DeclaredFunction, Known, Line, ToolCall
from local.gemini.mind.mind import respond
from local.gemini.mind.tool_files import FOLDER, ToolBook, project_tools, read_tools
from repartee.domain.tools.core_calls import Attempt, BegunTool
from repartee.domain.tools.core_prompt import repeated_turn_note

pytestmark = pytest.mark.unit

SAMPLE = re.search(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
STRING = {"type": "STRING"}
CORE = DeclaredFunction("ask_core_agent", "", {"properties": {"question": STRING}})
ORDER = DeclaredFunction("order_status", "", {"properties": {"order": STRING}})
BOOK = DeclaredFunction("book", "Book a slot.", {"properties": {"date": STRING}})
NOW = datetime(2026, 11, 22)  # noqa: DTZ001 - local time
ASKED = "What is the number of your order?"


@pytest.fixture
def book(tmp_path: Path) -> ToolBook:
    assert SAMPLE is not None
    path = tmp_path / "orders.yaml"
    path.write_text(SAMPLE[1])
    return read_tools([path])


def ask(
    book: ToolBook,
    text: str,
    *steps: tuple[ToolCall, Any],
    instruction: str = "",
    functions: tuple[DeclaredFunction, ...] = (BOOK, ORDER),
) -> Answer:
    messages = [Message("user", text)]
    for call, answer in steps:
        messages.append(Message("model", calls=(call,)))
        messages.append(Message("user", responses=((call.name, answer),)))
    return think(instruction, messages, functions, NOW, book)


class TestTheLiveMind:
    def test_a_request_goes_to_the_core_agent_in_the_users_words(self, book: ToolBook) -> None:
        reply = respond(Known("", (CORE,), (), book), "Where is my parcel?")

        assert reply.say == "One moment, please."
        assert reply.calls == (ToolCall("ask_core_agent", {"question": "Where is my parcel?"}),)

    def test_the_answer_to_a_question_follows_the_request(self, book: ToolBook) -> None:
        lines = [Line("user", "where is my order"), Line("tool", ASKED), Line("model", ASKED)]
        known = Known("", (CORE,), lines, book)

        (call,) = respond(known, "forty two").calls
        assert call.args == {"question": "where is my order; forty two"}
        assert respond(known, "thank you").calls == ()
        assert respond(known, "goodbye").say == "Goodbye."

    def test_without_a_file_the_words_mean_nothing(self, book: ToolBook) -> None:
        known = Known("", (CORE,), (), ToolBook())
        assert respond(known, "where is my order").calls == ()

    def test_typed_words_that_mean_nothing_are_left_to_the_core_agent(self) -> None:
        known = Known("", (CORE,))
        (call,) = respond(known, "when does my ship sail", spoken=False).calls
        assert call.args == {"question": "when does my ship sail"}
        assert respond(known, "(Please speak.)", spoken=False).calls == ()


class TestTheCoreMind:
    def test_the_tool_is_called_and_its_answer_spoken(self, book: ToolBook) -> None:
        call = ToolCall("order_status", {"order": "42"})

        assert ask(book, "where is my order forty two").calls == (call,)
        done = {"output": '{"status": "done", "state": "on its way"}'}
        assert ask(book, "where is my order forty two", (call, done)).text == (
            "Your order 42 is on its way."
        )
        refused = {"status": "refused", "message": "Ask for another number."}
        assert ask(book, "where is my order forty two", (call, refused)).text == (
            "I find no order 42."
        )
        failed = {"status": "failed", "message": "This cannot be reached now."}
        assert ask(book, "where is my order forty two", (call, failed)).text == (
            "I am sorry, that did not work."
        )

    @pytest.mark.parametrize(
        ("result", "said"),
        [
            ({"state": "late", "date": "soon", "spoken": "Friday"}, "late, Friday"),
            ({"state": "late", "spoken": "Friday"}, "late, Friday"),
            ({"state": "late", "date": "2026-11-27", "time": 9}, "late"),
            ({"state": ["late", {"note": "lost"}]}, "late and lost"),
            ({"state": ""}, "nothing"),
        ],
    )
    def test_the_first_answer_is_spoken_whose_fields_the_result_has(
        self, result: dict[str, Any], said: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "parcel.yaml"
        templates = "['{state}, {spoken}', '{state}', nothing]"
        path.write_text(
            f"tool: order_status\nlanguages: {{en: {{heard: [parcel], done: {templates}}}}}"
        )
        call = ToolCall("order_status", {})
        assert ask(read_tools([path]), "my parcel", (call, result)).text == said

    def test_a_missing_argument_is_asked_for(self, book: ToolBook) -> None:
        assert ask(book, "where is my order").text == ASKED
        (call,) = ask(book, "where is my order; forty two").calls
        assert call.args == {"order": "42"}

    def test_an_integer_is_passed_as_one(self, book: ToolBook) -> None:
        whole = DeclaredFunction("order_status", "", {"properties": {"order": {"type": "INTEGER"}}})
        (call,) = ask(book, "where is my order 42", functions=(whole,)).calls
        assert call.args == {"order": 42}

    def test_a_text_for_an_integer_is_passed_as_heard_for_the_tool_to_refuse(
        self, tmp_path: Path
    ) -> None:
        whole = DeclaredFunction("order_status", "", {"properties": {"order": {"type": "INTEGER"}}})
        path = tmp_path / "orders.yaml"
        argument = "{kind: text, pattern: order (...)}"
        path.write_text(
            f"tool: order_status\nlanguages: {{en: {{heard: [order], "
            f"arguments: {{order: {argument}}}, done: Here.}}}}"
        )
        (call,) = ask(read_tools([path]), "my order from last week", functions=(whole,)).calls
        assert call.args == {"order": "From last week"}

    def test_a_call_of_a_turn_that_was_cut_off_is_not_made_a_second_time(
        self, book: ToolBook
    ) -> None:
        tool = BegunTool("order_status", '{"order":"42"}')
        known = repeated_turn_note([Attempt("asked before", (tool,), "It is on its way.")])
        unknown = repeated_turn_note([Attempt("asked before", (tool,), None)])

        assert ask(book, "my order 42", instruction=known).text == "It is on its way."
        assert ask(book, "my order 42", instruction=unknown).calls[0].args == {"order": "42"}
        assert ask(book, "my order 43", instruction=known).calls[0].args == {"order": "43"}

    def test_a_tool_that_is_not_declared_is_not_called(self, book: ToolBook) -> None:
        answer = ask(book, "where is my order 42", functions=(BOOK,))
        assert (answer.calls, answer.text) == ((), "I am sorry, I cannot do that.")
        assert ask(book, "the cat sleeps").text.startswith("I am sorry, I did not understand")

    def test_a_declared_tool_without_a_file_is_named_with_the_folder(self) -> None:
        # The guide to a new tool adds a file for order_status to the project.
        taught = project_tools()
        others = taught.only(set(taught.names) - {"order_status"})
        answer = ask(others, "where is my order 42")
        assert answer.text.startswith("I did not understand that. The simulator knows ")
        assert "my_bookings" in answer.text
        assert answer.text.endswith("; a file in local/gemini/tools teaches it order_status.")


class TestTheFiles:
    def test_the_projects_own_files_are_read_after_the_given_ones(self, book: ToolBook) -> None:
        assert book.names[0] == "order_status"
        assert set(read_tools().names) <= set(book.names)

    @pytest.mark.parametrize(
        ("old", "new", "complaint"),
        [
            ("tool:", "tools:", "tool: Field required"),
            ("tool: order_status", "tool: order status", "tool: String should match"),
            ("  en:", "  tlh:", "languages.tlh.[key]: Value error, no language; use one of en"),
            ("kind: number", "kind: digit", "languages.en.arguments.order.kind: Input should be"),
            ("kind: number", "kind: text", "languages.en.arguments.order: Value error, pattern is"),
            ("kind: number", "kind: day, pattern: by", "pattern needs brackets"),
            ("kind: number", "kind: number, of: my_orders", "none and several are required"),
            ("  refused:", "  several: '{order}?'\n    refused:", "several has no other field"),
            ("[order,", r"['\border\b',", r"Value error, “\border\b” is no phrase; write words"),
            ("[order,", "[<order>,", "Value error, <order> is no group of words; use one of day"),
            ("[order,", "[a ... b ... c ... d,", "up to 2 gaps"),
            ("      order: What", "      oder: What", "ask.oder is not one of the arguments"),
            ("{state}", "{state", "languages.en.done.0: Value error, write each field as {name}"),
            ("{state}", "{}", "languages.en.done.0: Value error, write each field as {name}"),
            ("{state}", "{state!z}", "write each field as {name}, and"),
            ("{state}", "{state:>9}", "write each field as {name}, and"),
            ("your order?", "your order.", "ask.order does not end with a question mark"),
            ("Your order {order} is {state}.", "[]", "languages.en.done: Value should have at"),
            (
                "    refused:",
                "    then: book\n    refused:",
                "then: the file has no tool book in en",
            ),
            ("refused:", "refuse:", "languages.en.refuse: Extra inputs are not permitted"),
            ("languages:", "languages: [", "while parsing"),
        ],
    )
    def test_a_bad_file_is_refused_with_its_name_and_field(
        self, old: str, new: str, complaint: str, tmp_path: Path
    ) -> None:
        assert SAMPLE is not None
        assert old in SAMPLE[1]
        path = tmp_path / "orders.yaml"
        path.write_text(SAMPLE[1].replace(old, new, 1))

        with pytest.raises(DataFileError) as refused:
            read_tools([path])
        assert str(path) in str(refused.value)
        assert complaint in str(refused.value)

    def test_the_simulator_does_not_start_with_a_bad_file(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "missing.yaml"
        arguments = ["--tls-dir", str(tmp_path), "--record-dir", str(tmp_path)]

        status = asyncio.run(serve(parse_arguments([*arguments, "--tools", str(path)])))

        assert status == 1
        assert str(path) in capsys.readouterr().err
