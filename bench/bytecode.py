"""A place for bytecode that holds the standard library's and nobody else's."""

import sys
import sysconfig
from pathlib import Path


def standard_library_bytecode(prefix: Path) -> Path:
    """Fill ``prefix`` so that ``PYTHONPYCACHEPREFIX`` finds bytecode of the standard library alone.

    On Lambda the standard library comes compiled, a function's packages only if whoever built the
    layer compiled them.

    Returns:
        ``prefix``.
    """
    library = Path(sysconfig.get_path("stdlib"))
    suffix = f".{sys.implementation.cache_tag}.pyc"
    for compiled in library.rglob(f"__pycache__/*{suffix}"):
        if "site-packages" in compiled.parts:
            continue
        folder = prefix / compiled.parent.parent.relative_to("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / compiled.name).symlink_to(compiled)
    return prefix
