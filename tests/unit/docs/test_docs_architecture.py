"""docs/architecture.md shows every module with a rule, every key and every use case."""

import re
from pathlib import Path

import pytest

from repartee.adapters.dynamodb import keys
from repartee.domain.tools.core_calls import ToolCallKey
from tests.documents import ROOT, code_spans, page, rows, section

pytestmark = pytest.mark.unit

ARCHITECTURE = page("docs/architecture.md")
OURS = ROOT / "layers" / "shared" / "repartee"


def modules(folder: str) -> set[str]:
    """Return the modules below a folder, as paths from it."""
    top = OURS / folder
    return {str(one.relative_to(top)) for one in top.rglob("*.py") if one.name != "__init__.py"}


def test_every_module_of_the_session_machine_has_a_row() -> None:
    table = rows(section(ARCHITECTURE, "The session machine"))
    named = {name for row in table for name in re.findall(r"`([\w/]+\.py)`", row[0])}
    assert named == modules("domain/session")


def test_every_use_case_has_a_row() -> None:
    spans = (Path(span) for span in code_spans(ARCHITECTURE) if span.startswith("application/"))
    named = {str(span.relative_to("application")) for span in spans}
    # Parts of running a session, and what it is given.
    assert modules("application") - named == {"serving/session_ports.py"}


def shape(text: str) -> str:
    """Return a key with its ids and numbers as signs, as the page writes it."""
    text = re.sub(r"\d{4}-\d{2}-\d{2}", "YYYY-MM-DD", text)
    text = re.sub(r"/\d{4}$", "/KKKK", text)
    return re.sub(r"\d+", lambda digits: "N" * len(digits[0]), text)


def test_every_key_that_is_spelled_in_the_code_is_in_the_table() -> None:
    spelled = (
        keys.profile("U"),
        keys.header("U", "C"),
        keys.usage("U", "2026-11-22"),
        keys.summary("C"),
        keys.turn("C", 1),
        keys.call("C", ToolCallKey(1, 1)),
        keys.state("S"),
        keys.wake("S"),
        keys.key(keys.session("S"), keys.message_sort(1)),
        keys.key(keys.session("S"), keys.ACK_SORT_KEY),
        keys.connection("K"),
        keys.ticket("J"),
        keys.active_session("U", "S"),
        keys.active_guard("U"),
    )
    expected = {(shape(key["pk"]["S"]), shape(key["sk"]["S"])) for key in spelled}
    documented = {
        (re.findall(r"`([^`]+)`", row[1])[0], sort)
        for row in rows(section(ARCHITECTURE, "Tables"))
        for sort in re.findall(r"`([^`]+)`", row[2])
    }
    assert expected <= documented


def test_lifetimes_are_the_codes() -> None:
    lifetimes = {
        tuple(re.findall(r"`([^`]+)`", row[2])): row[4]
        for row in rows(section(ARCHITECTURE, "Tables"))
        if row[0] == "LiveTable"
    }
    assert lifetimes[("state",)].startswith(f"{keys.STATE_LIFETIME_S // 3600} h")
    assert lifetimes[("wake",)] == f"{keys.WAKE_LIFETIME_S // 3600} h"
    assert lifetimes[("in#NNNNNNNNNNNN",)].startswith(f"{keys.MAILBOX_LIFETIME_S // 3600} h")
    hours, seconds = divmod(keys.CONNECTION_LIFETIME_S, 3600)
    assert lifetimes[("meta",)] == f"{hours} h {seconds // 60} min"
    assert lifetimes[("spent",)].startswith(f"{keys.TICKET_MARGIN_S // 3600} h")
