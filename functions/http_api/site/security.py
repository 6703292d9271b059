"""The headers that restrict the page in the browser."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from http_api.site.sign_in import SignIn


def security_headers(websocket_url: str, sign_in: SignIn | None) -> Mapping[str, str]:
    """Return the headers of the page.

    Args:
        websocket_url: The address of the WebSocket API.
        sign_in: How users sign in. The page calls the token endpoint and only navigates to the
            others, which the policy need not allow.
    """
    hosts = [websocket_url, *([sign_in.token_url] if sign_in else [])]
    policy = {
        "default-src": "'none'",
        # The speech detector is WebAssembly. Worklets are scripts too.
        "script-src": "'self' 'wasm-unsafe-eval'",
        "style-src": "'self'",
        "img-src": "'self'",
        "manifest-src": "'self'",
        "connect-src": " ".join(["'self'", *map(_origin, hosts)]),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "permissions-policy": (
            "microphone=(self), screen-wake-lock=(self), camera=(), geolocation=()"
        ),
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
