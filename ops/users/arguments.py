"""Arguments that several commands share."""

import argparse

from ops.users.table_scan import DEFAULT_UNITS_PER_S
from repartee.domain.users.user_id import user_id_problem


def add_environment(parser: argparse.ArgumentParser) -> None:
    """Add ``--env``."""
    parser.add_argument(
        "--env",
        help="environment of samconfig.toml, or local for the stack of make up "
        "(default: the kept answers)",
    )


def add_scan(parser: argparse.ArgumentParser) -> None:
    """Add ``--units-per-s``."""
    parser.add_argument(
        "--units-per-s",
        type=positive,
        default=DEFAULT_UNITS_PER_S,
        help="read units that the scan may use in a second (default: %(default)s)",
    )


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add ``--yes``."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def add_user(parser: argparse.ArgumentParser) -> None:
    """Add ``--user``."""
    parser.add_argument(
        "--user", type=user_id, required=True, help="the user's id, the token's sub"
    )


def positive(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1")
    return int(text)


def user_id(text: str) -> str:
    """Read a user's id."""
    if (problem := user_id_problem(text)) is not None:
        raise argparse.ArgumentTypeError(f"the user's id {problem}")
    return text
