"""Examples for the OpenAPI document, by operation; a test compares each with its schema.

``answer`` stands for each status of success that has no example under its own number.
"""

from collections.abc import Mapping
from typing import Any

_CONVERSATION_ID = "01K9TSV4W0A1C3E5G7J9K2M4N6"
_SESSION_ID = "01K9TSV4W0M3Q5X8Z7B2D4F6H1"
_NOTE = {
    "note_id": "01K9TQ2Z0N4A6C8E0G2J4M6P8R",
    "text": "likes mornings",
    "noted_at": "2026-11-19T09:00:00.000Z",
}
_ERASURE = {"erased_at": "2026-11-20T12:00:00.000Z", "finished": True}
_CONVERSATION = {
    "conversation_id": _CONVERSATION_ID,
    "title": "Moving my appointment to Friday",
    "turn_count": 1,
    "created_at": "2026-11-20T11:58:00.000Z",
    "updated_at": "2026-11-20T11:59:00.000Z",
}
_TURN = {
    "number": 1,
    "session_id": _SESSION_ID,
    "started_at": "2026-11-20T11:58:10.000Z",
    "ended_at": "2026-11-20T11:58:19.000Z",
    "heard": {"text": "can I come on friday at ten", "verified": False},
    "said": {"text": "Yes, Friday at ten is yours.", "approximate": False},
    "shortened": False,
    "skipped_messages": 0,
    "tool_calls": [{"name": "ask_core_agent", "status": "done", "answer": "Booked: Friday 10:00."}],
    "first_audio_ms": 1180,
    "tokens_in": 357,
    "tokens_out": 65,
    "cost_usd": 0.00118725,
}
_DAY = {
    "day": "2026-11-20",
    "turns": 1,
    "talk_s": 9.0,
    "tokens_in": 357,
    "tokens_out": 65,
    "cost_usd": 0.00118725,
}
_UNFINISHED = {**_ERASURE, "finished": False, "deleted": {"turns": 9_000}}
_PREFERENCES = {"language": "en-GB", "voice": None, "style": "slowly and formally"}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "GET /settings": {
        "answer": {
            "persona": "front_desk",
            "business": "the front desk",
            "languages": ["en-US", "en-GB", "de-DE"],
            "voices": ["Kore", "Puck"],
            "sign_in": {
                "authorize_url": "https://login.example.com/authorize",
                "token_url": "https://login.example.com/token",
                "sign_out_url": None,
                "client_id": "repartee-page",
                "audience": "repartee",
                "scope": "openid",
            },
        }
    },
    "GET /health": {"answer": {"status": "ok", "persona": "front_desk"}},
    "POST /sessions": {
        "request": {"conversation_id": "new"},
        "answer": {
            "session_id": _SESSION_ID,
            "conversation_id": _CONVERSATION_ID,
            "ticket": "eyJhbGciOi…",
            "expires_at": "2026-11-20T11:59:00.000Z",
            "url": "wss://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/live?ticket=eyJhbGciOi…",
            "features": ["marks_speech", "stop", "speech_heard"],
        },
    },
    "GET /conversations": {"answer": {"conversations": [_CONVERSATION], "next_after": None}},
    "DELETE /conversations/{conversation_id}": {
        "answer": {**_ERASURE, "deleted": {"turns": 12, "calls": 4, "summaries": 1}},
        "202": _UNFINISHED,
    },
    "GET /conversations/{conversation_id}/turns": {
        "answer": {"turns": [_TURN], "next_after": None}
    },
    "GET /me/preferences": {"answer": _PREFERENCES},
    "PUT /me/preferences": {"request": {"style": "slowly and formally"}, "answer": _PREFERENCES},
    "GET /me/notes": {"answer": {"notes": [_NOTE], "next_after": None}},
    "DELETE /me": {
        "answer": {
            **_ERASURE,
            "deleted": {"conversations": 2, "turns": 31, "calls": 4, "bookings": 1},
        },
        "202": _UNFINISHED,
    },
    "GET /me/usage": {
        "answer": {
            "today": _DAY,
            "limits": [{"kind": "talk_seconds", "limit": 3600.0, "left": 3591.0}],
            "resets_at": "2026-11-21T00:00:00.000Z",
            "days": [_DAY],
        }
    },
    "GET /me/export": {
        "answer": {
            "version": 1,
            "exported_at": "2026-11-20T12:00:00.000Z",
            "account": {
                "preferences": _PREFERENCES,
                "limits": {"talk_s_per_day": None, "usd_per_day": None},
                "notes": [_NOTE],
                "bookings": [
                    {
                        "starts_at": "2026-11-27T10:00",
                        "reason": "a cut",
                        "booked_at": "2026-11-20T11:59:00.000Z",
                    }
                ],
                "usage_days": [_DAY],
                "usage_total": {name: value for name, value in _DAY.items() if name != "day"},
            },
            "tool_records": [{"kind": "orders", "record_id": "42", "record": {"state": "shipped"}}],
            "conversations": [
                {
                    **_CONVERSATION,
                    "continued": False,
                    "calls": [],
                    "summary": None,
                    "turns": [_TURN],
                }
            ],
            "next_after": None,
        }
    },
}
