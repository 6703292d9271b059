"""The syntax of queries: their commands, and the expressions in them.

An expression has field names (``turn``, ``@timestamp``, ``CostUsd.0``), numbers, texts in single
quotes, ``+ - * /``, ``= != < <= > >=``, ``like /regular expression/``, ``in [...]``,
``and or not``, parentheses, and functions. ``FUNCTIONS`` and ``AGGREGATES`` name the functions.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

FUNCTIONS = frozenset({"ispresent", "coalesce", "bin"})
"""Functions of one event."""

AGGREGATES = frozenset({"count", "sum", "avg", "min", "max", "pct", "latest"})
"""Functions of all events of a group, for ``stats``."""

_TOKENS = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?![\w.]))|(?P<period>\d+[smhd](?!\w))|'(?P<text>[^']*)'"
    r"|(?P<regex>(?<=like )/(?:[^/\\]|\\.)*/)|(?P<name>@?[A-Za-z_]\w*(?:\.\w+)*)"
    r"|(?P<sign>!=|<=|>=|[-=<>+*/(),|\[\]]))"
)
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


class QueryError(ValueError):
    """The query is invalid, or uses something that the local Insights does not support."""


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field; ``count(*)`` has the field ``*``."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, a regular expression, or the length of a period in s."""

    value: float | str


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator, with its arguments."""

    name: str
    arguments: "tuple[Expression, ...]"


type Expression = Field | Constant | Call


@dataclass(frozen=True, slots=True)
class Column:
    """An expression and its name in the result."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Fields:
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    condition: Expression


@dataclass(frozen=True, slots=True)
class Stats:
    columns: tuple[Column, ...]
    groups: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    """``keys`` has a name of a column or field and whether it is descending, for each key."""

    keys: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Limit:
    rows: int


type Command = Fields | Filter | Stats | Sort | Limit


@dataclass(frozen=True, slots=True)
class Query:
    """A query.

    Args:
        log_groups: The names of its log groups; empty without ``SOURCE``.
        commands: Its commands, in order.
    """

    log_groups: tuple[str, ...]
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def parse_query(text: str) -> Query:
    """Parse a query.

    Raises:
        QueryError: The query is invalid or not supported; the message names the place.
    """
    return _Parser(text).query()


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while text[place:].strip():
        match = _TOKENS.match(text, place)
        if match is None or match.lastgroup is None:
            raise QueryError(f"not understood: {text[place:].strip()[:40]!r}")
        kind = match.lastgroup
        yield _Token(kind, match[kind], match.start(kind), match.end(kind))
        place = match.end()


class _Parser:
    """A recursive descent parser: one method for each level of precedence."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: Sequence[_Token] = tuple(_tokens(text))
        self._next = 0

    def query(self) -> Query:
        sources: list[str] = []
        commands: list[Command] = []
        while True:
            name = self._take("name").text
            if name == "SOURCE" and not commands:
                sources.append(self._take("text").text)
            else:
                commands.append(self._command(name))
            if self._next == len(self._tokens):
                return Query(tuple(sources), tuple(commands))
            self._expect("|")

    def _command(self, name: str) -> Command:
        match name:
            case "fields":
                return Fields(self._columns())
            case "filter":
                return Filter(self._either())
            case "stats":
                columns = self._columns()
                for column in columns:
                    if not isinstance(column.expression, Call):
                        raise QueryError(f"stats takes functions, not {column.name}")
                return Stats(columns, self._columns() if self._accept("by") else ())
            case "sort":
                keys = [self._sort_key()]
                while self._accept(","):
                    keys.append(self._sort_key())
                return Sort(tuple(keys))
            case "limit":
                return Limit(int(self._take("number").text))
        raise QueryError(f"the command {name} is not supported by the local Insights")

    def _sort_key(self) -> tuple[str, bool]:
        name = self._column().name
        if self._accept("desc"):
            return name, True
        self._expect("asc")
        return name, False

    def _columns(self) -> tuple[Column, ...]:
        columns = [self._column()]
        while self._accept(","):
            columns.append(self._column())
        return tuple(columns)

    def _column(self) -> Column:
        first = self._next
        expression = self._either()
        start, end = self._tokens[first].start, self._tokens[self._next - 1].end
        written = self._text[start:end]
        return Column(self._take("name").text if self._accept("as") else written, expression)

    def _either(self) -> Expression:
        left = self._both()
        while self._accept("or"):
            left = Call("or", (left, self._both()))
        return left

    def _both(self) -> Expression:
        left = self._negation()
        while self._accept("and"):
            left = Call("and", (left, self._negation()))
        return left

    def _negation(self) -> Expression:
        if self._accept("not"):
            return Call("not", (self._negation(),))
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._sum()
        if self._accept("like"):
            return Call("like", (left, Constant(self._take("regex").text[1:-1])))
        if self._accept("in"):
            self._expect("[")
            values = [self._sum()]
            while self._accept(","):
                values.append(self._sum())
            self._expect("]")
            return Call("in", (left, *values))
        for sign in _COMPARISONS:
            if self._accept(sign):
                return Call(sign, (left, self._sum()))
        return left

    def _sum(self) -> Expression:
        return self._left_to_right(("+", "-"), ("*", "/"))

    def _left_to_right(self, signs: Sequence[str], *tighter: Sequence[str]) -> Expression:
        def operand() -> Expression:
            return self._left_to_right(*tighter) if tighter else self._operand()

        left = operand()
        while found := next((sign for sign in signs if self._accept(sign)), None):
            left = Call(found, (left, operand()))
        return left

    def _operand(self) -> Expression:
        if self._accept("("):
            inner = self._either()
            self._expect(")")
            return inner
        token = self._take("number", "period", "text", "name")
        if token.kind == "number":
            return Constant(float(token.text))
        if token.kind == "period":
            seconds = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
            return Constant(float(int(token.text[:-1]) * seconds[token.text[-1]]))
        if token.kind == "text":
            return Constant(token.text)
        return self._call(token.text) if self._accept("(") else Field(token.text)

    def _call(self, name: str) -> Expression:
        if name not in FUNCTIONS | AGGREGATES:
            raise QueryError(f"the function {name} is not supported by the local Insights")
        if name == "count" and self._accept("*"):
            arguments: list[Expression] = [Field("*")]
        else:
            arguments = [self._either()]
        while self._accept(","):
            arguments.append(self._either())
        self._expect(")")
        return Call(name, tuple(arguments))

    def _accept(self, text: str) -> bool:
        """Take the next token if it is this sign or word."""
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token.kind in ("sign", "name") and token.text == text:
                self._next += 1
                return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise QueryError(f"{text} is expected {self._place()}")

    def _take(self, *kinds: str) -> _Token:
        if self._next < len(self._tokens) and self._tokens[self._next].kind in kinds:
            self._next += 1
            return self._tokens[self._next - 1]
        raise QueryError(f"a {' or '.join(kinds)} is expected {self._place()}")

    def _place(self) -> str:
        if self._next == len(self._tokens):
            return "at the end"
        return f"before {self._text[self._tokens[self._next].start :][:40]!r}"
