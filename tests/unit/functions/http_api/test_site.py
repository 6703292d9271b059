"""The page: its start page, its files and its settings."""

import base64
import gzip
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.event_files import load_event
from tests.unit.functions.http_api.harness import SIGN_IN, HttpApiHarness

pytestmark = pytest.mark.unit

SCRIPT = b"export const answer = 42;\n" * 100
WASM = b"\0asm\1\0\0\0\xff\xfe"
FILES = {
    "index.html": b'<script type="module" src="web/current/page/main.js"></script>',
    "page/main.js": SCRIPT,
    "page/styles/look.css": b"body{}",
    "vendor/fvad/fvad.wasm": WASM,
    "vendor/view.mjs": b"export {};",
    "icon.svg": b"<svg/>",
    "icon.png": b"\x89PNG",
    "app.webmanifest": b"{}",
}
NOT_SERVED = {
    ".hidden.js": b"",
    "page/.git/config.js": b"",
    "page/main.d.mts": b"",
    "vendor/LICENSE": b"",
    "odd name.js": b"",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    for name, content in (FILES | NOT_SERVED).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "secret.js").write_bytes(b"secret")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    (folder / "outside").symlink_to(tmp_path)
    return folder


@pytest.fixture
def api(site: Path) -> HttpApiHarness:
    return HttpApiHarness(site)


def asked(api: HttpApiHarness, path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    event = load_event("http_api.health")
    event |= {"rawPath": path, "headers": {k.replace("_", "-"): v for k, v in headers.items()}}
    event["requestContext"]["http"] |= {"method": method, "path": path}
    return api.application.handle(event, None)


def content_of(answer: dict[str, Any]) -> bytes:
    body: str = answer["body"]
    return base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()


def version_of(api: HttpApiHarness) -> str:
    found = re.search(r"web/([0-9a-f]{16})/", asked(api, "/")["body"])
    assert found
    return found[1]


def test_the_start_page_names_its_files_by_their_version(api: HttpApiHarness) -> None:
    answer = asked(api, "/")

    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "text/html; charset=utf-8"
    assert answer["headers"]["cache-control"] == "no-cache"
    assert "web/current/" not in answer["body"]
    assert f'src="web/{version_of(api)}/page/main.js"' in answer["body"]


def test_the_start_page_may_load_and_call_what_it_needs_and_nothing_else(
    api: HttpApiHarness,
) -> None:
    headers = asked(api, "/")["headers"]

    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy.pop("connect-src") == "'self' wss://voice.example https://tokens.example"
    assert policy.pop("script-src") == "'self' 'wasm-unsafe-eval'"
    assert {name for name, value in policy.items() if value == "'self'"} == {
        "style-src",
        "img-src",
        "manifest-src",
    }
    assert {name for name, value in policy.items() if value == "'none'"} == {
        "default-src",
        "base-uri",
        "form-action",
        "frame-ancestors",
    }
    assert "microphone=(self)" in headers["permissions-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("page/main.js", "text/javascript; charset=utf-8"),
        ("vendor/view.mjs", "text/javascript; charset=utf-8"),
        ("page/styles/look.css", "text/css; charset=utf-8"),
        ("vendor/fvad/fvad.wasm", "application/wasm"),
        ("icon.svg", "image/svg+xml"),
        ("icon.png", "image/png"),
        ("app.webmanifest", "application/manifest+json"),
    ],
)
def test_a_file_has_its_type_and_its_bytes(
    api: HttpApiHarness, name: str, content_type: str
) -> None:
    answer = asked(api, f"/web/{version_of(api)}/{name}")

    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == content_type
    assert content_of(answer) == FILES[name]


def test_only_a_file_of_the_present_version_is_cached_for_ever(api: HttpApiHarness) -> None:
    paths = {version: f"/web/{version}/page/main.js" for version in (version_of(api), "current")}
    present, other = (asked(api, path)["headers"]["cache-control"] for path in paths.values())

    assert present == "public, max-age=31536000, immutable"
    assert other == "no-cache"


@pytest.mark.parametrize("path", ["/", "/web/current/page/main.js", "/web/current/icon.png"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_file_that_the_browser_has_is_not_sent_again(
    api: HttpApiHarness, path: str, method: str
) -> None:
    first = asked(api, path)
    etag = first["headers"]["etag"]

    for known in (etag, f'"other", {etag}', "*"):
        again = asked(api, path, method, if_none_match=known)
        assert (again["statusCode"], again["body"]) == (304, "")
        kept = first["headers"].keys() - {"content-length"}
        assert {name: again["headers"][name] for name in kept} == {
            name: first["headers"][name] for name in kept
        }
    assert asked(api, path, if_none_match='W/"other"')["statusCode"] == 200


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("br, gzip;q=0", False),
        ("gzip;q=0.0, br", False),
        ("xgzip", False),
        ("", False),
    ],
)
def test_a_file_is_compressed_for_clients_that_accept_it(
    api: HttpApiHarness, accepted: str, is_compressed: bool
) -> None:
    answer = asked(api, "/web/current/page/main.js", accept_encoding=accepted)

    assert answer["headers"]["vary"] == "accept-encoding"
    assert answer["headers"].get("content-encoding") == ("gzip" if is_compressed else None)
    content = content_of(answer)
    assert int(answer["headers"]["content-length"]) == len(content)
    assert (gzip.decompress(content) if is_compressed else content) == SCRIPT


def test_a_file_is_not_compressed_where_it_does_not_pay(api: HttpApiHarness) -> None:
    answer = asked(api, "/web/current/icon.png", accept_encoding="gzip")

    assert "content-encoding" not in answer["headers"]
    assert content_of(answer) == FILES["icon.png"]


@pytest.mark.parametrize(
    "path",
    [
        *NOT_SERVED,
        "link.js",
        "outside/secret.js",
        "../secret.js",
        "page/../../secret.js",
        "%2e%2e/secret.js",
        "..%2fsecret.js",
        "/etc/passwd",
        "page/main.js\0.png",
        "page/main.js%00",
        "page\\main.js",
        "page//main.js",
        "page",
        "page/",
        "index.html",
        "nothing.js",
        "",
    ],
)
def test_what_is_no_file_of_the_page_is_a_problem(api: HttpApiHarness, path: str) -> None:
    for version in (version_of(api), "current", ".."):
        answer = asked(api, f"/web/{version}/{path}")
        assert answer["statusCode"] == 404
        assert answer["headers"]["content-type"] == "application/problem+json"
        assert "secret" not in answer["body"]


def test_an_edited_file_is_another_version_without_a_new_process(
    api: HttpApiHarness, site: Path
) -> None:
    before = version_of(api)
    assert asked(api, f"/web/{before}/page/main.js")["statusCode"] == 200
    (site / "page/main.js").write_bytes(b"export {};")
    os.utime(site / "page/main.js", ns=(1, 1))

    after = version_of(api)
    assert after != before
    answer = asked(api, f"/web/{after}/page/main.js")
    assert content_of(answer) == b"export {};"
    assert asked(api, f"/web/{before}/page/main.js")["headers"]["cache-control"] == "no-cache"


def test_another_process_knows_the_version_that_this_one_names(site: Path) -> None:
    one, other = HttpApiHarness(site), HttpApiHarness(site)
    version_of(other)
    (site / "page/main.js").write_bytes(b"export {};")

    answer = asked(other, f"/web/{version_of(one)}/page/main.js")
    assert content_of(answer) == b"export {};"
    assert "immutable" in answer["headers"]["cache-control"]


def test_the_folder_is_not_read_before_a_file_is_asked_for(tmp_path: Path) -> None:
    api = HttpApiHarness(tmp_path / "missing")
    assert asked(api, "/health")["statusCode"] == 200


def test_the_settings_say_who_answers_and_how_to_sign_in(api: HttpApiHarness) -> None:
    status, settings, _ = api.call("GET", "/settings", user=None)

    assert status == 200
    assert (settings["persona"], settings["business"]) == ("front_desk", "the front desk")
    assert settings["languages"][:2] == ["ar-EG", "ar-XA"]
    assert "Kore" in settings["voices"]
    assert settings["sign_in"] == {
        "authorize_url": SIGN_IN.authorize_url,
        "token_url": SIGN_IN.token_url,
        "sign_out_url": None,
        "client_id": "page",
        "audience": "repartee",
        "scope": "openid",
    }
