"""The programs that the browser tests need: where they are, and how to install missing ones."""

import shutil
import sys
from functools import cache
from pathlib import Path

from local.stack import PROJECT

PACKAGES = (
    PROJECT / ".tools" / "browser" / "lib"
    / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
)  # fmt: skip
NODE_MODULES = PROJECT / ".tools" / "web" / "node_modules"
_BROWSERS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "firefox": ("firefox-esr", "firefox"),
}


@cache
def browser(name: str) -> Path | None:
    """Return the installed ``chromium`` or ``firefox``; None without one."""
    found = (shutil.which(program) for program in _BROWSERS[name])
    return next((Path(path) for path in found if path), None)


def missing() -> str | None:
    """Return what the tests lack and how to install it; None if they can run."""
    if browser("chromium") is None:
        return "Chromium is not installed: install your system's package chromium"
    if not (PACKAGES / "playwright").is_dir():
        return "Playwright is not installed: run make test-browser"
    if shutil.which("node") is None or not NODE_MODULES.is_dir():
        return "the npm packages are not installed: install npm, then run make test-browser"
    return None
