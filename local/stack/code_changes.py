"""Describes edited code for the developer who runs the local stack."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from local.lambdas.code_changes import CodeChange
from local.stack.options import PROJECT
from repartee.adapters.personas import FOLDER as PERSONAS
from repartee.adapters.personas import load_persona
from repartee.domain.persona import PersonaRefused

_NAMED = 3
_WORKER = "StreamAgentFunction"


def describe_change(change: CodeChange) -> str:
    """Return the lines that say what was edited, which functions run it, and from when."""
    lines = []
    if change.files:
        functions = _listed(change.functions)
        lines.append(
            f"code changed: {_listed(map(_relative, map(str, change.files)))}; "
            + (f"later invocations of {functions} run it" if functions else "no function runs it")
        )
    lines += [
        f"  {count} running invocation{'s' if count > 1 else ''} of {function} "
        "with the previous code"
        + (
            "; a worker leaves its session after LingerSeconds without input"
            if function == _WORKER
            else ""
        )
        for function, count in change.running.items()
    ]
    lines += [f"  cannot be loaded: {_relative(error)}" for error in change.errors]
    lines += [] if change.errors else [f"  {fault}" for fault in _persona_faults(change.files)]
    if change.needs_restart:
        files = _listed(map(_relative, map(str, change.needs_restart)))
        lines.append(f"{files} changed: restart make up to apply it")
    return "\n".join(lines)


def _persona_faults(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        if file.parent.name == PERSONAS.name and file.exists():
            try:
                load_persona(file.stem, file.parent)
            except PersonaRefused as error:
                yield from str(error).splitlines()


def _listed(names: Iterable[str]) -> str:
    first, more = (all_names := list(names))[:_NAMED], len(all_names) - _NAMED
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")


def _relative(text: str) -> str:
    return text.removeprefix(f"{PROJECT}/")
