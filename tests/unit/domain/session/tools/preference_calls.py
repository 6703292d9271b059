"""Tool calls that set preferences."""

import json

from repartee.domain.protocol.messages import PreferencesChanged
from repartee.domain.users.preferences import PreferenceChanges
from tests.fakes.clock import NOON_MS
from tests.session_harness import SessionHarness


def prefer(
    call: SessionHarness, call_id: str = "x", asked_by_user: object = True, **wanted: str
) -> None:
    arguments = json.dumps(wanted | {"asked_by_user": asked_by_user})
    call.call_tool(call_id, arguments, name="set_preferences")


def learn(call: SessionHarness, *, ago_ms: int = 0, **wanted: str) -> None:
    """The session reads that preferences were changed elsewhere, ``ago_ms`` before."""
    changes = PreferenceChanges(**wanted)
    call.notice(PreferencesChanged(changes, NOON_MS + call.now_ms - ago_ms))
