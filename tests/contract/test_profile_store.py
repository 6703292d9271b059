"""The contract of ProfileStore."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from repartee.domain.errors import UserErased
from repartee.domain.users.preferences import PreferenceChanges, Profile
from tests.contract.scenes import USER
from tests.contract.stores import Stores
from tests.fakes.clock import NOON_MS

pytestmark = pytest.mark.contract


def test_a_user_without_preferences_has_an_empty_profile(stores: Stores) -> None:
    assert stores.profiles.load(USER) == Profile(USER)


def test_a_change_keeps_the_other_preferences(stores: Stores) -> None:
    stores.profiles.change(USER, PreferenceChanges("de-DE", "Puck", "slowly"))

    changed = stores.profiles.change(USER, PreferenceChanges(language="fr-FR"))

    assert changed == Profile(USER, "fr-FR", "Puck", "slowly")
    assert stores.profiles.load(USER) == changed


def test_an_empty_text_restores_the_default(stores: Stores) -> None:
    stores.profiles.change(USER, PreferenceChanges("de-DE", "Puck", "slowly"))

    changed = stores.profiles.change(USER, PreferenceChanges(voice="", style="calmly"))

    assert changed == Profile(USER, "de-DE", None, "calmly")
    assert stores.profiles.change(USER, PreferenceChanges(language="")).language is None


def test_no_change_changes_nothing(stores: Stores) -> None:
    assert stores.profiles.change(USER, PreferenceChanges()) == Profile(USER)
    stores.profiles.change(USER, PreferenceChanges(voice="Puck"))
    assert stores.profiles.change(USER, PreferenceChanges()) == Profile(USER, voice="Puck")


def test_a_conditional_change_keeps_a_newer_value(stores: Stores) -> None:
    stores.profiles.change(USER, PreferenceChanges("es-419", "Puck"))
    correction = PreferenceChanges(language="es-US"), PreferenceChanges(language="es-419")

    assert stores.profiles.change(USER, *correction) == Profile(USER, "es-US", "Puck")
    stores.profiles.change(USER, PreferenceChanges(language="hi-IN"))
    assert stores.profiles.change(USER, *correction) == Profile(USER, "hi-IN", "Puck")
    stores.profiles.change(USER, PreferenceChanges(language=""))
    assert stores.profiles.change(USER, *correction) == Profile(USER, None, "Puck")
    assert stores.profiles.load(USER) == Profile(USER, None, "Puck")


def test_concurrent_writers_of_different_preferences_keep_both(stores: Stores) -> None:
    changes = (
        PreferenceChanges(language="es-ES"),
        PreferenceChanges(voice="Puck"),
        PreferenceChanges(style="slowly"),
    ) * 4
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda one: stores.profiles.change(USER, one), changes))

    assert stores.profiles.load(USER) == Profile(USER, "es-ES", "Puck", "slowly")


def test_users_do_not_share_preferences(stores: Stores) -> None:
    stores.profiles.change(USER, PreferenceChanges(voice="Puck"))

    assert stores.profiles.load("user-bob") == Profile("user-bob")


def test_the_tombstone_of_a_user_is_never_overwritten(stores: Stores) -> None:
    stores.profiles.change(USER, PreferenceChanges(voice="Puck"))
    stores.erase(USER, NOON_MS)

    for changes in (PreferenceChanges(voice="Kore"), PreferenceChanges()):
        for replaces in (None, PreferenceChanges(voice="Puck")):
            with pytest.raises(UserErased):
                stores.profiles.change(USER, changes, replaces)

    assert stores.profiles.load(USER) == Profile(USER, erased_at_ms=NOON_MS)
