"""Reading and setting the front desk's rules with `make desk`."""

from argparse import Namespace
from collections.abc import Callable
from datetime import date, time
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ops import desk as command
from ops.settings import DeployError
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.domain.errors import StoreUnavailable
from repartee.domain.front_desk.rules import DeskRules, OpeningHours, RulesRefused, default_rules

pytestmark = pytest.mark.unit

DEFAULTS = default_rules(ZoneInfo("Europe/London"))
FRIDAY = date(2026, 11, 27)

type Command = Callable[..., tuple[int, str]]


class Book:
    """A DeskTable's rules without a table.

    Attributes:
        written: What is written; a fault of it, or a failing table, instead.
    """

    default_rules = DEFAULTS
    written: DeskRules | Exception | None = None

    def written_rules(self) -> DeskRules | None:
        if isinstance(self.written, Exception):
            raise self.written
        return self.written

    def write_rules(self, rules: DeskRules) -> None:
        self.written = rules


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def ops(book: Book, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command on the book; return its status and output."""
    monkeypatch.setattr(command, "open_desk", lambda _options: book)

    def run(*arguments: str, answer: str | None = None) -> tuple[int, str]:
        def ask(_prompt: str) -> str:
            if answer is None:
                raise EOFError
            return answer

        status = command.main(arguments, ask)
        return status, "".join(capsys.readouterr())

    return run


def test_an_operator_sets_rules_and_reads_them(book: Book, ops: Command) -> None:
    pairs = ("friday=22:00-02:00", "monday=closed", "closed=12-25,2026-12-24", "horizon_days=60")

    assert ops("set", *pairs, "max_bookings=2", "--yes")[0] == 0

    rules = book.written_rules()
    assert rules is not None
    assert rules.on(FRIDAY) == OpeningHours(time(22), time(2))
    assert rules.closed == ("12-25", "2026-12-24")
    assert (rules.horizon_days, rules.max_bookings) == (60, 2)
    assert rules.week["tuesday"] == DEFAULTS.week["tuesday"]
    status, shown = ops("show")
    assert status == 0
    assert shown.startswith("monday=closed\ntuesday=09:00-17:00\n")
    assert command.with_changes(DEFAULTS, dict(line.split("=") for line in shown.split())) == rules
    assert ops("set", "closed=", answer="y") == (
        0,
        "closed: 12-25,2026-12-24 -> none\n"
        "Written. The rules apply from the next question on; bookings stay.\n",
    )
    assert ops("set", "closed=", "--yes") == (0, "Nothing changes.\n")


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        (("friday=9-17",), "week.friday.opens: write a time as HH:MM"),
        (
            ("friday=all day",),
            "friday is 'all day'; write opening and closing time, such as 09:00-17:00, or closed",
        ),
        (("friday=09:00-09:20",), "friday: 09:00-09:20 is 20 minutes, and a slot takes 30"),
        (("slot_minutes=600",), "monday: 09:00-17:00 is 480 minutes, and a slot takes 600"),
        (("friday=20:00-10:00", "saturday=09:00-12:00"), "week: saturday must not open at 09:00"),
        (("closed=2026-12-32",), "closed.0: there is no 2026-12-32"),
        (("horizon_days=9999",), "horizon_days: Input should be less than or equal to 3650"),
        (("max_bookings=many",), "max_bookings: Input should be a valid integer"),
        (("time_zone=Asia/Tokyo",), "time_zone: it is Asia/Tokyo, and the deployment's is Europe"),
        (("fridays=closed",), "fridays: the desk has no such setting; it has monday, tuesday"),
        (("friday",), "set: 'friday' must have the form Name=Value"),
        (("time_zone=\udcff",), "set: 'time_zone=\\udcff' is not UTF-8"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_written(
    pairs: tuple[str, ...], fault: str, book: Book, ops: Command
) -> None:
    status, printed = ops("set", *pairs, "--yes")

    assert status == 2
    assert f"nothing was written: {fault}" in printed
    assert book.written is None


def test_a_malformed_address_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    desk = ("--table", "DeskTable", "--time-zone", "Europe/London", "--endpoint-url", "nonsense")

    assert command.main(("show", *desk)) == 2
    assert capsys.readouterr().err == "the rules cannot be read: Invalid endpoint: nonsense\n"


def test_nothing_is_written_in_a_dry_run_without_a_yes_or_without_a_terminal(
    book: Book, ops: Command
) -> None:
    change = ("set", "friday=closed")

    assert ops(*change, "--dry-run") == (
        0,
        "No rules are stored, so the defaults apply.\nfriday: 09:00-17:00 -> closed\n",
    )
    assert [ops(*change, answer=answer)[0] for answer in ("n", "", "yeah")] == [1, 1, 1]
    assert ops(*change)[0] == 2
    assert "no terminal to confirm this on; use --yes" in ops(*change)[1]
    assert book.written is None


def test_invalid_rules_are_shown_and_can_be_replaced(book: Book, ops: Command) -> None:
    book.written = RulesRefused("time_zone: it is Asia/Tokyo")

    assert "so the defaults apply: time_zone: it is Asia/Tokyo." in ops("show")[1]
    assert ops("set", "monday=09:00-17:00", "--yes")[0] == 0
    assert book.written_rules() == DEFAULTS


def test_a_table_that_fails_is_named(book: Book, ops: Command) -> None:
    book.written = StoreUnavailable("ThrottlingException")

    assert ops("show") == (2, "DeskTable could not be reached: ThrottlingException\n")


@pytest.mark.parametrize(
    "arguments", [("set",), ("show", "friday=closed"), ("reset",), ("show", "--table", "desk")]
)
def test_an_invalid_command_ends_with_status_2(arguments: tuple[str, ...], ops: Command) -> None:
    with pytest.raises(SystemExit) as ended:
        ops(*arguments)

    assert ended.value.code == 2


def _stack(monkeypatch: pytest.MonkeyPatch, **stack: Any) -> Namespace:
    found = {"Stacks": [{"StackStatus": "CREATE_FAILED", **stack}]}
    cloudformation = SimpleNamespace(describe_stacks=lambda StackName: found)  # noqa: N803 - AWS's
    clients = {"cloudformation": cloudformation, "dynamodb": "client"}
    monkeypatch.setattr(command, "settings_of", lambda _env: SimpleNamespace(stack_name="dev"))
    monkeypatch.setattr(
        command, "open_session", lambda _settings: SimpleNamespace(client=clients.__getitem__)
    )
    return Namespace(table=None, env="dev")


def _parameters(zone: str, persona: str = "") -> dict[str, Any]:
    given = {"DeskTimeZone": zone, **({"Persona": persona} if persona else {})}
    return {
        "Outputs": [{"OutputKey": "DeskTableName", "OutputValue": "dev-desk"}],
        "Parameters": [
            {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
        ],
    }


def test_table_and_time_zone_are_those_of_the_deployed_stack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = command.open_desk(_stack(monkeypatch, **_parameters("Asia/Tokyo")))

    assert (desk.desk.name, desk.default_rules.time_zone.key) == ("dev-desk", "Asia/Tokyo")


def test_the_hours_of_the_stacks_persona_apply_until_rules_are_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack = _stack(monkeypatch, **_parameters("Europe/Madrid", "pizzeria"))

    assert command.as_pairs(command.open_desk(stack).default_rules)["tuesday"] == "13:00-23:30"


def test_the_persona_of_a_named_table_is_an_option(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "make_client", lambda endpoint_url: None)
    monkeypatch.setattr(DeskTable, "written_rules", lambda _desk: None)
    table = ("show", "--table", "DeskTable", "--time-zone", "Europe/Madrid")

    assert command.main((*table, "--persona", "pizzeria")) == 0
    assert "monday=closed\ntuesday=13:00-23:30\n" in capsys.readouterr().out
    assert command.main(table) == 0
    assert "monday=09:00-17:00\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("stack", "fault"),
    [
        ({}, "the stack dev has no desk: its state is CREATE_FAILED"),
        (_parameters("Mars/Phobos"), "'Mars/Phobos' is not a time zone"),
        (_parameters("/"), "'/' is not a time zone"),
        (_parameters("Asia/Tokyo", "florist"), "there is no persona 'florist'"),
    ],
)
def test_a_stack_without_a_desk_is_named(
    stack: dict[str, Any], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeployError) as refused:
        command.open_desk(_stack(monkeypatch, **stack))

    assert fault in str(refused.value)
