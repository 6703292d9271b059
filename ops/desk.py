"""``python -m ops.desk show`` and ``set NAME=VALUE …``: show or change the front desk's rules.

The rules are one item of DeskTable. The names are the weekdays (09:00-17:00, 22:00-06:00 for hours
that end on the next day, or closed), closed (days, separated by commas), slot_minutes,
horizon_days, max_bookings and max_bookings_per_day. Other values do not change.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from ops.answers import settings_of
from ops.confirmation import Ask, is_confirmed
from ops.failures import run_program
from ops.settings import DeployError, open_session, pairs_as_mapping
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.personas import load_persona
from repartee.config import DEFAULT_PERSONA
from repartee.domain.front_desk.rules import (
    WEEKDAYS,
    DeskRules,
    OpeningHours,
    RulesRefused,
    checked_rules,
    default_rules,
    split_hours,
)
from repartee.domain.persona import PersonaRefused

_NUMBERS = ("slot_minutes", "horizon_days", "max_bookings", "max_bookings_per_day")
_DAY_MINUTES = 24 * 60
NAMES = (*WEEKDAYS, "closed", *_NUMBERS, "time_zone")


def as_pairs(rules: DeskRules) -> dict[str, str]:
    """Return rules as names and values of ``set``."""
    hours = {name: rules.week.get(name) for name in WEEKDAYS}
    return {
        **{name: _as_text(opening) if opening else "closed" for name, opening in hours.items()},
        "closed": ",".join(rules.closed),
        **{name: str(getattr(rules, name)) for name in _NUMBERS},
        "time_zone": rules.time_zone.key,
    }


def with_changes(rules: DeskRules, pairs: Mapping[str, str]) -> DeskRules:
    """Return ``rules`` with some values replaced.

    Raises:
        DeployError: A name is unknown, a value is malformed, or hours are shorter than a slot.
        RulesRefused: A value is outside its limits, or two values contradict each other.
    """
    values: dict[str, Any] = rules.model_dump(mode="json")
    for name, value in pairs.items():
        if name not in NAMES:
            raise DeployError(f"{name}: the desk has no such setting; it has {', '.join(NAMES)}")
        if name == "closed":
            values["closed"] = sorted({day.strip() for day in value.split(",") if day.strip()})
        elif name not in WEEKDAYS:
            values[name] = value
        elif value == "closed":
            values["week"].pop(name, None)
        else:
            try:
                values["week"][name] = split_hours(value)
            except ValueError as error:
                raise DeployError(f"{name} is {value!r}; {error}, or closed") from None
    wanted = checked_rules(values, rules.time_zone, unknown="forbid")
    for name, hours in wanted.week.items():
        if (length := _minutes(hours)) < wanted.slot_minutes:
            raise DeployError(
                f"{name}: {_as_text(hours)} is {length} minutes, and a slot takes "
                f"{wanted.slot_minutes}; change the hours or slot_minutes"
            )
    return wanted


def _as_text(hours: OpeningHours) -> str:
    return f"{hours.opens:%H:%M}-{hours.closes:%H:%M}"


def _minutes(hours: OpeningHours) -> int:
    opens, closes = (at.hour * 60 + at.minute for at in (hours.opens, hours.closes))
    return closes - opens + (_DAY_MINUTES if hours.ends_next_day else 0)


def run(desk: DeskTable, options: argparse.Namespace, ask: Ask) -> int:
    """Show or change the rules; return the exit status, 1 if the user did not confirm.

    Raises:
        DeployError, RulesRefused: Nothing was written; the message says what to change.
    """
    try:
        written = desk.written_rules()
        state = "" if written else "No rules are stored, so the defaults apply."
    except RulesRefused as refusal:
        written = None
        state = f"The stored rules are invalid, so the defaults apply: {refusal}."
    rules = written or desk.default_rules
    before = as_pairs(rules)
    if state:
        print(state)
    if options.action == "show":
        print("\n".join(f"{name}={value}" for name, value in before.items()))
        return 0
    wanted = with_changes(rules, pairs_as_mapping(options.pairs, "set"))
    changes = {name: value for name, value in as_pairs(wanted).items() if value != before[name]}
    if not changes and written:
        print("Nothing changes.")
        return 0
    for name, value in changes.items():
        print(f"{name}: {before[name] or 'none'} -> {value or 'none'}")
    if options.dry_run:
        return 0
    if not options.yes and not is_confirmed(ask, "Write this?"):
        print("Nothing was written.")
        return 1
    desk.write_rules(wanted)
    print("Written. The rules apply from the next question on; bookings stay.")
    return 0


def open_desk(options: argparse.Namespace) -> DeskTable:
    """Return the desk of a deployed stack, or of the table in the options.

    Raises:
        DeployError: The stack or its settings are missing, the time zone does not exist, or the
            persona is missing or invalid.
    """
    if options.table:
        return desk_in(options.table, options.endpoint_url, options.time_zone, options.persona)
    settings = settings_of(options.env)
    session = open_session(settings)
    name = settings.stack_name
    stack = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    parameters = {
        parameter["ParameterKey"]: parameter["ParameterValue"]
        for parameter in stack.get("Parameters", [])
    }
    if "DeskTableName" not in outputs or "DeskTimeZone" not in parameters:
        raise DeployError(f"the stack {name} has no desk: its state is {stack['StackStatus']}")
    table = DynamoTable(session.client("dynamodb"), outputs["DeskTableName"])
    # A stack of version 0.1.0 has no persona.
    persona = parameters.get("Persona", DEFAULT_PERSONA)
    return _desk(table, parameters["DeskTimeZone"], persona)


def desk_in(table: str, endpoint_url: str | None, time_zone: str, persona: str) -> DeskTable:
    """Return the desk in a table by its name.

    Raises:
        DeployError: The time zone does not exist, or the persona is missing or invalid.
    """
    return _desk(DynamoTable(make_client(endpoint_url=endpoint_url), table), time_zone, persona)


def _desk(table: DynamoTable, time_zone: str, persona: str) -> DeskTable:
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise DeployError(f"{time_zone!r} is not a time zone such as Europe/London") from None
    try:
        hours = load_persona(persona).hours
    except PersonaRefused as refused:
        raise DeployError(str(refused)) from None
    return DeskTable(desk=table, default_rules=default_rules(zone, hours))


def main(arguments: Sequence[str] | None = None, ask: Ask = input) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.desk", description=__doc__)
    parser.add_argument("action", choices=["show", "set"])
    parser.add_argument("pairs", nargs="*", metavar="NAME=VALUE", help="what to set")
    parser.add_argument("--env", help="environment of samconfig.toml (default: the kept answers)")
    parser.add_argument("--table", help="this table instead of a stack's, as on the local stack")
    parser.add_argument("--time-zone", help="with --table: DeskTimeZone of the deployment")
    parser.add_argument(
        "--persona",
        default=DEFAULT_PERSONA,
        help="with --table: Persona of the deployment (default: %(default)s)",
    )
    parser.add_argument("--endpoint-url", help="with --table: DynamoDB's address; default: AWS's")
    parser.add_argument("--dry-run", action="store_true", help="print what would change only")
    parser.add_argument("--yes", action="store_true", help="write without asking")
    options = parser.parse_intermixed_args(arguments)
    if (options.action == "set") is not bool(options.pairs):
        parser.error("set takes one NAME=VALUE or more, show takes none")
    if bool(options.table) is not bool(options.time_zone):
        parser.error("--table and --time-zone go together")
    failed = "nothing was written" if options.action == "set" else "the rules cannot be read"
    return run_program(
        lambda: run(open_desk(options), options, ask), table="DeskTable", failed=failed
    )


if __name__ == "__main__":
    sys.exit(main())
