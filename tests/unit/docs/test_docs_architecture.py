"""docs/architecture.md lists the modules of the session core, the use cases and the keys."""

import re
import tomllib
from pathlib import Path

import pytest

from repartee.adapters.dynamodb import keys
from repartee.domain.tools.core_calls import ToolCallKey
from tests.documents import ROOT, blocks, first_code, page, rows, section

pytestmark = pytest.mark.unit

ARCHITECTURE = page("docs/architecture.md")
OURS = ROOT / "layers" / "shared" / "repartee"
SITE = ROOT / "clients" / "web" / "site"


def modules(folder: str) -> set[str]:
    """Return the modules below a folder of our package, as paths without their ending."""
    found = (OURS / folder).rglob("*.py")
    return {str(one.relative_to(OURS).with_suffix("")) for one in found if one.stem != "__init__"}


def listed(text: str, folder: str) -> set[str]:
    """Return the modules that the table of a folder's subfolders lists."""
    (table,) = re.findall(rf"^\| Folder of `{folder}/` \|.*\n(?:\|.*\n)+", text, re.MULTILINE)
    return {
        str(Path(folder) / first_code(subfolder) / name)
        for subfolder, _, names in rows(table)
        for name in re.findall(r"`(\w+)`", names)
    }


def test_the_diagram_shows_its_texts_whole() -> None:
    (diagram,) = blocks(ARCHITECTURE, "mermaid")
    # Mermaid reads a number sign as the start of a comment, and a semicolon as the end of a line.
    assert re.findall("[#;]", diagram) == []


@pytest.mark.parametrize("folder", ["domain/session", "application"])
def test_the_table_of_a_folder_lists_its_modules(folder: str) -> None:
    assert listed(section(ARCHITECTURE, "Folders"), folder) == modules(folder)


def test_a_missing_module_would_be_noticed() -> None:
    shorter = section(ARCHITECTURE, "Folders").replace("`order`", "")
    assert modules("domain/session") - listed(shorter, "domain/session") == {
        "domain/session/input/order"
    }


def test_the_arrows_between_the_subjects_are_those_that_lint_checks() -> None:
    project = tomllib.loads(page("pyproject.toml"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (layers,) = (
        one["layers"] for one in contracts if one.get("containers") == ["repartee.domain.session"]
    )
    first, last = layers.index("upkeep"), layers.index("client")
    arrows = " → ".join(f"`{name}`" for name in layers[first : last + 1])
    assert arrows in " ".join(section(ARCHITECTURE, "Folders").split())


def test_the_modules_of_the_page_exist_and_no_folder_is_left_out() -> None:
    named = re.findall(
        r"`((?:page|repartee)/.+?)/?`", section(ARCHITECTURE, "Page and `repartee.js`")
    )
    folders = {path for top in ("page", "repartee") for path in (SITE / top).glob("**/")}
    assert {one for one in named if not (SITE / one).exists()} == set()
    assert {path for path in folders if not any(named_in(path, one) for one in named)} == set()


def named_in(folder: Path, name: str) -> bool:
    path = SITE / name
    return folder in (path, *path.parents) or path in folder.parents


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
        keys.tool_record("U", "KIND", "ID"),
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
